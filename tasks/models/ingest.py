"""A posting under way: lines wait here until all of them are in, then become tasks in one transaction."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import TypedIdModel
from labs.models import Lab
from tasks.models.batches import Batch


class IngestMode(models.TextChoices):
    """What one bad line means for the others."""

    PARTIAL = "partial"
    ALL_OR_NOTHING = "all_or_nothing"


class IngestRun(TypedIdModel):
    """One request that posts tasks to a batch."""

    PREFIX: ClassVar[str] = "ing"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="ingest_runs")
    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="+")
    ingest_mode = models.CharField(max_length=20, choices=IngestMode.choices)
    idempotency_key = models.CharField(max_length=255, blank=True, default="")
    lines = models.PositiveIntegerField(default=0)
    staged = models.PositiveIntegerField(default=0)  # Good lines so far: the merge refuses when one has gone missing.
    accepted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    merged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ingest_mode__in=IngestMode.values), name="ingest_run_mode_is_known"
            ),
        )
        indexes = (
            models.Index(
                fields=("touched_at",), condition=models.Q(merged_at__isnull=True), name="ingest_run_unfinished"
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class StagedLine(models.Model):
    """One checked and sealed line of a run, filled by COPY; the key is the task's id to be."""

    id = models.UUIDField(primary_key=True)
    # No foreign key: a check per copied row would cost more than the sweep that removes strays.
    run_id = models.UUIDField()
    line = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200)
    payload = models.BinaryField()
    payload_sha256 = models.BinaryField(max_length=32)
    tags = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    metadata = models.BinaryField(null=True)
    gold = models.BinaryField(null=True)
    overlap = models.PositiveSmallIntegerField()
    priority = models.SmallIntegerField()

    class Meta:
        indexes = (models.Index(fields=("run_id",), name="staged_line_by_run"),)

    def __str__(self) -> str:
        return f"staged line {self.line}"
