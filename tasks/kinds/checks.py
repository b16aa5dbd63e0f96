"""Checks that several kinds make and no schema can: words counted, bounds that agree, reasons given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.errors import FieldError


def count_words(text: str) -> int:
    """Count what stands between white space, as a lab's own script would."""
    return len(text.split())


def length_bounds_agree(payload: Mapping[str, Any]) -> list[FieldError]:
    """Refuse a length whose least is more than its most."""
    length = payload.get("length") or {}
    least, most = length.get("min_words"), length.get("max_words")
    if least is not None and most is not None and least > most:
        return [FieldError("/payload/length", "bounds_crossed", "min_words is more than max_words.")]
    return []


def length_fits(payload: Mapping[str, Any], text: str, *, at: str) -> list[FieldError]:
    """Refuse a text with fewer or more words than the task asks for."""
    length = payload.get("length") or {}
    words = count_words(text)
    least, most = length.get("min_words", 0), length.get("max_words")
    if words < least:
        return [FieldError(at, "too_few_words", f"{words} words so far; the task asks for at least {least}.")]
    if most is not None and words > most:
        return [FieldError(at, "too_many_words", f"{words} words; the task asks for at most {most}.")]
    return []


def cannot_assess(response: Mapping[str, Any]) -> bool:
    """Tell whether the expert says that the task cannot be done."""
    return response.get("cannot_assess") is True or response.get("not_applicable") is True


def reason_is_given(response: Mapping[str, Any]) -> list[FieldError]:
    """Ask for the reason of a task that cannot be done."""
    if str(response.get("cannot_assess_reason", "")).strip():
        return []
    return [FieldError("/cannot_assess_reason", "required", "Say why this task cannot be assessed.")]


def text_is_given(response: Mapping[str, Any], name: str, sentence: str) -> list[FieldError]:
    """Ask for a text that is more than white space."""
    if str(response.get(name, "")).strip():
        return []
    return [FieldError(f"/{name}", "required", sentence)]
