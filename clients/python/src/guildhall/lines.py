"""Tasks as lines of NDJSON, from wherever they are, cut into postings that can be read more than once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol, runtime_checkable

from guildhall.errors import BadLine

MOST_LINE_BYTES = 1_000_000  # The API's limit for a task.
IN_MEMORY_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024


@runtime_checkable
class Lines(Protocol):
    """A file of bytes or text, read line by line."""

    def readline(self, size: int = -1, /) -> bytes | str:
        """Return a line with its break, or as much of it as ``size`` bytes are; nothing at the end."""


Source = str | PathLike[str] | Lines | Iterable[Mapping[str, Any] | str | bytes]


@dataclass(frozen=True)
class Chunk:
    """The body of one posting, which may be read again: the same bytes each time."""

    number: int
    first_line: int
    lines: int
    size: int
    body: IO[bytes]
    is_blank: bool
    is_last: bool

    def read(self) -> Iterator[bytes]:
        """Yield the body from its start, in pieces."""
        self.body.seek(0)
        while piece := self.body.read(PIECE_BYTES):
            yield piece


def lines_of(source: Source) -> Iterator[bytes]:
    """Yield a source's lines, each with its line break; raise BadLine for what is none.

    A string is a path. Of a line over the limit no more is read into memory than shows that it is: the API refuses it.
    """
    if isinstance(source, (str, PathLike)):
        path = Path(source)
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield from _lines_in(file)
    elif isinstance(source, Lines):
        yield from _lines_in(source)
    else:
        for number, item in enumerate(source, start=1):
            yield _line(item, number)


def chunks_of(lines: Iterator[bytes], *, most_lines: int, most_bytes: int) -> Iterator[Chunk]:
    """Cut lines into chunks by their number and size; a chunk is gone when the next one is asked for."""
    number, first_line = 1, 1
    waiting = next(lines, None)
    while waiting is not None:
        count, size, is_blank = 0, 0, True
        with closing(SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)) as body:
            while waiting is not None and count < most_lines and (not count or size + len(waiting) <= most_bytes):
                body.write(waiting)
                count, size = count + 1, size + len(waiting)
                is_blank = is_blank and not waiting.strip()
                waiting = next(lines, None)
            yield Chunk(number, first_line, count, size, body, is_blank=is_blank, is_last=waiting is None)
        number, first_line = number + 1, first_line + count


def _lines_in(file: Lines) -> Iterator[bytes]:
    while line := _read(file):
        is_whole = line.endswith(b"\n")
        yield line if is_whole else line + b"\n"
        while not is_whole:
            rest = _read(file)
            is_whole = not rest or rest.endswith(b"\n")


def _read(file: Lines) -> bytes:
    text = file.readline(MOST_LINE_BYTES + 2)
    return text.encode() if isinstance(text, str) else text


def _line(item: Mapping[str, Any] | str | bytes, number: int) -> bytes:
    try:
        if isinstance(item, Mapping):
            item = json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        raw = item.encode() if isinstance(item, str) else item
    except (TypeError, ValueError) as error:
        raise BadLine(f"Task {number} cannot be written as JSON: {error}.") from error
    line = raw.rstrip(b"\r\n")
    if b"\n" in line:
        raise BadLine(f"Task {number} is text of several lines. Give each task as one line, or as a dictionary.")
    return line + b"\n"
