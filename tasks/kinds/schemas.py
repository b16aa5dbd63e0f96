"""Schema parts that kinds share, and the one way to make a validator of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from kernel.errors import FieldError

Schema = dict[str, Any]

MAX_TEXT = 500_000
MAX_ERRORS = 20
CODES = {
    "additionalProperties": "unknown_field",
    "unevaluatedProperties": "unknown_field",
    "required": "required",
    "type": "wrong_type",
    "enum": "unknown_value",
    "const": "unknown_value",
    "maxLength": "too_long",
    "minLength": "too_short",
    "maxItems": "too_many",
    "minItems": "too_few",
    "minProperties": "too_few",
    "maximum": "too_large",
    "minimum": "too_small",
    "uniqueItems": "duplicate",
    "pattern": "wrong_form",
    "format": "wrong_form",
    "anyOf": "required",
}


def text(max_length: int = MAX_TEXT, *, min_length: int = 1) -> Schema:
    """Describe a text with a length in characters."""
    return {"type": "string", "minLength": min_length, "maxLength": max_length}


def record(properties: Mapping[str, Schema], *, required: Sequence[str] = ()) -> Schema:
    """Describe an object that takes these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def rows(item: Schema, *, at_most: int, at_least: int = 0) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": item, "minItems": at_least, "maxItems": at_most}


MESSAGE = record({"role": {"enum": ["system", "user", "assistant"]}, "content": text()}, required=("role", "content"))
# One schema for both forms, so that an error names the field and not "one of".
PROMPT: Schema = {
    **text(),
    **record({"messages": rows(MESSAGE, at_most=200, at_least=1)}, required=("messages",)),
    "type": ["string", "object"],
}
REFERENCE = record({"title": text(500), "text": text(), "url": text(2_000)}, required=("title",))
LENGTH = record(
    {
        "min_words": {"type": "integer", "minimum": 0, "maximum": 100_000},
        "max_words": {"type": "integer", "minimum": 1, "maximum": 100_000},
    }
)
FILE_ID: Schema = {"type": "string", "pattern": "^file_[0-7][0-9a-hjkmnp-tv-z]{25}$"}
# A file by its id alone, or with the words that stand in for it where it cannot be seen.
FILE: Schema = {
    **FILE_ID,
    **record({"id": FILE_ID, "title": text(300)}, required=("id",)),
    "type": ["string", "object"],
}
CITATION: Schema = {
    **record({"citation": text(2_000), "url": text(2_000), "note": text(2_000, min_length=0)}),
    "anyOf": [{"required": ["citation"]}, {"required": ["url"]}],
}

COMMON_PAYLOAD: dict[str, Schema] = {
    "context": text(),
    "references": rows(REFERENCE, at_most=100),
    "length": LENGTH,
    "files": rows(FILE, at_most=20),
}
COMMON_RESPONSE: dict[str, Schema] = {
    "justification": text(20_000, min_length=0),
    "confidence": {"type": "integer", "minimum": 1, "maximum": 5},
    "cannot_assess": {"type": "boolean"},
    "cannot_assess_reason": text(5_000, min_length=0),
    "not_applicable": {"type": "boolean"},
    "sources": rows(CITATION, at_most=100),
}


def refuse_to_fetch(uri: str) -> Any:
    """Refuse every reference that leaves the schema: validation never opens a connection."""
    raise ValueError(f"a schema may not refer to {uri}")


def validator(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema with linear-time patterns, no fetching, and messages that never repeat a value."""
    return jsonschema_rs.Draft202012Validator(
        schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=refuse_to_fetch, mask="the value"
    )


def schema_errors(checker: jsonschema_rs.Draft202012Validator, value: object, *, at: str) -> list[FieldError]:
    """List what is wrong with ``value``, each with a JSON pointer below ``at``; nothing when it fits."""
    if checker.is_valid(value):
        return []
    found: list[FieldError] = []
    for error in checker.iter_errors(value):
        found.extend(_as_field_errors(error, at))
        if len(found) >= MAX_ERRORS:
            break
    return found[:MAX_ERRORS]


def _as_field_errors(error: jsonschema_rs.ValidationError, at: str) -> list[FieldError]:
    keyword = error.kind.name
    where = at + "".join(f"/{escape(step)}" for step in error.instance_path)
    code = CODES.get(keyword, "invalid")
    if keyword in {"additionalProperties", "unevaluatedProperties"}:
        names = sorted(str(name) for name in error.kind.as_dict().get("unexpected", ()))
        return [FieldError(f"{where}/{escape(name)}", code, f"There is no field named {name[:80]}.") for name in names]
    if keyword == "required":
        name = str(error.kind.as_dict().get("property", ""))
        return [FieldError(f"{where}/{escape(name)}", code, "This field is required.")]
    if keyword == "anyOf":
        return [FieldError(where or "/", code, "Give a citation or a url.")]
    return [FieldError(where or "/", code, _sentence(error.message))]


def escape(step: object) -> str:
    """Write one step of a JSON pointer (RFC 6901), cut where a stranger's key is long."""
    return str(step)[:100].replace("~", "~0").replace("/", "~1")


def _sentence(message: str) -> str:
    line = message[:300].strip()
    return line[:1].upper() + line[1:] + ("" if line.endswith(".") else ".")
