"""Files that posted lines reference: each must be the lab's own, in the mode of the batch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kernel.errors import FieldError
from kernel.ids import decode_id
from tasks.kinds.lines import Line
from tasks.models import File, Project

DETAIL = "You have no file with this id here. Upload it with a key of the same mode first."


def file_ids(payload: dict[str, Any]) -> list[UUID]:
    """Return the keys of the files that a payload references, in their order."""
    named = [each if isinstance(each, str) else each["id"] for each in payload.get("files", ())]
    return [decode_id(File.PREFIX, text) for text in named]


class FileReferences:
    """What the lines of a chunk reference; one query for all of them tells which do not hold."""

    def __init__(self, project: Project) -> None:
        self.files = File.objects.filter(lab=project.lab_id, mode=project.mode, erased_at__isnull=True)
        self.lines: dict[int, list[UUID]] = {}

    def note(self, line: Line) -> None:
        """Remember what a line references, if anything."""
        if line.payload.get("files"):
            self.lines[line.number] = file_ids(line.payload)

    def settle(self) -> dict[int, list[FieldError]]:
        """Return the errors of the lines noted since last time, by line."""
        noted, self.lines = self.lines, {}
        wanted = {pk for pks in noted.values() for pk in pks}
        if not wanted:
            return {}
        known = set(self.files.filter(pk__in=wanted).values_list("pk", flat=True))
        return {number: _errors(pks, known) for number, pks in noted.items() if not known.issuperset(pks)}


def _errors(pks: list[UUID], known: set[UUID]) -> list[FieldError]:
    return [
        FieldError(f"/payload/files/{place}", "unknown_file", DETAIL) for place, pk in enumerate(pks) if pk not in known
    ]
