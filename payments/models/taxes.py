"""Which tax form an expert owes, and whether Stripe has it: never the number on it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from experts.models import Expert
from kernel.ids import TypedIdModel
from kernel.states import Stateful
from payments.states import TaxState


class TaxForm(models.TextChoices):
    """The forms of the United States for those whom a platform there pays."""

    W9 = "W-9"
    W8BEN = "W-8BEN"


class TaxProfile(TypedIdModel, Stateful):
    """An expert's form: which, since when asked, since when at Stripe, until when it holds."""

    PREFIX: ClassVar[str] = "tax"

    expert = models.OneToOneField(Expert, models.PROTECT, related_name="tax_profile")
    form = models.CharField(max_length=10, choices=TaxForm)
    asked_at = models.DateTimeField()
    given_at = models.DateTimeField(null=True)
    valid_until = models.DateField(null=True)  # The last day of a W-8BEN.
    has_number = models.BooleanField(default=False)  # Stripe holds a tax number: that, and no more, is told to us.

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=TaxState.values), name="tax_state_known"),
            models.CheckConstraint(condition=Q(form__in=TaxForm.values), name="tax_form_known"),
            models.CheckConstraint(
                condition=Q(state=TaxState.ASKED) | Q(given_at__isnull=False), name="tax_given_has_time"
            ),
        )

    def __str__(self) -> str:
        return self.public_id
