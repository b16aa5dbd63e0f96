"""What a panel shows of a payload: the kind's parts, named for people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tasks.kinds.base import Json, Kind

PROMPT_LABELS = {"factuality": "The question", "demonstration": "The task"}
BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Material:
    """The parts of a payload as a panel's template reads them; what a kind lacks is empty."""

    prompt: str = ""
    prompt_label: str = ""
    messages: list[Json] = field(default_factory=list)
    context: str = ""
    references: list[Json] = field(default_factory=list)
    sources: list[Json] = field(default_factory=list)
    posted: str = ""
    paragraphs: list[str] = field(default_factory=list)
    brief: str = ""
    craft_rubric: list[Json] = field(default_factory=list)
    length: Json = field(default_factory=dict)
    length_words: str = ""
    sources_hint: str = ""


def material_of(kind: Kind, payload: Json) -> Material:
    """Return what the panel of ``kind`` shows of ``payload``."""
    prompt: Any = payload.get("prompt", "")
    posted = str(payload.get("response", ""))
    return Material(
        prompt="" if isinstance(prompt, dict) else prompt,
        prompt_label=PROMPT_LABELS.get(kind.name, "The task"),
        messages=prompt["messages"] if isinstance(prompt, dict) else [],
        context=payload.get("context", ""),
        references=payload.get("references", []),
        sources=payload.get("sources", []),
        posted=posted,
        paragraphs=paragraphs_of(posted),
        brief=payload.get("brief", ""),
        craft_rubric=payload.get("craft_rubric", []),
        length=payload.get("length", {}),
        length_words=length_words(payload.get("length", {})),
        sources_hint=_sources_hint(payload),
    )


def paragraphs_of(text: str) -> list[str]:
    """Split a text at blank lines, for reading without the script that marks spans."""
    return [part for part in BLANK_LINE.split(text) if part.strip()]


def length_words(length: Json) -> str:
    """Say the bounds of a length in words; nothing when there are none."""
    least, most = length.get("min_words"), length.get("max_words")
    if least and most:
        return f"Between {least:,} and {most:,} words."
    if most:
        return f"At most {most:,} words."
    return f"At least {least:,} words." if least else ""


def _sources_hint(payload: Json) -> str:
    if payload.get("sources_required"):
        return "This task asks for at least one. A citation, a link or both; the reviewer follows them."
    return "What your answer rests on. A citation, a link or both; the reviewer follows them."
