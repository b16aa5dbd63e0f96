"""How long the delivery log is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kernel.db import action
from labs.models import DeliveryState, WebhookDelivery

KEPT: Final = timedelta(days=90)


@action
def prune_deliveries(*, now: datetime, limit: int = 5_000) -> int:
    """Forget deliveries that are over and older than 90 days; return how many. Events stay in the feed."""
    over = WebhookDelivery.objects.filter(created_at__lt=now - KEPT).exclude(state=DeliveryState.PENDING)
    found = list(over.order_by("created_at").values_list("pk", flat=True)[:limit])
    WebhookDelivery.objects.filter(pk__in=found).delete()
    return len(found)
