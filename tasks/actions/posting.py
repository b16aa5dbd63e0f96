"""A posting under way: lines go in, sealed rows come out for staging by the two megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson

from accounts.audit import Actor
from kernel.db import action, app_now
from kernel.errors import FieldError
from tasks.actions import ingest
from tasks.actions.file_references import FileReferences
from tasks.actions.publishing.batches import add_batch
from tasks.kinds import registry
from tasks.kinds.lines import MAX_LINE_BYTES, BadLine, Line, LineReader
from tasks.models import Batch, IngestMode, IngestRun, Project

Row = tuple[Any, ...]
STAGED_BYTES = 2_000_000
STAGED_LINES = 5_000  # Bad lines weigh nothing, and a posting of them shows how far it is all the same.
ROW_BYTES = 200
TAG_BYTES = 4
TOO_LONG = FieldError("/", "too_large", f"A task has at most {MAX_LINE_BYTES:,} bytes.")


class Posting:
    """One posting under way: lines go in, and rows come out in chunks that fit a transaction each."""

    def __init__(self, batch: Batch, run: IngestRun) -> None:
        project = batch.project
        kind = registry.get(project.kind)
        self.reader = LineReader(kind, overlap_min=project.overlap_min, overlap_max=project.overlap_max)
        self.sealer = ingest.Sealer(project, run)
        self.references = FileReferences(project)
        self.run = run
        self.tally = ingest.Tally()
        self.rows: list[Row] = []
        self.size = self.waiting = 0

    def chunks(self, lines: Iterable[tuple[int, bytes | None]]) -> Iterator[list[Row]]:
        """Check and seal lines as they came, count what is wrong with them, and yield the good ones for staging.

        Where one bad line has spoilt the whole posting, chunks are empty.
        """
        for number, raw in lines:
            line = self._read(number, raw)
            row = self.sealer.row(line) if line is not None else None
            weight = weight_of(row) if row is not None else 0
            if self.size + weight > STAGED_BYTES or self.waiting >= STAGED_LINES:
                yield self._flush()
            self.waiting += 1
            if line is not None and row is not None:
                self.references.note(line)
                self.rows.append(row)
                self.size += weight
        yield self._flush()

    def take(self, lines: Iterable[tuple[int, bytes | None]]) -> None:
        """Check, seal and stage all lines, each chunk in a transaction of its own; raises IngestRefused when spoilt."""
        for rows in self.chunks(lines):
            ingest.stage_lines(self.run, rows, self.tally, now=app_now())
        if self.is_spoilt:
            raise ingest.IngestRefused(self.tally.errors, self.tally.rejected)

    @property
    def is_spoilt(self) -> bool:
        """Tell whether nothing will be stored."""
        return self.tally.rejected > 0 and self.run.ingest_mode == IngestMode.ALL_OR_NOTHING

    def _read(self, number: int, raw: bytes | None) -> Line | None:
        self.tally.lines += 1
        if raw is None:
            self.tally.reject(number, "", [TOO_LONG])
            return None
        try:
            return self.reader.read(raw, number)
        except BadLine as bad:
            self.tally.reject(number, bad.external_id, bad.errors)
            return None

    def _flush(self) -> list[Row]:
        rows, self.rows, self.size, self.waiting = self.rows, [], 0, 0
        if bad := self.references.settle():
            for _, _, number, external_id, *_ in rows:
                if number in bad:
                    self.tally.reject(number, external_id, bad[number])
            rows = [row for row in rows if row[2] not in bad]
        return [] if self.is_spoilt else rows


@contextmanager
def posting_to(batch: Batch, *, ingest_mode: str, key: str, by: Actor) -> Iterator[Posting]:
    """Begin a posting to a batch; one that breaks off, for whatever reason, leaves nothing."""
    run = ingest.open_ingest(batch, ingest_mode=ingest_mode, key=key, by=by, now=app_now())
    try:
        yield Posting(batch, run)
    except BaseException:
        ingest.abandon_ingest(run)
        raise


def weight_of(row: Row) -> int:
    """Return at least how many bytes a row takes in a copy: all that a line can make long, and the rest at its most."""
    _, _, _, external_id, payload, _, tags, metadata, gold, _, _ = row
    words = len(external_id.encode()) + sum(TAG_BYTES + len(tag.encode()) for tag in tags)
    return ROW_BYTES + words + len(payload) + len(metadata or b"") + len(gold or b"")


def numbered(values: Sequence[object]) -> Iterator[tuple[int, bytes]]:
    """Return the elements of a JSON array as lines."""
    return enumerate(map(orjson.dumps, values), 1)


@action
def create_batch_with_tasks(
    project: Project, values: Mapping[str, Any], lines: Sequence[object] | None, *, by: Actor, now: datetime
) -> Batch:
    """Open a batch and put up to 1,000 tasks in it: all of it is stored, or nothing is.

    Raises IngestRefused, naming every bad line from 1.
    """
    batch = add_batch(
        project,
        name=values["name"],
        terms={name: values[name] for name in ("priority", "due_at", "cap_minor") if name in values},
        simulation=values.get("simulation"),
        by=by,
        now=now,
    )
    if lines:
        run = ingest.begin(batch, ingest_mode=IngestMode.ALL_OR_NOTHING, key="", now=now)
        posting = Posting(batch, run)
        rows = [row for chunk in posting.chunks(numbered(lines)) for row in chunk]
        if posting.is_spoilt:
            raise ingest.IngestRefused(posting.tally.errors, posting.tally.rejected)
        ingest.copy_rows(run, rows, posting.tally, now=now)
        batch = ingest.merge(run, posting.tally, by=by, now=now).batch
    return batch
