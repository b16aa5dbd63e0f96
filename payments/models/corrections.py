"""Corrections of the books by hand: one person asks, another one posts or refuses."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from payments.models.ledger import PLAY_MONEY, Entry
from payments.states import CorrectionState


class Correction(TypedIdModel, Stateful):
    """An amount to move from one account (credited) to another (debited), why, and who said yes."""

    PREFIX: ClassVar[str] = "cor"

    debit = models.CharField(max_length=80)  # Codes of accounts.
    credit = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")
    entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="correction")

    class Meta:
        ordering = ("-requested_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=CorrectionState.values), name="correction_state_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="correction_moves_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="correction_is_between_two_accounts"),
            models.CheckConstraint(condition=~Q(currency=PLAY_MONEY), name="correction_is_of_real_money"),
            models.CheckConstraint(
                condition=~Q(state=CorrectionState.POSTED)
                | (Q(decided_by__isnull=False, entry__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="correction_posted_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.REQUESTED, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="correction_decided_has_who_and_when",
            ),
        )

    def __str__(self) -> str:
        return self.public_id
