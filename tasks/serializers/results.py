"""Submissions and exports as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from labs.doors import SafeCharField, SafeChoiceField, SafeJSONField, SafeNameField, StrictSerializer
from labs.models import Mode
from tasks.exports import SHAPES
from tasks.exports.download import CONTENT_TYPES
from tasks.models import Export, RejectCategory
from tasks.rules import REJECT_NOTES_MIN
from tasks.states import ClaimState, ExportState


class ReviewOut(serializers.Serializer[Any]):
    """A judgement: by a reviewer, unnamed, or by you."""

    decision = serializers.CharField()
    category = serializers.CharField(allow_blank=True)
    by = serializers.ChoiceField(choices=("reviewer", "lab"))
    decided_at = serializers.DateTimeField()


class ProvenanceOut(serializers.Serializer[Any]):
    """Who made it, as far as a lab may know, and under which rules."""

    expert = serializers.CharField(help_text="A pseudonym: the same within a project, another in every other one.")
    tier = serializers.IntegerField()
    credential_classes = serializers.ListField(child=serializers.CharField())
    guideline_version = serializers.IntegerField(allow_null=True)
    agreement_version = serializers.IntegerField()
    active_seconds = serializers.IntegerField()
    shown_order = serializers.ListField(child=serializers.IntegerField())
    kind_version = serializers.IntegerField()


class SubmissionOut(serializers.Serializer[Any]):
    """An answer as it was handed in; its content comes with ``expand=response``."""

    id = serializers.CharField()
    task = serializers.CharField()
    external_id = serializers.CharField()
    batch = serializers.CharField()
    state = serializers.ChoiceField(choices=ClaimState.choices)
    version = serializers.IntegerField()
    is_newest = serializers.BooleanField()
    active_seconds = serializers.IntegerField()
    submitted_at = serializers.DateTimeField()
    decision_due_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    stages = ReviewOut(many=True)
    provenance = ProvenanceOut()
    response = serializers.DictField(child=serializers.JSONField(), required=False)


class RejectIn(StrictSerializer):
    """Why an answer is rejected; its time is paid all the same."""

    category = SafeChoiceField(choices=RejectCategory.choices)
    notes = SafeCharField(max_length=20_000, min_length=REJECT_NOTES_MIN)


class FixIn(StrictSerializer):
    """Your own version of the answer, of the same kind; the expert is paid in full."""

    response = SafeJSONField()
    notes = SafeCharField(required=False, max_length=20_000, default="")

    def validate_response(self, value: Any) -> dict[str, Any]:
        """Take an object; the kind's own checks come with the action."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("Send a JSON object.", code="wrong_type")
        return value


class ExportIn(StrictSerializer):
    """A file to be made, of one project or of one of its batches."""

    project = SafeNameField(required=False, max_length=40)
    batch = SafeNameField(required=False, max_length=40)
    shape = SafeChoiceField(choices=sorted(SHAPES))
    format = SafeChoiceField(required=False, choices=sorted(CONTENT_TYPES), default="jsonl")
    since = SafeNameField(
        required=False,
        max_length=80,
        help_text="The `next_since` of an earlier export: only what was accepted after all that it holds.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for a project or a batch, not both."""
        if ("project" in attrs) == ("batch" in attrs):
            raise serializers.ValidationError({"project": ["Name a project or a batch."]}, code="required")
        return attrs


class ExportOut(serializers.ModelSerializer[Export]):
    """An export: where it stands and, once READY, what the file holds."""

    id = serializers.CharField(source="public_id", read_only=True)
    mode = serializers.ChoiceField(choices=Mode.choices, read_only=True)
    state = serializers.ChoiceField(choices=ExportState.choices, read_only=True)
    project = serializers.CharField(source="project.public_id", read_only=True)
    batch = serializers.CharField(source="batch.public_id", read_only=True, allow_null=True, default=None)
    format = serializers.CharField(source="file_format", read_only=True)
    since = serializers.CharField(read_only=True, allow_null=True)
    next_since = serializers.CharField(read_only=True, allow_null=True, help_text="Where the next export begins.")

    class Meta:
        model = Export
        fields = (
            "id", "mode", "state", "project", "batch", "shape", "format", "since", "created_at", "ready_at",
            "next_since", "rows_done", "rows_total", "rows", "size_bytes", "sha256", "schema_id", "reason",
        )  # fmt: skip
        read_only_fields = fields


class ExportFileOut(serializers.Serializer[dict[str, Any]]):
    """One file of an export."""

    name = serializers.CharField()
    format = serializers.CharField()
    rows = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()


class ManifestOut(serializers.Serializer[dict[str, Any]]):
    """What a READY export holds."""

    export = serializers.CharField()
    files = ExportFileOut(many=True)
    shape = serializers.CharField()
    schema_id = serializers.CharField()
    kind = serializers.CharField()
    kind_version = serializers.IntegerField()
    project = serializers.CharField()
    batch = serializers.CharField(allow_null=True)
    since = serializers.CharField(allow_null=True)
    next_since = serializers.CharField()
    ready_at = serializers.DateTimeField()


class SchemaOut(serializers.Serializer[dict[str, Any]]):
    """What a row of a shape holds."""

    schema_id = serializers.CharField()
    shape = serializers.CharField()
    schema = serializers.DictField(help_text="JSON Schema, 2020-12.")
