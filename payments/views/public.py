"""What everyone may see: the one rate card."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kernel.db import app_now
from payments import queries


@require_safe
def rates(request: HttpRequest) -> HttpResponse:
    """Show the card in force, whole."""
    return render(request, "payments/rates.html", {"card": queries.public_card(app_now().date()), "tiers": range(1, 6)})
