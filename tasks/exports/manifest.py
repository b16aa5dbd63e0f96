"""What an export holds, told apart from its file."""

from __future__ import annotations

from typing import Any

from tasks.exports.download import NotReady
from tasks.kinds import registry
from tasks.models import Export
from tasks.states import ExportState


def manifest_of(export: Export) -> dict[str, Any]:
    """Return a READY export's file, its rows, bytes and SHA-256, its schema and kind, and what was asked for."""
    if export.state != ExportState.READY:
        raise NotReady(f"This export is {export.state.lower()}. Its manifest comes with its file.")
    kind = registry.get(export.project.kind)
    file = {
        "name": f"{export.public_id}.{export.file_format}",
        "format": export.file_format,
        "rows": export.rows,
        "size_bytes": export.size_bytes,
        "sha256": export.sha256,
    }
    return {
        "export": export.public_id,
        "files": [file],
        "shape": export.shape,
        "schema_id": export.schema_id,
        "kind": kind.name,
        "kind_version": kind.version,
        "project": export.project.public_id,
        "batch": export.batch.public_id if export.batch else None,
        "since": export.since,
        "next_since": export.next_since,
        "ready_at": export.ready_at,
    }
