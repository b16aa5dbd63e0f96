"""Where Stripe tells us things: check the signature and the mode, store the event, answer 200; act in a job."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kernel.db import app_now
from payments import stripe_events
from payments.gateways import stripe as gateway
from payments.gateways.errors import ForgedEvent
from payments.gateways.events import MAX_BYTES


@csrf_exempt
@require_POST
def receive(request: HttpRequest, endpoint: str) -> HttpResponse:
    """Take one signed event; whatever is not Stripe's, or not for this mode, is a 400 that stores nothing."""
    secrets = settings.STRIPE_WEBHOOK_SECRETS.get(endpoint)
    if secrets is None:
        raise Http404
    if int(request.headers.get("content-length") or 0) > MAX_BYTES:
        return HttpResponse("The event is too large.", status=413, content_type="text/plain")
    signature = request.headers.get("stripe-signature")
    try:
        event = gateway.verify_event(request.body, signature, secrets, is_thin=endpoint == "thin")
    except ForgedEvent as error:
        return HttpResponse(error.detail, status=400, content_type="text/plain")
    if event.is_live != gateway.is_live():
        return HttpResponse("The event is of the other mode.", status=400, content_type="text/plain")
    stripe_events.store_event(event, endpoint=endpoint, now=app_now())
    return HttpResponse(status=200)
