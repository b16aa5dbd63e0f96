"""Register the app that puts the others together."""

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """No tables: pages, probes and commands of the whole."""

    name = "marketplace"
