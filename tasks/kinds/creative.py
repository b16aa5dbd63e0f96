"""Creative: an expert writes a piece to a brief, and says that it is their own."""

from __future__ import annotations

from random import Random
from typing import Any

from kernel.errors import FieldError
from tasks.kinds.base import Kind
from tasks.kinds.checks import cannot_assess, length_bounds_agree, length_fits, reason_is_given, text_is_given
from tasks.kinds.prose import some_words
from tasks.kinds.schemas import COMMON_PAYLOAD, COMMON_RESPONSE, record, rows, text

CRAFT_POINT = record({"title": text(500), "description": text(5_000)}, required=("title",))
PAYLOAD = record(
    {**COMMON_PAYLOAD, "brief": text(), "craft_rubric": rows(CRAFT_POINT, at_most=50)}, required=("brief",)
)
RESPONSE = record(
    {**COMMON_RESPONSE, "piece": text(min_length=0), "notes": text(20_000, min_length=0)}, required=("piece",)
)


def check_piece(payload: dict[str, Any], response: dict[str, Any]) -> list[FieldError]:
    """Refuse a piece that is empty or of the wrong length."""
    if cannot_assess(response):
        return reason_is_given(response)
    return text_is_given(response, "piece", "Write the piece.") or length_fits(payload, response["piece"], at="/piece")


def simulate(payload: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Return a piece of the length that is asked for."""
    return {"piece": some_words(payload, chance), "notes": "A simulated piece.", "confidence": chance.randint(3, 5)}


KIND = Kind(
    name="creative",
    title="Creative writing",
    version=1,
    payload_schema=PAYLOAD,
    response_schema=RESPONSE,
    payload_checks=length_bounds_agree,
    response_checks=check_piece,
    shapes=("sft", "sft_prompt_completion", "canonical"),
    simulate=simulate,
    panel_script="writing",
    attestations={"original": "This is my own writing, made for this brief and without a language model."},
)
