"""The pictures and documents that a task's payload references, as a bench shows them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse

from tasks.actions.file_references import file_ids
from tasks.kinds.base import Json
from tasks.models import Claim, File, Project


@dataclass(frozen=True)
class Shown:
    """One file of a task; without a file it has been erased by its lab."""

    title: str
    file: File | None
    address: str


def files_of(project: Project, payload: Json) -> QuerySet[File]:
    """Return the files that a payload references, of the project's own lab and mode."""
    return File.objects.filter(pk__in=file_ids(payload), lab=project.lab_id, mode=project.mode, erased_at__isnull=True)


def shown_files(claim: Claim, payload: Json) -> list[Shown]:
    """Return what a bench shows of the files, in the payload's order; one query, and none without files."""
    wanted = file_ids(payload)
    if not wanted:
        return []
    known = files_of(claim.project, payload).defer("body", "data_key").in_bulk()
    titles = [each.get("title", "") if isinstance(each, dict) else "" for each in payload["files"]]
    return [
        Shown(title or f"File {place}", known.get(pk), reverse("tasks:file", args=[claim.pk, pk]))
        for place, (pk, title) in enumerate(zip(wanted, titles, strict=True), 1)
    ]
