"""Demonstration: an expert writes the answer that a model should have given."""

from __future__ import annotations

from random import Random
from typing import Any

from kernel.errors import FieldError
from tasks.kinds.base import Kind
from tasks.kinds.checks import cannot_assess, length_bounds_agree, length_fits, reason_is_given, text_is_given
from tasks.kinds.prose import some_words
from tasks.kinds.schemas import CITATION, COMMON_PAYLOAD, COMMON_RESPONSE, PROMPT, record, rows, text

SHARE_WITH_SOURCE = 0.3  # Of simulated answers that need none.
PAYLOAD = record({**COMMON_PAYLOAD, "prompt": PROMPT, "sources_required": {"type": "boolean"}}, required=("prompt",))
RESPONSE = record(
    {**COMMON_RESPONSE, "answer": text(min_length=0), "citations": rows(CITATION, at_most=100)}, required=("answer",)
)


def check_answer(payload: dict[str, Any], response: dict[str, Any]) -> list[FieldError]:
    """Refuse an answer that is empty, of the wrong length, or without the sources that were asked for."""
    if cannot_assess(response):
        return reason_is_given(response)
    errors = text_is_given(response, "answer", "Write the answer.")
    if errors:
        return errors
    errors.extend(length_fits(payload, response["answer"], at="/answer"))
    if payload.get("sources_required") and not (response.get("citations") or response.get("sources")):
        errors.append(FieldError("/citations", "required", "This task asks for at least one source."))
    return errors


def simulate(payload: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Return an answer of the length that is asked for, with a source where one is wanted."""
    cites = payload.get("sources_required") or chance.random() < SHARE_WITH_SOURCE
    source = {"citation": "A simulated source", "url": "https://example.org/source"}
    return {
        "answer": some_words(payload, chance),
        "citations": [source] if cites else [],
        "confidence": chance.randint(3, 5),
    }


KIND = Kind(
    name="demonstration",
    title="Demonstration",
    version=1,
    payload_schema=PAYLOAD,
    response_schema=RESPONSE,
    payload_checks=length_bounds_agree,
    response_checks=check_answer,
    shapes=("sft", "sft_prompt_completion", "canonical"),
    simulate=simulate,
    panel_script="writing",
)
