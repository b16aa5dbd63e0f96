"""Tell Django about the app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """Accounts."""

    name = "accounts"

    def ready(self) -> None:
        """Load every app's jobs, so that each process knows each kind and its queue, and its looks at its health."""
        autodiscover_modules("jobs", "health")
