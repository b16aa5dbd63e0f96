"""``guildhall pull``: have an export made, wait for it, and download it."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from guildhall.client import Guildhall
from guildhall.command.exits import OK
from guildhall.command.screen import Screen, size
from guildhall.models import Export, Manifest


def run(lab: Guildhall, options: Namespace, screen: Screen) -> int:
    """Pull an export, or a new one of a project or batch, with its manifest beside it."""
    export = options.export or asked(lab, options, screen)
    path = Path(options.output) if options.output else None
    at = f" -o {path}" if path else ""
    screen.how_to_go_on = lambda: f"What came is kept. To go on where it stopped: guildhall pull {export}{at}"
    ready = wait(lab, export, screen)
    path = path or Path(f"{export}.{ready['format']}")
    with screen.bar("Pulling") as bar:
        manifest = lab.exports.download(
            export, path, on_bytes=lambda done, total: bar.show(done, total, f"{size(done)} of {size(total)}")
        )
    beside = path.with_name(f"{path.name}.manifest.json")
    beside.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    screen.put(summary(path, manifest), {"path": str(path), **manifest})
    screen.say(f"For what is accepted from now on: --since {manifest['next_since']}")
    return OK


def asked(lab: Guildhall, options: Namespace, screen: Screen) -> str:
    """Ask for an export and return its id."""
    made = lab.exports.create(
        project=options.project,
        batch=options.batch,
        shape=options.shape,
        format=options.format,
        since=options.since,
    )
    screen.say(f"Asked for {made['id']}.")
    return made["id"]


def wait(lab: Guildhall, export: str, screen: Screen) -> Export:
    """Show an export being made; return it once it is READY."""
    with screen.bar("Making") as bar:
        for found in lab.exports.watch(export):
            bar.show(found["rows_done"], found["rows_total"], f"{found['state']}: {found['rows_done']:,} rows")
    return found


def summary(path: Path, manifest: Manifest) -> str:
    """Say what was written."""
    (file,) = manifest["files"]
    return f"{path}: {file['rows']:,} rows, {size(file['size_bytes'])}, SHA-256 {file['sha256']}"
