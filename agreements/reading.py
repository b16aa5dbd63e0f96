"""Prepare an agreement for reading: its clauses with anchors, and what changed since the reader last signed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kernel.markdown import render

CLAUSE = re.compile(r"^##[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
TITLE = re.compile(r"\A\s*#[ \t]+.+\n")
WORDS_A_MINUTE = 200


@dataclass(frozen=True)
class Clause:
    """One clause, ready to render."""

    anchor: str
    title: str
    body: SafeString
    is_changed: bool


def minutes_to_read(text: str) -> int:
    """Return about how many minutes a careful reader takes."""
    return max(1, round(len(text.split()) / WORDS_A_MINUTE))


def clauses(text: str, before: str | None = None) -> list[Clause]:
    """Return the clauses of ``text``; against ``before``, changed ones show what was taken out and put in."""
    earlier = dict(_split(before)) if before is not None else None
    return [_clause(number, title, body, earlier) for number, (title, body) in enumerate(_split(text))]


def _split(text: str) -> list[tuple[str, str]]:
    """Split Markdown at its second-level headings into titles and bodies; what precedes them has no title."""
    parts = CLAUSE.split(TITLE.sub("", text))
    preamble, pairs = parts[0], list(zip(parts[1::2], parts[2::2], strict=True))
    return [*([("", preamble)] if preamble.strip() else []), *pairs]


def _clause(number: int, title: str, body: str, earlier: dict[str, str] | None) -> Clause:
    """Return one clause, compared with the clause of the same title before."""
    anchor = f"c{number}"
    if earlier is None or earlier.get(title, "").strip() == body.strip():
        return Clause(anchor, title, render(body), False)
    return Clause(anchor, title, _marked(earlier.get(title, ""), body), True)


def _marked(before: str, after: str) -> SafeString:
    """Return a changed clause: paragraphs that stand as they were, and the others word by word."""
    old, new = _paragraphs(before), _paragraphs(after)
    parts: list[SafeString] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.extend(render(paragraph) for paragraph in new[new_from:new_to])
        else:
            parts.append(_words("\n\n".join(old[old_from:old_to]), "\n\n".join(new[new_from:new_to])))
    return format_html_join("", "{}", ((part,) for part in parts))


def _paragraphs(text: str) -> list[str]:
    """Return a text's paragraphs."""
    return [part.strip() for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def _words(before: str, after: str) -> SafeString:
    """Return one passage with the words taken out and put in."""
    old, new = before.split(), after.split()
    parts: list[SafeString] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(format_html("{} ", " ".join(new[new_from:new_to])))
            continue
        if old_to > old_from:
            parts.append(format_html("<del>{}</del> ", " ".join(old[old_from:old_to])))
        if new_to > new_from:
            parts.append(format_html("<ins>{}</ins> ", " ".join(new[new_from:new_to])))
    return format_html("<p>{}</p>", format_html_join("", "{}", ((part,) for part in parts)))
