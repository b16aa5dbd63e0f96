"""Factuality: an expert marks what is wrong in a reply, says why, and gives a verdict on the whole."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from kernel.errors import FieldError
from tasks.kinds.base import Choice, Kind, Measure
from tasks.kinds.checks import cannot_assess, length_bounds_agree, reason_is_given
from tasks.kinds.schemas import COMMON_PAYLOAD, COMMON_RESPONSE, PROMPT, REFERENCE, record, rows, text

LABELS = (
    Choice("unsupported", "Unsupported", "U"),
    Choice("contradicted", "Contradicted", "C"),
    Choice("invented", "Invented", "I"),
    Choice("outdated", "Outdated", "O"),
    Choice("subjective", "Subjective", "S"),
    Choice("unverifiable", "Unverifiable", "V"),
)
VERDICTS = (
    Choice("sound", "Sound as it is"),
    Choice("sound_after_corrections", "Sound after the corrections"),
    Choice("misleading", "Would mislead a reader"),
    Choice("cannot_assess", "I cannot assess it"),
)
JUDGED = ("sound", "sound_after_corrections", "misleading")
MAX_SPANS = 500
MOST_COUNTED = 10  # Findings beyond this many count as this many when answers are compared.
MOST_SIMULATED, LONGEST_SIMULATED_WORDS = 3, 8

SPAN = record(
    {
        "start": {"type": "integer", "minimum": 0},
        "end": {"type": "integer", "minimum": 1},
        "label": {"enum": [label.value for label in LABELS]},
        "text": text(),
        "evidence": text(10_000),
        "correction": text(10_000, min_length=0),
    },
    required=("start", "end", "label", "evidence"),
)
PAYLOAD = record(
    {**COMMON_PAYLOAD, "prompt": PROMPT, "response": text(), "sources": rows(REFERENCE, at_most=100)},
    required=("prompt", "response"),
)
RESPONSE = record(
    {
        **COMMON_RESPONSE,
        "spans": rows(SPAN, at_most=MAX_SPANS),
        "verdict": {"enum": [verdict.value for verdict in VERDICTS]},
    },
    required=("spans", "verdict"),
)


def check_spans(payload: dict[str, Any], response: dict[str, Any]) -> list[FieldError]:
    """Refuse spans that are empty, leave the posted text, or do not match their own quotation.

    Offsets count Unicode code points of the text as posted, which is what Python's own indices count.
    """
    posted = payload["response"]
    errors: list[FieldError] = []
    seen: set[tuple[int, int, str]] = set()
    for number, span in enumerate(response["spans"]):
        errors.extend(_check_span(span, posted, f"/spans/{number}"))
        mark = (int(span["start"]), int(span["end"]), span["label"])
        if mark in seen:
            errors.append(FieldError(f"/spans/{number}", "duplicate", "The same words carry this label already."))
        seen.add(mark)
    if response["verdict"] == "cannot_assess":
        errors.extend(reason_is_given(response))
    elif cannot_assess(response):
        errors.append(FieldError("/verdict", "contradiction", "Choose the verdict “I cannot assess it” as well."))
    return errors


def _check_span(span: dict[str, Any], posted: str, at: str) -> list[FieldError]:
    start, end = int(span["start"]), int(span["end"])
    if start >= end:
        return [FieldError(f"{at}/end", "empty_span", "A span ends after it starts.")]
    if end > len(posted):
        return [FieldError(f"{at}/end", "outside", f"The reply has {len(posted)} characters; the span ends at {end}.")]
    if not posted[start:end].strip():
        return [FieldError(at, "empty_span", "A span marks words, not only white space.")]
    if "text" in span and span["text"] != posted[start:end]:
        return [FieldError(f"{at}/text", "mismatch", "The quoted words are not those at these offsets.")]
    if not span["evidence"].strip():
        return [FieldError(f"{at}/evidence", "required", "Add evidence, or say why none is needed.")]
    return []


def simulate(payload: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Return up to three findings, each on some words of the reply, and the verdict that follows from them."""
    words = list(re.finditer(r"\S+", payload["response"]))
    firsts = chance.sample(range(len(words)), min(len(words), chance.randint(0, MOST_SIMULATED)))
    spans = [_simulated_span(words, first, chance) for first in sorted(firsts)]
    verdict = chance.choice(("sound_after_corrections", "misleading")) if spans else "sound"
    return {"spans": spans, "verdict": verdict, "confidence": chance.randint(3, 5)}


def _simulated_span(words: list[re.Match[str]], first: int, chance: Random) -> dict[str, Any]:
    last = min(first + chance.randint(0, LONGEST_SIMULATED_WORDS - 1), len(words) - 1)
    return {
        "start": words[first].start(),
        "end": words[last].end(),
        "label": chance.choice(LABELS).value,
        "evidence": "A simulated finding: no source says so.",
    }


def verdict_of(response: dict[str, Any]) -> str | None:
    """Return the verdict; None where the expert could give none."""
    verdict = str(response["verdict"])
    return verdict if verdict in JUDGED else None


def findings_of(response: dict[str, Any]) -> int | None:
    """Return how many findings there are, from 0 to ten and more; None where the expert could not assess the reply."""
    return min(len(response["spans"]), MOST_COUNTED) if verdict_of(response) else None


KIND = Kind(
    name="factuality",
    title="Factuality",
    version=1,
    payload_schema=PAYLOAD,
    response_schema=RESPONSE,
    payload_checks=length_bounds_agree,
    response_checks=check_spans,
    shapes=("ragtruth", "canonical"),
    measures=(
        Measure("verdict", "nominal", JUDGED, verdict_of),
        Measure("findings", "ordinal", tuple(range(MOST_COUNTED + 1)), findings_of),
    ),
    simulate=simulate,
    idle_seconds=600,
    choices={"label": LABELS, "verdict": VERDICTS},
)
