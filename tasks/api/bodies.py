"""The lines of a posted body, one at a time, with no more of it in memory than a line and a chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

from django.http import HttpRequest

from labs.doors import TooLarge
from labs.doors.problems import Unreadable
from tasks.kinds.lines import MAX_LINE_BYTES

CHUNK_BYTES = 256 * 1024
MAX_BODY_BYTES = 512 * 1024 * 1024
MAX_LINES = 100_000


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


class BodyLines:
    """Iterate over ``(number, line)`` of a body, None for a line over the limit. Hashes what it reads."""

    def __init__(self, source: HttpRequest | bytes, *, on_chunk: Callable[[], None], is_hashed: bool) -> None:
        self.stream, self.announced = _stream_of(source)
        self.on_chunk = on_chunk
        self.is_hashed = is_hashed
        self.digest = hashlib.sha256()
        self.received = 0
        self.lines = 0

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield every line that is not blank."""
        rest, is_skipping = b"", False
        while chunk := self._read():
            first, *others = chunk.split(b"\n")
            rest = b"" if is_skipping else rest + first
            for following in others:
                yield from self._line(None if is_skipping else rest)
                rest, is_skipping = following, False
            if len(rest) > MAX_LINE_BYTES:
                rest, is_skipping = b"", True
        if rest or is_skipping:
            yield from self._line(None if is_skipping else rest)
        if self.announced is not None and self.received != self.announced:
            raise Unreadable("The connection broke before the body was whole. Nothing was kept.")

    def drain(self) -> bytes:
        """Read the rest without looking at it and return the hash of the whole body."""
        while self._read():
            continue
        return self.digest.digest()

    def _read(self) -> bytes:
        chunk = self.stream.read(CHUNK_BYTES)
        self.received += len(chunk)
        if self.received > MAX_BODY_BYTES:
            raise TooLarge(f"A posting has at most {MAX_BODY_BYTES // 1024**2} MB. Send the rest in another one.")
        if self.is_hashed:
            self.digest.update(chunk)
        self.on_chunk()
        return chunk

    def _line(self, line: bytes | None) -> Iterator[tuple[int, bytes | None]]:
        self.lines += 1
        if self.lines > MAX_LINES:
            raise TooLarge(f"A posting has at most {MAX_LINES:,} lines. Send the rest in another one.")
        if line is None or len(line) > MAX_LINE_BYTES:
            yield self.lines, None
        elif line.strip():
            yield self.lines, line


def _stream_of(request: HttpRequest | bytes) -> tuple[Readable, int | None]:
    """Return the body's stream and its announced length; a chunked body has none and is ended by the server."""
    if isinstance(request, bytes):
        return BytesIO(request), len(request)
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit():
        if int(length) > MAX_BODY_BYTES:
            raise TooLarge(f"A posting has at most {MAX_BODY_BYTES // 1024**2} MB.")
        return request, int(length)
    source: BinaryIO | None = request.environ.get("wsgi.input") if hasattr(request, "environ") else None
    if source is not None and request.META.get("wsgi.input_terminated"):
        return source, None
    return request, 0
