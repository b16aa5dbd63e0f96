"""The labs app."""

from django.apps import AppConfig


class LabsConfig(AppConfig):
    """Name the app for Django."""

    name = "labs"
    default_auto_field = "django.db.models.BigAutoField"
