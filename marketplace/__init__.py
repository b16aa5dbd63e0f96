"""Put the apps together: settings, addresses, processes and the demo. Nothing imports it."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
