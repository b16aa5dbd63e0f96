"""The web process: what gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_SECONDS", "5")  # A person waits for the answer; a job may take its minute.

application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 -- Imports every view once, before workers are forked.
