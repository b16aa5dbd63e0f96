"""The labs' API as its description tells it: operations, the fields of their bodies, what would be wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator

from agreements.models import Agreement, AgreementVersion
from experts.models import Case
from kernel.ids import encode_id
from labs.models import ApiKey, WebhookDelivery, WebhookEndpoint
from payments.models import Funding
from tasks.models import Batch, Export, File, Project, Question, Submission, Task
from tests.bad_input import BAD_INTEGERS, BAD_NAMES, BAD_TEXTS, BAD_TIMES, NUL, SURROGATE, WRONG_TYPES
from tests.doors.world import Doors

SCHEMA: Final[dict[str, Any]] = SchemaGenerator().get_schema(request=None, public=True)
MODELS: Final[dict[str, Any]] = {
    "agreement_id": Agreement,
    "batch_id": Batch,
    "case_id": Case,
    "delivery_id": WebhookDelivery,
    "endpoint_id": WebhookEndpoint,
    "export_id": Export,
    "file_id": File,
    "funding_id": Funding,
    "key_id": ApiKey,
    "project_id": Project,
    "question_id": Question,
    "submission_id": Submission,
    "task_id": Task,
    "version_id": AgreementVersion,
}
JSON = "application/json"
# Texts of several lines, which may hold any letter; every other text is a name, and may not.
TEXTS = frozenset({"text", "note", "notes", "reason", "words", "description"})
WRONG_NUMBERS: dict[str, object] = {"text": "0.5", "true": True, "null": None, "list": [0.5], "minus": -0.5, "two": 2}
WRONG_FLAGS: dict[str, object] = {"number": 1, "text": "true", "null": None, "list": [True], "object": {}}


@dataclass(frozen=True)
class Operation:
    """One call of the API."""

    name: str
    method: str
    path: str
    raw: dict[str, Any]

    @property
    def body(self) -> dict[str, Any] | None:
        """Return the schema of its JSON body, if it takes one."""
        content = self.raw.get("requestBody", {}).get("content", {})
        return resolved(content[JSON]["schema"]) if JSON in content else None

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Return what its query takes."""
        return [each for each in self.raw.get("parameters", []) if each["in"] == "query"]

    def address(self, doors: Doors, **changes: str) -> str:
        """Return its path below the API's root, of rows that are there."""
        return self.path.format_map(public_ids(doors) | changes)


@dataclass(frozen=True)
class Field:
    """One place in a body: the names that lead to it, and its schema."""

    steps: tuple[str, ...]
    schema: dict[str, Any]

    @property
    def pointer(self) -> str:
        """Return its JSON pointer."""
        return "".join(f"/{step}" for step in self.steps)

    @property
    def told_as(self) -> str:
        """Return how a refusal names it: within its line, where it is in one."""
        lines = [at for at, step in enumerate(self.steps) if step == "0"]
        return Field(self.steps[lines[-1] + 1 :], {}).pointer if lines else self.pointer

    @property
    def properties(self) -> dict[str, Any] | None:
        """Return its named fields, where it is an object of such."""
        return self.schema.get("properties")

    def put(self, body: Any, value: object) -> Any:
        """Return a body with ``value`` at this place."""
        return _put(body, self.steps, value)

    def wrong_values(self) -> dict[str, object]:
        """Return values that it must refuse, by name."""
        types = self.schema.get("type", "")
        is_nullable = "null" in types
        wrong = _wrong_values(self.schema, self.steps[-1] if self.steps else "")
        return {name: value for name, value in wrong.items() if not (is_nullable and value is None)}


def operations() -> list[Operation]:
    """Return every call that is described."""
    return [
        Operation(raw["operationId"], method, path.removeprefix("/api/v1"), raw)
        for path, calls in SCHEMA["paths"].items()
        for method, raw in calls.items()
    ]


def public_ids(doors: Doors) -> dict[str, str]:
    """Return the ids that addresses are made of, as labs write them."""
    return {name: encode_id(model.PREFIX, doors.ids[name]) for name, model in MODELS.items()}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and the lists of one reference that stand beside a description."""
    for part in schema.get("allOf", []):
        schema = {**{name: value for name, value in schema.items() if name != "allOf"}, **resolved(part)}
    if "$ref" in schema:
        return resolved(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def fields(schema: dict[str, Any], steps: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield a body and every field in it, nested ones too."""
    whole = resolved(schema)
    yield Field(steps, whole)
    for name, part in whole.get("properties", {}).items():
        yield from fields(part, (*steps, name))
    if "properties" in resolved(whole.get("items", {})):
        yield from fields(whole["items"], (*steps, "0"))


def _put(body: Any, steps: tuple[str, ...], value: object) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step == "0":
        return [_put(body[0] if body else {}, rest, value)]
    return {**(body or {}), step: _put((body or {}).get(step), rest, value)}


def _wrong_values(schema: dict[str, Any], name: str) -> dict[str, object]:
    types = schema.get("type", "")
    if "enum" in schema:
        return {**BAD_NAMES, **WRONG_TYPES, "unknown": "unheard-of"}
    if "string" in types:
        if schema.get("format") == "date-time":
            return BAD_TIMES
        texts = BAD_TEXTS if name in TEXTS else BAD_NAMES
        lengths = {"one_too_long": "x" * (schema["maxLength"] + 1)}
        if "minLength" in schema:
            lengths["one_too_short"] = "x" * (schema["minLength"] - 1)
        return {**texts, **WRONG_TYPES, **lengths}
    if "integer" in types:
        least, most = schema["minimum"], schema["maximum"]
        good = {each for each, value in BAD_INTEGERS.items() if type(value) is int and least <= value <= most}
        wrong = {each: value for each, value in BAD_INTEGERS.items() if each not in good}
        return wrong | {"below": least - 1, "above": most + 1}
    if "number" in types:
        return WRONG_NUMBERS
    if "boolean" in types:
        return WRONG_FLAGS
    return _wrong_lists(schema) if "array" in types else _wrong_objects(schema)


def _wrong_lists(schema: dict[str, Any]) -> dict[str, object]:
    wrong: dict[str, object] = {"text": "a", "number": 7, "object": {}, "null": None}
    if "string" in resolved(schema["items"]).get("type", ""):
        words = [f"w{number}" for number in range(schema["maxItems"] + 1)]
        wrong |= {
            "nested": [["a"]],
            "inside": [7],
            "nul": [NUL],
            "surrogate": [SURROGATE],
            "twice": ["a", "a"],
            "too_many": words,
        }
    return wrong


def _wrong_objects(schema: dict[str, Any]) -> dict[str, object]:
    wrong: dict[str, object] = {"text": "a", "number": 7, "list": [], "null": None}
    if "properties" not in schema:
        inside = {"nul": NUL, "surrogate": SURROGATE, "beyond_double": 2**53 + 1, "deep": _deep(40)}
        wrong |= {name: {"a": value} for name, value in inside.items()} | {"nul_key": {NUL: 1}}
    return wrong


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value
