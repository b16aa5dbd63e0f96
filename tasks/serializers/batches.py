"""Batches and tasks as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labs.doors import (
    SafeCharField,
    SafeChoiceField,
    SafeIntegerField,
    SafeJSONField,
    SafeNameField,
    SafeTimeField,
    StrictSerializer,
)
from tasks.kinds.lines import MAX_PRIORITY
from tasks.models import Batch, IngestMode, IngestRun, Task
from tasks.serializers.simulations import SimulationIn, SimulationOut
from tasks.states import BatchState

MAX_INLINE = 1_000
MOST_CAP = 10**15
CAP = "The most that its work and reviews may cost, in minor units of the project's currency."


class LineIn(StrictSerializer):
    """One task. The payload's fields depend on the project's kind; ``metadata`` is yours and never shown to experts."""

    external_id = serializers.CharField(max_length=200, help_text="Your own id; once per batch.")
    payload = serializers.DictField(child=serializers.JSONField())
    tags = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=50)
    metadata = serializers.DictField(child=serializers.JSONField(), required=False)
    gold = serializers.DictField(child=serializers.JSONField(), required=False, help_text="The right answer, hidden.")
    overlap = serializers.IntegerField(required=False, min_value=1, max_value=20)
    priority = serializers.IntegerField(required=False, min_value=-MAX_PRIORITY, max_value=MAX_PRIORITY)


@extend_schema_field(LineIn(many=True))
class LinesField(SafeJSONField):
    """Tasks inside a JSON body: each is checked as a posted line is, not here."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the list, or say that it is none or too long."""
        if not isinstance(data, list):
            raise serializers.ValidationError("This is not a list.", code="wrong_type")
        if len(data) > MAX_INLINE:
            detail = f"At most {MAX_INLINE:,} tasks fit in a JSON body; stream more as NDJSON."
            raise serializers.ValidationError(detail, code="too_many")
        return data


class BatchFields(StrictSerializer):
    """What PATCH takes."""

    name = SafeNameField(required=False)
    priority = SafeIntegerField(required=False, min_value=-MAX_PRIORITY, max_value=MAX_PRIORITY)
    due_at = SafeTimeField(required=False, allow_null=True)
    cap_minor = SafeIntegerField(required=False, allow_null=True, min_value=1, max_value=MOST_CAP, help_text=CAP)


class BatchCreate(BatchFields):
    """A new batch, with up to 1,000 tasks in it; one bad task and nothing is stored."""

    name = SafeNameField()
    tasks = LinesField(required=False)
    simulation = SimulationIn(required=False)


class CancelIn(StrictSerializer):
    """Why a batch is cancelled; experts who lose work are told."""

    reason = SafeCharField(required=False, max_length=500, default="")


class SlotCounts(serializers.Serializer[Any]):
    """Wanted answers by where they stand; they add up to ``created``."""

    created = serializers.IntegerField()
    open = serializers.IntegerField()
    claimed = serializers.IntegerField()
    submitted = serializers.IntegerField()
    accepted = serializers.IntegerField()
    void = serializers.IntegerField()


class CostOut(serializers.Serializer[Any]):
    """What the batch cost so far: pay and fees."""

    currency = serializers.CharField()
    pay_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()


class BatchOut(serializers.ModelSerializer[Batch]):
    """A batch as its lab sees it."""

    id = serializers.CharField(source="public_id", read_only=True)
    project = serializers.CharField(source="project.public_id", read_only=True)
    state = serializers.ChoiceField(choices=BatchState.choices, read_only=True)

    class Meta:
        model = Batch
        fields: tuple[str, ...] = (
            "id", "project", "state", "name", "priority", "due_at", "cap_minor", "committed_minor",
            "created_at", "staged_at", "launched_at",
            "completed_at", "cancelled_at", "cancel_reason", "settled_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class FinishOut(serializers.Serializer[Any]):
    """When the last answer comes in at the pace since the launch; null with its reason where nobody can tell."""

    at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class PostingOut(serializers.Serializer[Any]):
    """A posting whose lines are still coming in: how many came, are good and wait, or were bad."""

    id = serializers.CharField()
    lines = serializers.IntegerField()
    staged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    touched_at = serializers.DateTimeField()


class BatchDetail(BatchOut):
    """A batch with its progress and cost."""

    progress = SlotCounts(read_only=True)
    expected_finish = FinishOut(read_only=True)
    postings = PostingOut(read_only=True, many=True)
    cost = CostOut(read_only=True)
    simulation = SimulationOut(read_only=True, allow_null=True)

    class Meta(BatchOut.Meta):
        fields: tuple[str, ...] = (
            *BatchOut.Meta.fields,
            "progress",
            "expected_finish",
            "postings",
            "cost",
            "simulation",
        )
        read_only_fields: tuple[str, ...] = fields


class LineErrorOut(serializers.Serializer[Any]):
    """What is wrong with one line."""

    line = serializers.IntegerField()
    external_id = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    pointer = serializers.CharField()
    detail = serializers.CharField()


class PostedOut(serializers.ModelSerializer[IngestRun]):
    """What became of posted lines."""

    id = serializers.CharField(source="public_id", read_only=True)
    batch = serializers.CharField(source="batch.public_id", read_only=True)
    mode = serializers.ChoiceField(source="ingest_mode", choices=IngestMode.choices, read_only=True)
    errors = LineErrorOut(many=True, read_only=True)  # type: ignore[assignment]  # As a field it replaces the property of this name.

    class Meta:
        model = IngestRun
        fields: tuple[str, ...] = ("id", "batch", "mode", "lines", "accepted", "duplicates", "rejected", "errors")
        read_only_fields: tuple[str, ...] = fields


class TaskOut(serializers.ModelSerializer[Task]):
    """A task without its content."""

    id = serializers.CharField(source="public_id", read_only=True)
    batch = serializers.CharField(source="batch.public_id", read_only=True)
    slots = SlotCounts(source="slots_by_state", read_only=True)

    class Meta:
        model = Task
        fields: tuple[str, ...] = (
            "id", "batch", "external_id", "tags", "overlap", "priority", "created_at", "cancelled_at", "slots",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class TaskDetail(TaskOut):
    """A task; its payload and metadata come with ``expand=payload``."""

    payload = serializers.DictField(child=serializers.JSONField(), required=False)
    metadata = serializers.DictField(child=serializers.JSONField(), required=False, allow_null=True)

    class Meta(TaskOut.Meta):
        fields: tuple[str, ...] = (*TaskOut.Meta.fields, "payload", "metadata")
        read_only_fields: tuple[str, ...] = fields


class TaskChanges(StrictSerializer):
    """What may change of a task."""

    priority = SafeIntegerField(min_value=-MAX_PRIORITY, max_value=MAX_PRIORITY, help_text="Higher goes first.")


class PostMode(StrictSerializer):
    """The query parameter ``mode``."""

    mode = SafeChoiceField(choices=IngestMode.values)
