"""What changed between two versions of a text, for a reader."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

CONTEXT_LINES = 2
MOST_WORDS = 4_000  # Compared word by word; the effort grows with their square.


@dataclass(frozen=True)
class Piece:
    """A run of words: the same, put in, taken out, or a gap where lines that stayed are left out."""

    how: str
    text: str


def changed_lines(was: str, text: str) -> list[Piece]:
    """Return what changed with the lines around it, in reading order, changed lines compared word by word."""
    old, new = was.splitlines(keepends=True), text.splitlines(keepends=True)
    pieces: list[Piece] = []
    for how, i, j, k, m in difflib.SequenceMatcher(a=old, b=new).get_opcodes():
        if how == "equal":
            pieces.extend(_around(old[i:j], is_first=i == 0, is_last=j == len(old)))
        else:
            pieces.extend(_replaced("".join(old[i:j]), "".join(new[k:m])))
    return pieces


def _replaced(was: str, text: str) -> list[Piece]:
    if max(was.count(" "), text.count(" ")) <= MOST_WORDS:
        return changed_words(was, text)
    return [Piece(how, part) for how, part in (("del", was), ("ins", text)) if part]


def _around(lines: list[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    """Keep of lines that stayed those next to a change."""
    before = [] if is_first else lines[:CONTEXT_LINES]
    after = [] if is_last else lines[len(before) :][-CONTEXT_LINES:]
    if len(before) + len(after) >= len(lines):
        yield Piece("same", "".join(lines))
        return
    for how, text in (("same", "".join(before)), ("gap", ""), ("same", "".join(after))):
        if text or how == "gap":
            yield Piece(how, text)


def changed_words(was: str, text: str) -> list[Piece]:
    """Return the runs of words that stayed, went and came, in reading order."""
    old, new = _words(was), _words(text)
    pieces: list[Piece] = []
    for how, i, j, k, m in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(Piece("same", "".join(old[i:j])))
            continue
        pieces.extend(Piece(kind, "".join(words)) for kind, words in (("del", old[i:j]), ("ins", new[k:m])) if words)
    return pieces


def _words(text: str) -> list[str]:
    """Split a text so that its parts, each a word with the space after it, or the end of a line, join to the whole."""
    return re.findall(r"\n|[^\n ]+ ?| ", text)
