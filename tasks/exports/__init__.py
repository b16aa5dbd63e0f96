"""The shapes that trainers load: one function each, from an accepted answer to a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tasks.exports import canonical, ragtruth, sft
from tasks.exports.record import Accepted, Json


@dataclass(frozen=True)
class Shape:
    """A row format: its name, the id of its schema, and how a row is made; None leaves an answer out."""

    name: str
    schema_id: str
    row: Callable[[Accepted], Json | None]


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("canonical", "guildhall.canonical.v1", canonical.row),
        Shape("sft", "guildhall.sft-messages.v1", sft.conversation_row),
        Shape("sft_prompt_completion", "guildhall.sft-prompt-completion.v1", sft.completion_row),
        Shape("ragtruth", "guildhall.ragtruth.v1", ragtruth.row),
    )
}

__all__ = ["SHAPES", "Accepted", "Json", "Shape"]
