"""What a lab wants done, by whom, under which rules."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from labs.models import Mode
from tasks.states import ProjectState


class ReviewPolicy(models.TextChoices):
    """How much of the work a second person judges."""

    NONE = "none"
    SAMPLED = "sampled"
    ALL = "all"


class Assignment(models.TextChoices):
    """Who may claim: those with an accepted seat, or anyone eligible."""

    SEATS = "seats"
    OPEN = "open"


def _words() -> ArrayField:  # type: ignore[type-arg]  # The element type is in the call; stubs want it twice.
    return ArrayField(models.CharField(max_length=60), default=list, blank=True)


class Project(TypedIdModel, Stateful):
    """A standing order of a lab: the rules that every batch in it follows."""

    PREFIX: ClassVar[str] = "prj"

    lab = models.ForeignKey("labs.Lab", on_delete=models.PROTECT, related_name="projects")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    name = models.CharField(max_length=200)
    code_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    description = models.TextField(blank=True, default="")
    domain = models.ForeignKey("experts.Domain", on_delete=models.PROTECT, related_name="+")
    tier_min = models.PositiveSmallIntegerField()
    tier_max = models.PositiveSmallIntegerField()
    credential_classes = _words()
    jurisdictions_wanted = _words()
    jurisdictions_barred = _words()
    languages = _words()
    countries = _words()
    content_flags = _words()
    agreement = models.ForeignKey("agreements.Agreement", on_delete=models.PROTECT, related_name="+")
    review_policy = models.CharField(max_length=10, choices=ReviewPolicy.choices, default=ReviewPolicy.ALL)
    review_share_bps = models.PositiveIntegerField(default=10_000)
    review_layers = models.PositiveSmallIntegerField(default=1)
    review_window_hours = models.PositiveSmallIntegerField(default=72)
    overlap_min = models.PositiveSmallIntegerField(default=1)
    overlap_max = models.PositiveSmallIntegerField(default=1)
    expected_seconds = models.PositiveIntegerField()
    cap_seconds = models.PositiveIntegerField()
    review_cap_seconds = models.PositiveIntegerField()
    guideline_seconds = models.PositiveIntegerField(default=0)
    idle_seconds = models.PositiveIntegerField(default=300)  # Longer where the kind is mostly reading.
    assignment = models.CharField(max_length=10, choices=Assignment.choices, default=Assignment.SEATS)
    seat_minutes = models.PositiveIntegerField(default=120)  # Guaranteed with each offer, while funds last.
    closeout_minutes = models.PositiveIntegerField(default=15)
    allowance_bps = models.PositiveIntegerField(default=1_000)  # Paid unfinished time, of finished time.
    currency = models.CharField(max_length=3)
    budget_alerted_bps = models.PositiveIntegerField(default=0)  # The highest alert already sent: 5000, 8000, 10000.
    retention_days = models.PositiveIntegerField(default=365)
    data_key = models.BinaryField()  # Wrapped by the master key, which is not in the database.
    pause_reason = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField()
    launched_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ProjectState.values), name="project_state_is_known"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="project_mode_is_known"),
            models.CheckConstraint(
                condition=Q(tier_min__gte=1, tier_max__lte=5, tier_min__lte=F("tier_max")),
                name="project_tiers_in_order",
            ),
            models.CheckConstraint(
                condition=Q(overlap_min__gte=1, overlap_min__lte=F("overlap_max")), name="project_overlap_in_order"
            ),
            models.CheckConstraint(
                condition=Q(cap_seconds__gt=0, review_cap_seconds__gt=0), name="project_caps_are_positive"
            ),
            models.CheckConstraint(
                condition=Q(mode=Mode.LIVE) & ~Q(currency="XTS") | Q(mode=Mode.TEST, currency="XTS"),
                name="project_play_money_in_test_only",
            ),
            models.CheckConstraint(
                condition=Q(state=ProjectState.DRAFT) | Q(launched_at__isnull=False), name="project_live_was_launched"
            ),
            models.CheckConstraint(
                condition=~Q(state=ProjectState.CLOSED) | Q(closed_at__isnull=False), name="project_closed_has_a_time"
            ),
        )
        indexes = (models.Index(fields=("lab", "mode", "-created_at", "-id"), name="project_of_lab"),)

    def __str__(self) -> str:
        return self.public_id


class GuidelineVersion(TypedIdModel):
    """The instructions of a project, as they stood when published."""

    PREFIX: ClassVar[str] = "gdl"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField()
    note = models.CharField(max_length=500, blank=True, default="")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("project", "number"), name="one_guideline_per_number"),)

    def __str__(self) -> str:
        return self.public_id


class Eligibility(models.Model):
    """Whether one expert may do one project's work, at which rate, and if not, why: written by the router."""

    expert = models.ForeignKey("experts.Expert", on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    tier = models.PositiveSmallIntegerField(null=True)
    rate_minor = models.PositiveIntegerField(null=True)
    card_version = models.PositiveIntegerField(null=True)
    fee_bps = models.PositiveIntegerField(null=True)
    review_rate_minor = models.PositiveIntegerField(null=True)  # The dearest reviewer this project may meet.
    hold_minor = models.PositiveBigIntegerField(null=True)  # The least that a claim of this expert sets aside.
    budget_account = models.ForeignKey(
        "payments.Account", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    is_eligible = models.BooleanField()
    can_review = models.BooleanField()
    reasons = models.JSONField(default=list)  # [{"rule", "detail"}]: why not the work.
    review_reasons = models.JSONField(default=list)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("expert", "project"), name="one_eligibility_per_pair"),
            models.CheckConstraint(
                condition=Q(is_eligible=False, can_review=False)
                | Q(tier__isnull=False, rate_minor__isnull=False, card_version__isnull=False, fee_bps__isnull=False),
                name="eligibility_knows_its_rate",
            ),
        )

    def __str__(self) -> str:
        return f"eligibility {self.pk}"
