"""What a kind is: one frozen description that ingest, the workbench, review and export all read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import jsonschema_rs

from kernel.errors import FieldError
from tasks.kinds.schemas import Schema, schema_errors, validator

Json = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One value an expert may pick: how it is stored, what the page says, and its key."""

    value: str
    title: str
    key: str = ""


@dataclass(frozen=True)
class Measure:
    """Something that answers to one task can be compared by.

    ``level`` is nominal, ordinal or interval; ``values`` are all there may be, in their order; ``read`` gives an
    answer's value, or None where it has none, as when the expert could not assess the task.
    """

    name: str
    level: str
    values: tuple[str | int, ...]
    read: Callable[[Json], str | int | None]


@dataclass(frozen=True)
class Kind:
    """A task type. ``*_checks`` look at what a schema cannot say and run only on what fits it.

    ``simulate`` gives an answer to a payload that could be handed in, the same for the same draws: what a simulated
    expert of labs' test mode answers.
    """

    name: str
    title: str
    version: int
    payload_schema: Schema
    response_schema: Schema
    payload_checks: Callable[[Json], list[FieldError]]
    response_checks: Callable[[Json, Json], list[FieldError]]
    shapes: tuple[str, ...]
    simulate: Callable[[Json, Random], Json]
    idle_seconds: int = 300
    measures: tuple[Measure, ...] = ()  # None where answers are free text, which no statistic compares.
    attestations: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    panel_script: str = ""  # Where kinds share one script; the kind's own name otherwise.

    @property
    def template(self) -> str:
        """The workbench panel of the kind."""
        return f"tasks/kinds/{self.name}.html"

    @property
    def script(self) -> str:
        """The static script of the kind's panel."""
        return f"js/kinds/{self.panel_script or self.name}.js"

    @cached_property
    def _payload_validator(self) -> jsonschema_rs.Draft202012Validator:
        return validator(self.payload_schema)

    @cached_property
    def _response_validator(self) -> jsonschema_rs.Draft202012Validator:
        return validator(self.response_schema)

    def check_payload(self, payload: object, *, at: str = "/payload") -> list[FieldError]:
        """List what is wrong with a payload that a lab posts; nothing when it can be worked on."""
        errors = schema_errors(self._payload_validator, payload, at=at)
        if errors or not isinstance(payload, dict):
            return errors
        return self.payload_checks(payload)

    def check_response(self, payload: Json, response: object, *, at: str = "") -> list[FieldError]:
        """List what is wrong with an answer to ``payload``; nothing when it can be handed in."""
        errors = schema_errors(self._response_validator, response, at=at)
        if errors or not isinstance(response, dict):
            return errors
        return self.response_checks(payload, response)

    def check_attestations(self, given: Mapping[str, object]) -> list[FieldError]:
        """List the statements that must be ticked and were not."""
        return [
            FieldError(f"/attestations/{name}", "required", f"Please confirm: {sentence}")
            for name, sentence in self.attestations.items()
            if given.get(name) is not True
        ]
