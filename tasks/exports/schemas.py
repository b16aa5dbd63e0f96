"""What a row of each shape holds, as JSON Schema (2020-12); the columns of Parquet follow from the same."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
ANYTHING: Final[Schema] = {}  # The lab's own, or the kind's: described by the API, and JSON text in Parquet.


def nullable(schema: Schema) -> Schema:
    """Allow null as well."""
    return {**schema, "type": [schema["type"], "null"]}


def rows(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def record(properties: dict[str, Schema]) -> Schema:
    """Describe an object that has all of these and nothing else."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


STAGE = record(
    {
        "decision": TEXT,
        "category": TEXT,
        "by": {"type": "string", "enum": ["reviewer", "lab"]},
        "decided_at": {"type": "string", "format": "date-time"},
    }
)
PROVENANCE = record(
    {
        "expert": TEXT,
        "tier": WHOLE,
        "credential_classes": rows(TEXT),
        "guideline_version": nullable(WHOLE),
        "agreement_version": WHOLE,
        "active_seconds": WHOLE,
        "shown_order": rows(WHOLE),
        "kind_version": WHOLE,
        "stages": rows(STAGE),
    }
)
COMMON: Final[dict[str, Schema]] = {
    "task_id": TEXT,
    "submission_id": TEXT,
    "external_id": TEXT,
    "tags": rows(TEXT),
    "metadata": ANYTHING,
    "provenance": PROVENANCE,
}
MESSAGES = rows(record({"role": TEXT, "content": TEXT}))


def row_schema(schema_id: str, properties: dict[str, Schema]) -> Schema:
    """Describe a row: its own fields, then those that every row carries."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{schema_id.replace('.', ':')}",
        **record({**properties, **COMMON}),
    }
