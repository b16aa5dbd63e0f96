"""The shapes that trainers load: one function each, from an accepted answer to a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tasks.exports import canonical, ragtruth, sft
from tasks.exports.record import Accepted, Json
from tasks.exports.schemas import Schema, row_schema


@dataclass(frozen=True)
class Shape:
    """A row format: its name, its schema's id, its own fields, and how a row is made; None leaves an answer out."""

    name: str
    schema_id: str
    fields: dict[str, Schema]
    row: Callable[[Accepted], Json | None]

    @cached_property
    def schema(self) -> Schema:
        """The JSON Schema that every row fits."""
        return row_schema(self.schema_id, self.fields)


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("canonical", "guildhall.canonical.v1", canonical.FIELDS, canonical.row),
        Shape("sft", "guildhall.sft-messages.v1", sft.CONVERSATION, sft.conversation_row),
        Shape("sft_prompt_completion", "guildhall.sft-prompt-completion.v1", sft.COMPLETION, sft.completion_row),
        Shape("ragtruth", "guildhall.ragtruth.v1", ragtruth.FIELDS, ragtruth.row),
    )
}

__all__ = ["SHAPES", "Accepted", "Json", "Shape"]
