"""Register the app that puts the others together."""

from django.apps import AppConfig

from marketplace.celery import app as celery_app

__all__ = ["MarketplaceConfig", "celery_app"]  # Every process, web among them, nudges the workers through this app.


class MarketplaceConfig(AppConfig):
    """No tables: pages, probes and commands of the whole."""

    name = "marketplace"
