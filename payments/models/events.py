"""What Stripe told us: stored first, understood later."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kernel.states import Stateful
from labs.models import Mode
from payments.states import EventState


class StripeEvent(Stateful):
    """One signed event, stored once whatever is delivered twice."""

    mode = models.CharField(max_length=4, choices=Mode)
    stripe_id = models.CharField(max_length=255)
    endpoint = models.CharField(max_length=10)  # account, connect, thin or poll.
    kind = models.CharField(max_length=120)
    object_id = models.CharField(max_length=255, blank=True, default="")
    account = models.CharField(max_length=255, blank=True, default="")
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()  # Stripe's time.
    received_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-received_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["mode", "stripe_id"], name="stripe_event_once_per_mode"),
            models.CheckConstraint(condition=Q(state__in=EventState.values), name="stripe_event_state_known"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="stripe_event_mode_known"),
        )
        indexes = (models.Index(fields=["object_id", "received_at"], name="stripe_event_by_object"),)

    def __str__(self) -> str:
        return self.stripe_id
