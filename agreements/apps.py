"""The agreements app: what was signed, and who has seen what."""

from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    """Name the app for Django."""

    name = "agreements"
    default_auto_field = "django.db.models.BigAutoField"
