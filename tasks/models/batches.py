"""Tasks posted together, and the slots that ask for one answer each."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from tasks.models.projects import Project
from tasks.states import BatchState, SlotState


class WorkKind(models.TextChoices):
    """The two things a slot, an offer or a claim can be for."""

    WORK = "work"
    REVIEW = "review"


class Batch(TypedIdModel, Stateful):
    """Tasks that were posted together and are launched, watched and paid for together."""

    PREFIX: ClassVar[str] = "bat"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="batches")
    lab = models.ForeignKey("labs.Lab", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    priority = models.SmallIntegerField(default=0)  # Higher goes first.
    due_at = models.DateTimeField(null=True, blank=True)
    # The most that its work and reviews may cost, in the project's currency; counted only where there is such a cap.
    cap_minor = models.BigIntegerField(null=True, blank=True)
    committed_minor = models.BigIntegerField(default=0, db_default=0)  # Held and spent.
    created_by = models.CharField(max_length=64)  # The public id of a person or of a key.
    created_at = models.DateTimeField()
    staged_at = models.DateTimeField(null=True, blank=True)
    launched_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=500, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)  # No hold is open and nothing more can cost.

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=BatchState.values), name="batch_state_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=(BatchState.DRAFT, BatchState.STAGED, BatchState.CANCELLED))
                | Q(launched_at__isnull=False),
                name="batch_running_was_launched",
            ),
            models.CheckConstraint(
                condition=~Q(state=BatchState.COMPLETED) | Q(completed_at__isnull=False),
                name="batch_completed_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=BatchState.CANCELLED) | Q(cancelled_at__isnull=False),
                name="batch_cancelled_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | Q(state__in=(BatchState.COMPLETED, BatchState.CANCELLED)),
                name="batch_settled_is_over",
            ),
            models.CheckConstraint(
                condition=Q(cap_minor__isnull=True) | Q(cap_minor__gt=0, committed_minor__lte=F("cap_minor")),
                name="batch_within_cap",
            ),
            models.CheckConstraint(condition=Q(committed_minor__gte=0), name="batch_commits_no_less_than_nothing"),
        )

    def __str__(self) -> str:
        return self.public_id


TASK_CONTENT = ("payload", "payload_sha256", "metadata", "gold")  # What no list of tasks reads.


class Task(TypedIdModel):
    """One piece of work as the lab posted it; its content is sealed."""

    PREFIX: ClassVar[str] = "tsk"

    # Their keys are checked by triggers, once a statement: a hundred thousand come in one.
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, related_name="tasks", db_index=False, db_constraint=False
    )
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    external_id = models.CharField(max_length=200)
    payload = models.BinaryField()
    payload_sha256 = models.BinaryField(max_length=32)  # Keyed, so that equal content is not visible from outside.
    tags = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    metadata = models.BinaryField(null=True)  # The lab's own: exported, never served to experts or reviewers.
    gold = models.BinaryField(null=True)
    overlap = models.PositiveSmallIntegerField(default=1)
    priority = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("batch", "external_id"), name="one_task_per_external_id"),
            models.CheckConstraint(condition=Q(overlap__gte=1), name="task_wants_an_answer"),
        )
        indexes = (models.Index(fields=("batch", "id"), name="task_of_batch"),)

    def __str__(self) -> str:
        return self.public_id


class TaskTag(models.Model):
    """Where a task stands among its batch's tasks of one tag, in the order of lists; written with the task."""

    # An index of the tags themselves has no order: a tag that only old tasks have would be sought in all newer ones.
    pk = models.CompositePrimaryKey("batch", "tag", "task")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    tag = models.CharField(max_length=200)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)

    def __str__(self) -> str:
        return self.tag


class Slot(Stateful):
    """One wanted piece of work: an answer to a task, or a review of one."""

    kind = models.CharField(max_length=6, choices=WorkKind.choices)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, related_name="slots", db_index=False, db_constraint=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="slots", db_index=False, db_constraint=False)
    number = models.PositiveSmallIntegerField(default=1)  # Which answer to the task, from 1.
    subject_claim = models.ForeignKey(
        "tasks.Claim", on_delete=models.PROTECT, null=True, related_name="review_slots", db_index=False
    )
    layer = models.PositiveSmallIntegerField(default=0)  # Which look at the answer, from 1; 0 for work.
    round = models.PositiveSmallIntegerField(default=0)  # Which version of the answer, from 1; 0 for work.
    priority = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("task", "number"), condition=Q(kind=WorkKind.WORK), name="one_slot_per_answer_wanted"
            ),
            models.UniqueConstraint(
                fields=("subject_claim", "layer", "round"),
                condition=Q(kind=WorkKind.REVIEW),
                name="one_slot_per_review_wanted",
            ),
            models.CheckConstraint(condition=Q(state__in=SlotState.values), name="slot_state_is_known"),
            models.CheckConstraint(
                condition=Q(kind=WorkKind.WORK, subject_claim__isnull=True, layer=0, round=0, number__gte=1)
                | Q(kind=WorkKind.REVIEW, subject_claim__isnull=False, layer__gte=1, round__gte=1),
                name="slot_review_has_its_subject",
            ),
        )
        indexes = (
            models.Index(
                F("batch"),
                F("priority").desc(),
                F("id"),
                condition=Q(kind=WorkKind.WORK, state=SlotState.OPEN),
                name="slot_open_work",
            ),
            models.Index(
                F("project"),
                F("priority").desc(),
                F("id"),
                condition=Q(kind=WorkKind.REVIEW, state=SlotState.OPEN),
                name="slot_open_review",
            ),
            models.Index(fields=("batch", "kind", "state", "task"), name="slot_progress"),
        )

    def __str__(self) -> str:
        return f"slot {self.pk}"
