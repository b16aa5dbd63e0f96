"""Money that labs pay in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from labs.models import Lab
from payments.models.ledger import PLAY_MONEY
from payments.states import FundingState


class Customer(models.Model):
    """A lab as Stripe knows it."""

    lab = models.OneToOneField(Lab, models.PROTECT, related_name="stripe_customer")
    stripe_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.stripe_id


class FundingWay(models.TextChoices):
    """How a lab pays in."""

    CARD = "charge"  # A card that we charge ourselves: those of tests alone.
    CARD_PAGE = "card"
    INVOICE = "invoice"


class Funding(TypedIdModel, Stateful):
    """One payment of a lab: intended, sent, confirmed, settled."""

    PREFIX: ClassVar[str] = "fnd"

    lab = models.ForeignKey(Lab, models.PROTECT, related_name="fundings")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)  # What Stripe keeps; the platform bears it.
    way = models.CharField(max_length=10, choices=FundingWay, default=FundingWay.CARD, db_default=FundingWay.CARD)
    payment_method = models.CharField(max_length=255, blank=True, default="")
    invoice_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    invoice_number = models.CharField(max_length=100, blank=True, default="", db_default="")
    hosted_url = models.CharField(max_length=2_000, blank=True, default="", db_default="")
    po_number = models.CharField(max_length=100, blank=True, default="", db_default="")
    stripe_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    stripe_key = models.CharField(max_length=255, unique=True)  # Stored before the call: the same press, one charge.
    failure_code = models.CharField(max_length=100, blank=True, default="")
    failure_detail = models.CharField(max_length=500, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=FundingState.values), name="funding_state_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="funding_is_of_something"),
            models.CheckConstraint(condition=Q(fee_minor__gte=0), name="funding_fee_not_negative"),
            models.CheckConstraint(
                condition=~Q(currency=PLAY_MONEY)
                | Q(state=FundingState.SETTLED, stripe_id="", invoice_id="", hosted_url="", fee_minor=0),
                name="funding_of_play_money_is_never_at_stripe",
            ),
            models.CheckConstraint(condition=Q(way__in=FundingWay.values), name="funding_way_known"),
            models.UniqueConstraint(
                fields=["invoice_id"], condition=~Q(invoice_id=""), name="funding_once_per_invoice"
            ),
            models.UniqueConstraint(fields=["stripe_id"], condition=~Q(stripe_id=""), name="funding_once_per_payment"),
            models.CheckConstraint(
                condition=~Q(state__in=[FundingState.SUCCEEDED, FundingState.SETTLED]) | Q(succeeded_at__isnull=False),
                name="funding_confirmed_has_time",
            ),
        )

    def __str__(self) -> str:
        return self.public_id
