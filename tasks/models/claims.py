"""Who does what: offers of seats, claims on slots, the time they took, and what was handed in."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from tasks.models.batches import Batch, Slot, Task, WorkKind
from tasks.models.projects import GuidelineVersion, Project
from tasks.states import HOLDING, STANDING, ClaimState, OfferState

DECIDED = (ClaimState.ACCEPTED, ClaimState.REJECTED, ClaimState.RELEASED, ClaimState.EXPIRED, ClaimState.CLOSED_OUT)
HANDED_IN = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.ACCEPTED, ClaimState.REJECTED)


class SegmentKind(models.TextChoices):
    """What a stretch of paid time was spent on."""

    WORK = "work"
    RESEARCH = "research"
    READING = "reading"


class Offer(TypedIdModel, Stateful):
    """A seat at a batch, proposed to an expert with guaranteed minutes."""

    PREFIX: ClassVar[str] = "ofr"

    expert = models.ForeignKey("experts.Expert", on_delete=models.PROTECT, related_name="offers")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="offers")
    kind = models.CharField(max_length=6, choices=WorkKind.choices, default=WorkKind.WORK)
    guaranteed_minutes = models.PositiveIntegerField()
    worked_seconds = models.PositiveIntegerField(default=0)
    rate_minor = models.PositiveIntegerField()  # As shown with the offer; a claim takes the card's of its own day.
    score = models.PositiveSmallIntegerField()  # 0 to 1000, the sum of the parts that ``reasons`` names.
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-score", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("expert", "batch", "kind"), condition=Q(state__in=STANDING), name="one_standing_offer_per_seat"
            ),
            models.CheckConstraint(condition=Q(state__in=OfferState.values), name="offer_state_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=(OfferState.OFFERED, OfferState.EXPIRED)) | Q(answered_at__isnull=False),
                name="offer_taken_was_answered",
            ),
        )
        indexes = (models.Index(fields=("expires_at",), condition=Q(state=OfferState.OFFERED), name="offer_by_expiry"),)

    def __str__(self) -> str:
        return self.public_id

    @property
    def worked_minutes(self) -> int:
        """Whole minutes paid on this seat so far."""
        return self.worked_seconds // 60


class Claim(TypedIdModel, Stateful):
    """An expert holding a slot: what was promised at the time, and the meter that runs on it."""

    PREFIX: ClassVar[str] = "clm"

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="claims", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="claims")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="claims", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="claims", db_index=False)
    lab = models.ForeignKey("labs.Lab", on_delete=models.PROTECT, related_name="+", db_index=False)
    expert = models.ForeignKey("experts.Expert", on_delete=models.PROTECT, related_name="claims", db_index=False)
    kind = models.CharField(max_length=6, choices=WorkKind.choices)
    subject_claim = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="review_claims", db_index=False
    )

    # Promised at the claim; nothing changes it later, an extended cap apart.
    rate_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    tier = models.PositiveSmallIntegerField()
    card_version = models.PositiveIntegerField()
    fee_bps = models.PositiveIntegerField()
    cap_seconds = models.PositiveIntegerField()
    review_cap_seconds = models.PositiveIntegerField(default=0, db_default=0)
    review_rate_minor = models.PositiveIntegerField(default=0, db_default=0)
    review_layers = models.PositiveSmallIntegerField(default=0, db_default=0)
    is_cap_extended = models.BooleanField(default=False, db_default=False)
    is_review_drawn = models.BooleanField(default=False, db_default=False)
    guideline = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    # The expert worked by an earlier version, and has not yet said that they read this one.
    is_guideline_changed = models.BooleanField(default=False, db_default=False)
    agreement_version = models.ForeignKey(
        "agreements.AgreementVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    shown_order = ArrayField(models.PositiveSmallIntegerField(), default=list, db_default=[], blank=True)
    hold = models.OneToOneField("payments.Hold", on_delete=models.PROTECT, null=True, related_name="+")

    # The lease. A fence belongs to one stretch of WORKING; an old one opens nothing.
    fence = models.PositiveIntegerField(default=1, db_default=1)
    lease_until = models.DateTimeField()
    working_since = models.DateTimeField()  # The claim, or its newest resumption: a lease ends 4 caps later at most.

    # The meter. Closed segments are rows; the open one is running_since to running_until.
    raw_seconds = models.PositiveIntegerField(default=0, db_default=0)
    active_seconds = models.PositiveIntegerField(default=0, db_default=0)
    research_seconds = models.PositiveIntegerField(default=0, db_default=0)
    billable_seconds = models.PositiveIntegerField(null=True, blank=True)
    approved_seconds = models.PositiveIntegerField(null=True, blank=True)
    beat_session = models.CharField(max_length=40, blank=True, default="", db_default="")
    beat_nonce = models.CharField(max_length=40, blank=True, default="", db_default="")
    beat_nonce_was = models.CharField(max_length=40, blank=True, default="", db_default="")
    beat_counter = models.PositiveIntegerField(default=0, db_default=0)
    last_beat_at = models.DateTimeField(null=True, blank=True)
    input_at = models.DateTimeField(null=True, blank=True)
    is_visible = models.BooleanField(default=False, db_default=False)
    running_since = models.DateTimeField(null=True, blank=True)
    running_until = models.DateTimeField(null=True, blank=True)
    running_kind = models.CharField(
        max_length=10, choices=SegmentKind.choices, default=SegmentKind.WORK, db_default=SegmentKind.WORK
    )
    research_until = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_seconds = models.PositiveIntegerField(default=0, db_default=0)  # Pauses over, since working_since.

    claimed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    decision_due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    # Which acceptance of its project it was, set by a trigger: numbers appear in their order, so that an export which
    # goes by them misses nothing that commits late.
    accepted_number = models.BigIntegerField(null=True, editable=False)
    decision = models.CharField(
        max_length=20, blank=True, default="", db_default=""
    )  # accepted, fixed, rejected, released ...
    end_reason = models.CharField(
        max_length=200, blank=True, default="", db_default=""
    )  # In the expert's or the system's words.
    returns = models.PositiveSmallIntegerField(default=0, db_default=0)
    overturned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-claimed_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("expert",), condition=Q(state=ClaimState.WORKING), name="one_live_claim_per_expert"
            ),
            models.UniqueConstraint(
                fields=("task", "expert"), condition=Q(kind=WorkKind.WORK), name="one_claim_per_task_and_expert"
            ),
            models.UniqueConstraint(
                fields=("slot",), condition=Q(state__in=HOLDING), name="one_holding_claim_per_slot"
            ),
            models.CheckConstraint(condition=Q(state__in=ClaimState.values), name="claim_state_is_known"),
            models.CheckConstraint(
                condition=Q(kind=WorkKind.WORK, subject_claim__isnull=True)
                | Q(kind=WorkKind.REVIEW, subject_claim__isnull=False),
                name="claim_review_has_its_subject",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=HANDED_IN) | Q(submitted_at__isnull=False), name="claim_handed_in_has_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=DECIDED)
                | Q(decided_at__isnull=False, approved_seconds__isnull=False, billable_seconds__isnull=False),
                name="claim_decided_has_its_time_and_seconds",
            ),
            models.CheckConstraint(
                condition=~Q(state=ClaimState.SUBMITTED) | Q(decision_due_at__isnull=False),
                name="claim_submitted_has_a_due_time",
            ),
            models.CheckConstraint(condition=Q(returns__lte=2), name="claim_returned_twice_at_most"),
            models.CheckConstraint(
                condition=Q(running_since__isnull=True, running_until__isnull=True)
                | Q(running_until__gte=F("running_since")),
                name="claim_meter_runs_forward",
            ),
            models.CheckConstraint(
                condition=Q(approved_seconds__isnull=True) | Q(approved_seconds__lte=F("billable_seconds")),
                name="claim_approved_within_billable",
            ),
            models.CheckConstraint(
                condition=Q(billable_seconds__isnull=True) | Q(billable_seconds__lte=F("cap_seconds")),
                name="claim_billable_within_cap",
            ),
        )
        indexes = (
            models.Index(fields=("lease_until",), condition=Q(state=ClaimState.WORKING), name="claim_by_lease"),
            models.Index(
                fields=("decision_due_at",),
                condition=Q(state__in=(ClaimState.SUBMITTED, ClaimState.RETURNED)),
                name="claim_by_due",
            ),
            models.Index(fields=("expert", "-claimed_at"), name="claim_of_expert"),
            models.Index(fields=("batch", "state"), name="claim_of_batch"),
            models.Index(
                fields=("project", "accepted_number"),
                condition=Q(kind=WorkKind.WORK, state=ClaimState.ACCEPTED),
                name="claim_accepted",
            ),
            models.Index(fields=("subject_claim",), condition=Q(kind=WorkKind.REVIEW), name="claim_reviews_of_subject"),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_live(self) -> bool:
        """Tell whether the expert is at work on it now."""
        return self.state == ClaimState.WORKING


class Segment(models.Model):
    """A stretch of active time that will be paid, disjoint from every other of the same expert."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="segments")
    expert = models.ForeignKey("experts.Expert", on_delete=models.PROTECT, related_name="+", db_index=False)
    during = DateTimeRangeField()
    kind = models.CharField(max_length=10, choices=SegmentKind.choices)

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="one_place_at_a_time",
                expressions=[("expert", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(during__isempty=False, during__lower_inf=False, during__upper_inf=False),
                name="segment_has_two_ends",
            ),
            models.CheckConstraint(condition=Q(kind__in=SegmentKind.values), name="segment_kind_is_known"),
        )

    def __str__(self) -> str:
        return f"segment {self.pk}"


class Draft(models.Model):
    """The newest unsubmitted answer of a claim, sealed; kept through release, expiry and refusal."""

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="draft")
    body = models.BinaryField()
    revision = models.PositiveIntegerField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(revision__gte=1), name="draft_counts_from_one"),)

    def __str__(self) -> str:
        return f"draft {self.pk}"
