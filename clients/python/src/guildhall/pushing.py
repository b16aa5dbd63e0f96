"""Pushing any number of tasks to a batch: posting after posting, in flat memory, with every bad line named."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from guildhall.errors import TooMuch
from guildhall.lines import Chunk, Source, chunks_of, lines_of
from guildhall.models import LineError, Posted, PostingMode
from guildhall.transport import Body, Transport

CHUNK_LINES, CHUNK_BYTES = 5_000, 8 * 1024 * 1024
WHOLE_LINES, WHOLE_BYTES = 100_000, 512 * 1024 * 1024  # The API's limits for one posting.
MOST_ERRORS = 10_000
NDJSON = "application/x-ndjson"
SECONDS = 330.0  # A posting's merge may take five minutes.


@dataclass
class Pushed:
    """What became of the lines so far. ``errors`` keeps the first 10,000, with the line numbers of the source."""

    batch: str
    lines: int = 0
    bytes_sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)

    def add(self, chunk: Chunk, posted: Posted) -> None:
        """Add a posting's figures."""
        self.lines += chunk.lines
        self.bytes_sent += chunk.size
        self.accepted += posted["accepted"]
        self.duplicates += posted["duplicates"]
        self.rejected += posted["rejected"]
        room = MOST_ERRORS - len(self.errors)
        self.errors += [{**error, "line": error["line"] + chunk.first_line - 1} for error in posted["errors"][:room]]


def push(
    transport: Transport,
    batch: str,
    source: Source,
    *,
    mode: PostingMode = "partial",
    key: str | None = None,
    on_posting: Callable[[Pushed], None] | None = None,
) -> Pushed:
    """Post a source to a batch and return the sums; ``Tasks.push`` says how."""
    pushed = Pushed(batch)
    name = key or uuid.uuid4().hex
    for chunk in _postings(source, mode):
        if chunk.is_blank:
            continue
        posted: Posted = transport.post(
            f"/batches/{batch}/tasks",
            query={"mode": mode},
            body=Body(chunk.read, chunk.size, NDJSON),
            key=f"{name}-{chunk.number}",
            timeout_seconds=SECONDS,
        )
        pushed.add(chunk, posted)
        if on_posting is not None:
            on_posting(pushed)
    return pushed


def _postings(source: Source, mode: PostingMode) -> Iterator[Chunk]:
    """Cut the source; what is stored whole or not at all is one posting, refused here where it is too large for one."""
    if mode == "partial":
        yield from chunks_of(lines_of(source), most_lines=CHUNK_LINES, most_bytes=CHUNK_BYTES)
        return
    for chunk in chunks_of(lines_of(source), most_lines=WHOLE_LINES, most_bytes=WHOLE_BYTES):
        if chunk.is_last:
            yield chunk
            return
        raise TooMuch(
            "With all_or_nothing all lines are one posting, of 100,000 lines and 512 MB at most. Nothing was sent."
        )
