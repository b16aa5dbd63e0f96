"""A posting under way: lines go in one by one, sealed rows come out for staging by the two megabytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from accounts.audit import Actor
from kernel.db import action
from kernel.errors import FieldError
from tasks.actions import ingest
from tasks.actions.file_references import FileReferences
from tasks.actions.publishing.batches import add_batch
from tasks.kinds import registry
from tasks.kinds.lines import MAX_LINE_BYTES, BadLine, LineReader
from tasks.models import Batch, IngestMode, IngestRun, Project

STAGED_BYTES = 2_000_000
ROW_BYTES = 200
TOO_LONG = FieldError("/", "too_large", f"A task has at most {MAX_LINE_BYTES:,} bytes.")


class Posting:
    """One posting under way: lines go in one by one, rows go out to staging by the two megabytes."""

    def __init__(self, batch: Batch, run: IngestRun) -> None:
        project = batch.project
        kind = registry.get(project.kind)
        self.reader = LineReader(kind, overlap_min=project.overlap_min, overlap_max=project.overlap_max)
        self.sealer = ingest.Sealer(project, run)
        self.references = FileReferences(project)
        self.run = run
        self.tally = ingest.Tally()
        self.rows: list[tuple[Any, ...]] = []
        self.size = 0

    def take(self, number: int, raw: bytes | None) -> None:
        """Check and seal a line as it came, or count what is wrong with it."""
        self.tally.lines += 1
        if raw is None:
            self.tally.reject(number, "", [TOO_LONG])
            return
        try:
            line = self.reader.read(raw, number)
        except BadLine as bad:
            self.tally.reject(number, bad.external_id, bad.errors)
            return
        self.references.note(line)
        self._keep(self.sealer.row(line))

    def take_value(self, number: int, value: object) -> None:
        """Check and seal an element of a JSON array."""
        self.take(number, orjson.dumps(value))

    @property
    def is_full(self) -> bool:
        """Tell whether the rows in memory are enough for a copy."""
        return self.size >= STAGED_BYTES

    def flush(self) -> list[tuple[Any, ...]]:
        """Hand over the rows in memory; none where one bad line has spoilt the whole posting."""
        rows, self.rows, self.size = self.rows, [], 0
        if bad := self.references.settle():
            for _, _, number, external_id, *_ in rows:
                if number in bad:
                    self.tally.reject(number, external_id, bad[number])
            rows = [row for row in rows if row[2] not in bad]
        return [] if self.is_spoilt else rows

    @property
    def is_spoilt(self) -> bool:
        """Tell whether nothing will be stored."""
        return self.tally.rejected > 0 and self.run.ingest_mode == IngestMode.ALL_OR_NOTHING

    def _keep(self, row: tuple[Any, ...]) -> None:
        self.rows.append(row)
        self.size += len(row[4]) + len(row[7] or b"") + len(row[8] or b"") + ROW_BYTES


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
        priority=values.get("priority", 0),
        due_at=values.get("due_at"),
        simulation=values.get("simulation"),
        by=by,
        now=now,
    )
    if lines:
        run = ingest.begin(batch, ingest_mode=IngestMode.ALL_OR_NOTHING, key="", now=now)
        posting = Posting(batch, run)
        for number, value in enumerate(lines, 1):
            posting.take_value(number, value)
        rows = posting.flush()
        if posting.is_spoilt:
            raise ingest.IngestRefused(posting.tally.errors, posting.tally.rejected)
        ingest.copy_rows(run, rows, now=now)
        batch = ingest.merge(run, posting.tally, by=by, now=now).batch
    return batch
