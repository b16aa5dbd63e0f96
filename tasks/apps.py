"""The tasks app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Name the app for Django."""

    name = "tasks"
    default_auto_field = "django.db.models.BigAutoField"
