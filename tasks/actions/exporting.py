"""Files of accepted work: asked for, made by a job, kept sealed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from accounts.audit import Actor, audit
from accounts.outbox import due
from accounts.queries import is_dead
from kernel.db import action
from kernel.errors import FieldError, Invalid
from kernel.states import move
from labs.events import record_event
from tasks.exports import SHAPES, Json
from tasks.exports.files import Written, path_of, write_file
from tasks.exports.formats import FORMATS
from tasks.exports.reading import accepted_claims, last_acceptance, rows_of
from tasks.kinds import registry
from tasks.models import Batch, Export, Project
from tasks.states import EXPORT_MOVES, ExportState

PROGRESS_ROWS = 1_000
MAKE = "tasks.make_export"
KEPT = timedelta(days=30)
GAVE_UP = "It could not be made, and we have been told. Ask for it again in a while."


@action
def request_export(
    project: Project,
    *,
    shape: str,
    by: Actor,
    now: datetime,
    batch: Batch | None = None,
    since: int = 0,
    file_format: str = "jsonl",
) -> Export:
    """Ask for a file of a project's, or one batch's, accepted work in a shape that its kind has.

    ``since`` leaves out what an earlier export holds, whose ``until_number`` it is.
    """
    kind = registry.get(project.kind)
    if shape not in kind.shapes:
        detail = f"Work of the kind {kind.name} comes as: {', '.join(kind.shapes)}."
        raise Invalid([FieldError("/shape", "unknown_value", detail)])
    export = Export.objects.create(
        lab_id=project.lab_id,
        mode=project.mode,
        project=project,
        batch=batch,
        shape=shape,
        file_format=file_format,
        since_number=since,
        requested_by=by.public_id,
        created_at=now,
        state=ExportState.QUEUED,
        state_changed_at=now,
    )
    audit(by, "export.requested", export, at=now, project=project.public_id, shape=shape)
    due(MAKE, key=export.public_id, export=export.pk)
    return export


@action
def begin_export(export: Export, *, now: datetime) -> Export:
    """Fix what it holds and say how many rows that is; a job that died half-way begins again, with the same rows."""
    if export.state == ExportState.QUEUED:
        export.until_number = last_acceptance(export)
        total = accepted_claims(export).count()
        ahead = {"until_number": export.until_number, "rows_total": total, "rows_done": 0}
        was = move(export, ExportState.RUNNING, moves=EXPORT_MOVES, now=now, **ahead)
        audit(None, "export.begun", export, at=now, was=was)
    return export


@action
def note_progress(export: Export, rows_done: int) -> None:
    """Write how far the file has come."""
    Export.objects.filter(pk=export.pk, state=ExportState.RUNNING).update(rows_done=rows_done)


@action
def finish_export(export: Export, written: Written, *, file_name: str, schema_id: str, now: datetime) -> Export:
    """Hand the file over, with its figures."""
    was = move(
        export,
        ExportState.READY,
        moves=EXPORT_MOVES,
        now=now,
        ready_at=now,
        rows=written.rows,
        rows_done=written.rows,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        file_name=file_name,
        schema_id=schema_id,
    )
    audit(None, "export.ready", export, at=now, was=was, rows=written.rows)
    record_event(export.lab_id, export.mode, "export.ready", at=now, export=export.public_id, rows=written.rows)
    return export


def make_export(export: Export, *, now: datetime) -> Export:
    """Write an export's file and hand it over; safe to run again after a crash, and a no-op once it is ready."""
    if export.state not in (ExportState.QUEUED, ExportState.RUNNING):
        return export
    begin_export(export, now=now)
    file_name = f"{export.public_id}.{export.file_format}.sealed"
    rows = _with_progress(export, rows_of(export, count=export.rows_total or 0, at=now))
    write = partial(FORMATS[export.file_format], rows, SHAPES[export.shape])
    written = write_file(file_name, write, key=bytes(export.project.data_key), about=export.public_id)
    return finish_export(export, written, file_name=file_name, schema_id=SHAPES[export.shape].schema_id, now=now)


def fail_given_up(now: datetime) -> int:
    """Mark exports as failed whose job was given up after its last attempt; return how many."""
    unmade = Export.objects.filter(state__in=(ExportState.QUEUED, ExportState.RUNNING)).defer("project__data_key")
    return sum(fail_export(export, now=now) for export in unmade if is_dead(MAKE, export.public_id))


@action
def fail_export(export: Export, *, now: datetime) -> bool:
    """Say that an export will not come; another worker may have finished it in the meantime."""
    locked = Export.objects.select_for_update().filter(pk=export.pk).first()
    if locked is None or locked.state not in (ExportState.QUEUED, ExportState.RUNNING):
        return False
    was = move(locked, ExportState.FAILED, moves=EXPORT_MOVES, now=now, reason=GAVE_UP)
    audit(None, "export.failed", locked, at=now, was=was)
    return True


def expire_old(now: datetime, limit: int) -> int:
    """Take back files that have lain ready for thirty days; return how many.

    An export is closed first and its file deleted then: what is asked for meanwhile is either whole or not there. A
    file that was left behind between the two is found the next time.
    """
    old = Export.objects.filter(state=ExportState.READY, ready_at__lte=now - KEPT).order_by("ready_at")
    for export in old[:limit]:
        _close_export(export, now=now)
    left = list(Export.objects.filter(state=ExportState.EXPIRED).exclude(file_name="")[:limit])
    for export in left:
        path_of(export.file_name).unlink(missing_ok=True)
        _forget_file(export)
    return len(left)


@action
def _close_export(export: Export, *, now: datetime) -> None:
    was = move(export, ExportState.EXPIRED, moves=EXPORT_MOVES, now=now)
    audit(None, "export.expired", export, at=now, was=was)


@action
def _forget_file(export: Export) -> None:
    Export.objects.filter(pk=export.pk, state=ExportState.EXPIRED).update(file_name="")


def _with_progress(export: Export, rows: Iterator[Json]) -> Iterator[Json]:
    for number, row in enumerate(rows, 1):
        yield row
        if number % PROGRESS_ROWS == 0:
            note_progress(export, number)
