"""Exports: files of accepted work, asked for, waited for, downloaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from guildhall.errors import ExportFailed
from guildhall.models import Export, ExportFormat, Manifest, RowSchema, Shape
from guildhall.pulling import download
from guildhall.resources.resource import Resource, given


class Exports(Resource):
    """Files of a project's or a batch's accepted work."""

    def all(self) -> Iterator[Export]:
        """Yield exports, newest first."""
        return self._transport.pages("/exports")

    def get(self, export: str) -> Export:
        """Return an export: its state, progress and, once READY, its rows, size and SHA-256."""
        found: Export = self._transport.get(f"/exports/{export}")
        return found

    def create(
        self,
        *,
        shape: Shape,
        project: str | None = None,
        batch: str | None = None,
        format: ExportFormat = "jsonl",
        since: str | None = None,
        idempotency_key: str | None = None,
    ) -> Export:
        """Ask for a file of a project or of a batch; ``since`` is the ``next_since`` of the one before."""
        values = given(project=project, batch=batch, shape=shape, format=format, since=since)
        made: Export = self._transport.post("/exports", values, key=idempotency_key)
        return made

    def watch(self, export: str, *, every_seconds: float = 1.0) -> Iterator[Export]:
        """Yield the export as it stands now and after every change, until it is READY.

        Raises ExportFailed where it is not made, or lies ready no more.
        """
        before: Export | None = None
        while True:
            now = self.get(export)
            if now["state"] in ("FAILED", "EXPIRED"):
                raise ExportFailed(f"{export} is {now['state']}. {now['reason'] or 'Ask for a new one.'}")
            if now != before:
                yield now
            if now["state"] == "READY":
                return
            before = now
            time.sleep(every_seconds)

    def wait(self, export: str, *, every_seconds: float = 1.0) -> Export:
        """Return the export once it is READY, or raise ExportFailed."""
        *_, ready = self.watch(export, every_seconds=every_seconds)
        return ready

    def manifest(self, export: str) -> Manifest:
        """Return what a READY export holds, to be kept beside its file."""
        found: Manifest = self._transport.get(f"/exports/{export}/manifest")
        return found

    def download(
        self, export: str, path: str | PathLike[str], *, on_bytes: Callable[[int, int], None] | None = None
    ) -> Manifest:
        """Write a READY export to a file, whole or not at all; return its manifest.

        A download that broke off, now or in an earlier run, goes on where it stopped. The file appears under its name
        once its size and SHA-256 are those of the manifest; a path that ends in ``.gz`` is packed. ``on_bytes`` is told
        how many bytes are there, of how many. Raises BadFile where the sums differ.
        """
        return download(self._transport, self.manifest(export), Path(path), on_bytes=on_bytes)

    def schemas(self) -> list[RowSchema]:
        """Return the JSON Schema of each shape's rows, by its ``schema_id``."""
        found: list[RowSchema] = self._transport.get("/schemas")
        return found
