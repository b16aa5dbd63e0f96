"""One posted line: parsed by the kernel's guard, checked against its kind, and made canonical."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from kernel.errors import FieldError, Invalid
from kernel.guards import clean_name, load_json
from tasks.kinds.base import Kind
from tasks.kinds.schemas import Schema, record, rows, schema_errors, validator

MAX_LINE_BYTES = 1_000_000
MAX_TAGS = 50
MAX_TAG = 200
MAX_PRIORITY = 1_000
CONTENT = ("payload", "tags", "metadata", "gold", "overlap", "priority")


class Line(NamedTuple):
    """A task as its lab posted it, fit to be stored."""

    number: int
    external_id: str
    payload: dict[str, Any]
    tags: list[str]
    metadata: dict[str, Any] | None
    gold: dict[str, Any] | None
    overlap: int
    priority: int
    content: bytes  # All that the lab said about the task, in one canonical form, to tell repeats from conflicts.


class BadLine(Exception):
    """A line that cannot become a task, with everything found wrong in it."""

    def __init__(self, number: int, external_id: str, errors: list[FieldError]) -> None:
        super().__init__(f"line {number}")
        self.number = number
        self.external_id = external_id
        self.errors = errors


class LineReader:
    """Read lines of one kind, for a project that wants ``overlap_min`` to ``overlap_max`` answers each."""

    def __init__(self, kind: Kind, *, overlap_min: int, overlap_max: int) -> None:
        self.kind = kind
        self.overlap_min = overlap_min
        self.validator = validator(line_schema(kind, overlap_max))

    def read(self, raw: bytes, number: int) -> Line:
        """Return the line, or raise BadLine with everything that is wrong with it."""
        try:
            value = load_json(raw, max_bytes=MAX_LINE_BYTES, name="")
        except Invalid as refusal:
            raise BadLine(number, "", list(refusal.errors)) from refusal
        return self.check(value, number)

    def check(self, value: object, number: int) -> Line:
        """Return an already guarded value as a line, or raise BadLine."""
        if not self.validator.is_valid(value):
            raise BadLine(number, _external_id(value), schema_errors(self.validator, value, at=""))
        assert isinstance(value, dict)  # The schema says so.
        return self._line(value, number)

    def _line(self, value: dict[str, Any], number: int) -> Line:
        """Run the checks that no schema can make."""
        payload, gold = value["payload"], value.get("gold")
        errors = self.kind.payload_checks(payload)
        if gold is not None:
            errors.extend(_below("/gold", self.kind.response_checks(payload, gold)))
        external_id = _clean(value["external_id"], "/external_id", 200, errors)
        tags = [_clean(tag, f"/tags/{place}", MAX_TAG, errors) for place, tag in enumerate(value.get("tags", ()))]
        if errors:
            raise BadLine(number, _external_id(value), errors)
        return Line(
            number=number,
            external_id=external_id,
            payload=payload,
            tags=tags,
            metadata=value.get("metadata"),
            gold=gold,
            overlap=1 if gold is not None else int(value.get("overlap", self.overlap_min)),
            priority=int(value.get("priority", 0)),
            content=orjson.dumps([value.get(name) for name in CONTENT], option=orjson.OPT_SORT_KEYS),
        )


def line_schema(kind: Kind, overlap_max: int = 100) -> Schema:
    """Describe a line of this kind; the API's documentation shows it as well."""
    return record(
        {
            "external_id": {"type": "string", "minLength": 1, "maxLength": 200},
            "payload": kind.payload_schema,
            "tags": {
                **rows({"type": "string", "minLength": 1, "maxLength": MAX_TAG}, at_most=MAX_TAGS),
                "uniqueItems": True,
            },
            "metadata": {"type": "object"},
            "gold": kind.response_schema,
            "overlap": {"type": "integer", "minimum": 1, "maximum": overlap_max},
            "priority": {"type": "integer", "minimum": -MAX_PRIORITY, "maximum": MAX_PRIORITY},
        },
        required=("external_id", "payload"),
    )


def _clean(value: str, pointer: str, most: int, errors: list[FieldError]) -> str:
    if value.isascii() and value.isprintable() and value == value.strip():
        return value
    try:
        return clean_name(value, name=pointer, max_length=most)
    except Invalid as refusal:
        errors.extend(refusal.errors)
        return ""


def _below(pointer: str, errors: list[FieldError]) -> list[FieldError]:
    return [FieldError(pointer + error.pointer, error.code, error.detail) for error in errors]


def _external_id(value: object) -> str:
    found = value.get("external_id") if isinstance(value, dict) else None
    return found[:200] if isinstance(found, str) else ""
