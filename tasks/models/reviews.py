"""What was handed in, and how it was judged."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import TypedIdModel
from tasks.models.claims import Claim


class Decision(models.TextChoices):
    """What a reviewer may say."""

    ACCEPT = "ACCEPT"
    FIX = "FIX"
    RETURN = "RETURN"
    REJECT = "REJECT"


class RejectCategory(models.TextChoices):
    """Why work was rejected."""

    INCORRECT = "incorrect"
    INCOMPLETE = "incomplete"
    OFF_TASK = "off_task"
    GUIDELINES = "guidelines"
    UNSUPPORTED = "unsupported"
    NOT_OWN_WORK = "not_own_work"


class Submission(TypedIdModel):
    """One version of an answer as it was handed in, sealed."""

    PREFIX: ClassVar[str] = "sub"

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="submissions", db_index=False)
    version = models.PositiveSmallIntegerField()
    fence = models.PositiveIntegerField()  # The stretch of work it ended: the same press again finds it here.
    response = models.BinaryField()
    active_seconds = models.PositiveIntegerField()
    attestations = models.JSONField(default=dict)
    submitted_at = models.DateTimeField()

    class Meta:
        ordering = ("claim", "version")
        constraints = (
            models.UniqueConstraint(fields=("claim", "version"), name="one_submission_per_version"),
            models.UniqueConstraint(fields=("claim", "fence"), name="one_submission_per_fence"),
        )

    def __str__(self) -> str:
        return self.public_id


class Review(TypedIdModel):
    """A judgement of a submission: by a reviewer on a paid slot, or by the lab itself."""

    PREFIX: ClassVar[str] = "rev"

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, null=True, related_name="review")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    category = models.CharField(max_length=20, choices=RejectCategory.choices, blank=True, default="")
    notes = models.BinaryField(null=True)
    fixed_response = models.BinaryField(null=True)
    decided_by = models.CharField(max_length=64)  # The public id of a reviewer, a member or a key.
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("decided_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="review_decision_is_known"),
            models.CheckConstraint(
                condition=~Q(decision=Decision.REJECT) | ~Q(category="") & Q(notes__isnull=False),
                name="review_reject_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(decision=Decision.FIX) | Q(fixed_response__isnull=False), name="review_fix_has_the_fix"
            ),
            models.CheckConstraint(
                condition=~Q(decision=Decision.RETURN) | Q(notes__isnull=False), name="review_return_has_notes"
            ),
        )

    def __str__(self) -> str:
        return self.public_id
