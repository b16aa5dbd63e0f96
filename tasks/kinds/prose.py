"""Plain sentences for simulated answers: as many words as are wanted, the same for the same draws."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

USUAL_WORDS = (60, 120)
# Short words, so that the most words that a task can ask for still fit in an answer.
SENTENCES = (
    "The case is not as plain as it may look at first.",
    "It is best to ask what was said, by whom, and when.",
    "Most of it holds, but one part of it does not.",
    "We know this from more than one good source.",
    "If the facts are new, look at them once more.",
    "No one rule will fit all that may come up here.",
    "Take it step by step, and note what each step adds.",
    "In the end the risk is low, but it is not nil.",
)


def some_words(payload: Mapping[str, Any], chance: Random) -> str:
    """Return sentences of as many words as ``payload`` asks for."""
    least, most = _bounds(payload.get("length") or {})
    wanted = chance.randint(least, most)
    words: list[str] = []
    while len(words) < wanted:
        words += chance.choice(SENTENCES).split()
    return " ".join(words[:wanted])


def _bounds(length: Mapping[str, Any]) -> tuple[int, int]:
    """Return the fewest and the most words: what is asked for, within or near what is usual."""
    usual_least, usual_most = USUAL_WORDS
    least, most = length.get("min_words"), length.get("max_words")
    if least is None:
        least = min(usual_least, most or usual_least)
    if most is None or most > least + usual_most:
        most = max(int(least) + usual_most - usual_least, 1)
    return max(int(least), 1), max(int(most), 1)
