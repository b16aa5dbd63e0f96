"""Addresses: which app answers where."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from kernel.ids import register_id_converters
from marketplace import landing, views
from marketplace.api_docs import ApiDocs

register_id_converters(
    "usr", "lab", "mem", "key", "evt", "whe", "exp", "app", "crd", "tgr", "rmk", "agr", "avr", "sig", "fnd", "hld",
    "pln", "pye", "run", "itm", "dif", "prj", "gdl", "bat", "tsk", "ofr", "clm", "sub", "rev", "exr", "ing", "dlv",
    "file", "qst", "inv", "doc", "cas", "jnl", "cor",
)  # fmt: skip

# Looked through in this order: experts at work, who ask most often, come first.
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tasks.urls")),
    path("", landing.landing, name="landing"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("demo/receiver/", views.receiver, name="receiver"),
    path("accounts/", include("allauth.urls")),
    path("api/docs/", ApiDocs.as_view(), name="api_docs"),
    path("api/v1/", include("marketplace.api_urls")),
    path("", include("accounts.urls")),
    path("", include("labs.urls")),
    path("", include("experts.urls")),
    path("", include("agreements.urls")),
    path("", include("payments.urls")),
]

handler400 = "marketplace.views.unreadable"
