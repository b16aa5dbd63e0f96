"""Accepted work on its way back to the lab: a file made by a job."""

from __future__ import annotations

from base64 import b32decode, b32encode
from typing import ClassVar
from uuid import UUID

from django.db import models

from kernel.ids import TypedIdModel
from kernel.states import Stateful
from labs.models import Lab, Mode
from tasks.models.batches import Batch
from tasks.models.projects import Project
from tasks.states import ExportState

SINCE = "since_"


def since_text(project: UUID, batch: UUID | None, number: int) -> str:
    """Write where the next export of the same project or batch begins; opaque to labs."""
    packed = project.bytes + (batch.bytes if batch else b"") + number.to_bytes(8, "big")
    return SINCE + b32encode(packed).decode().rstrip("=").lower()


def since_number(text: str, project: UUID, batch: UUID | None) -> int:
    """Read it back; ValueError for what is none, LookupError for one of another project or batch."""
    packed = text.removeprefix(SINCE).upper()
    raw = b32decode(packed + "=" * (-len(packed) % 8))
    number = int.from_bytes(raw[-8:], "big")
    if not text.startswith(SINCE) or len(raw) not in (24, 40) or number >= 1 << 63:
        raise ValueError("not a cursor")
    if text != since_text(project, batch, number):
        raise LookupError("of another project or batch")
    return number


class AcceptanceCount(models.Model):
    """How often a project's work was accepted: whoever accepts next waits until the number before is committed."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="+")
    last = models.BigIntegerField()

    def __str__(self) -> str:
        return f"acceptances of {self.project_id}"


class Export(TypedIdModel, Stateful):
    """One file of accepted work, in one shape."""

    PREFIX: ClassVar[str] = "exr"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="exports")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="exports")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, related_name="exports")
    shape = models.CharField(max_length=40)
    file_format = models.CharField(max_length=10, default="jsonl")
    # Which of the project's acceptances it holds, by their numbers: those after one, up to the last when it began.
    since_number = models.BigIntegerField(default=0)
    until_number = models.BigIntegerField(null=True)
    requested_by = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(null=True)
    rows = models.PositiveIntegerField(null=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    schema_id = models.CharField(max_length=100, blank=True, default="")
    file_name = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    ready_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="export_mode_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=ExportState.values), name="export_state_is_known"),
            models.CheckConstraint(
                condition=~models.Q(state=ExportState.READY)
                | models.Q(ready_at__isnull=False, rows__isnull=False, size_bytes__isnull=False),
                name="export_ready_has_its_file",
            ),
        )
        indexes = (models.Index(fields=("lab", "mode", "-created_at", "-id"), name="export_of_lab"),)

    def __str__(self) -> str:
        return self.public_id

    @property
    def since(self) -> str | None:
        """Where it begins, as labs write it; None for the beginning."""
        return since_text(self.project_id, self.batch_id, self.since_number) if self.since_number else None

    @property
    def next_since(self) -> str | None:
        """Where the next one begins that holds what this one does not yet."""
        number = self.until_number
        return None if number is None else since_text(self.project_id, self.batch_id, number)
