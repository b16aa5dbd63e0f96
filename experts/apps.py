"""The experts app: those who do work."""

from django.apps import AppConfig


class ExpertsConfig(AppConfig):
    """Name the app for Django."""

    name = "experts"
    default_auto_field = "django.db.models.BigAutoField"
