"""Cases: a person's decision on one piece of work, which another person looks at again when it is appealed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from experts.models.people import Expert
from experts.states import CaseKind, CaseOutcome, CaseSide, CaseState
from kernel.ids import TypedIdModel
from kernel.states import Stateful


class Case(TypedIdModel, Stateful):
    """Something that was asked about an expert's work: by whom, under which rule, and by when it is answered.

    What it is about is named by text ids, so that work can be asked about without being imported. Words are sealed
    under their project's key: they may quote the task.
    """

    PREFIX: ClassVar[str] = "cas"

    kind = models.CharField(max_length=12, choices=CaseKind)
    mode = models.CharField(max_length=4)
    side = models.CharField(max_length=8, choices=CaseSide)
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="cases")
    lab = models.CharField(max_length=40)
    project = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()  # Of the cases on its subject; names their pay lines.
    opened_by = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    statement = models.BinaryField()
    appeal = models.BinaryField(null=True)
    appealed_at = models.DateTimeField(null=True, blank=True)
    first = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    second = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("due_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="case_state_known"),
            models.CheckConstraint(condition=Q(kind__in=CaseKind.values), name="case_kind_known"),
            models.CheckConstraint(condition=Q(side__in=CaseSide.values), name="case_side_known"),
            models.CheckConstraint(
                condition=Q(second__isnull=True) | (Q(first__isnull=False) & ~Q(second=F("first"))),
                name="case_second_is_another_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=(CaseState.OPEN, CaseState.APPEALED)) | Q(first__isnull=False),
                name="case_is_with_somebody",
            ),
            models.UniqueConstraint(fields=("subject", "kind"), name="case_one_of_a_kind"),
            models.UniqueConstraint(fields=("subject", "number"), name="case_numbered_once"),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=~Q(state=CaseState.FINAL), name="case_waiting"),
            models.Index(fields=("lab", "-id"), name="case_by_lab"),
        )

    def __str__(self) -> str:
        return self.public_id


class CaseDecision(models.Model):
    """What one person decided, and why; the second round's stands. Never changed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=10, choices=CaseOutcome)
    seconds = models.PositiveIntegerField(default=0)  # Paid on top of what was paid before.
    reasons = models.BinaryField()
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("round",)
        constraints = (
            models.CheckConstraint(condition=Q(outcome__in=CaseOutcome.values), name="case_outcome_known"),
            models.CheckConstraint(condition=Q(round__in=(1, 2)), name="case_has_two_rounds"),
            models.UniqueConstraint(fields=("case", "round"), name="case_decided_once_a_round"),
            models.UniqueConstraint(fields=("case", "by"), name="case_decided_by_different_people"),
        )

    def __str__(self) -> str:
        return f"{self.case_id} round {self.round}: {self.outcome}"
