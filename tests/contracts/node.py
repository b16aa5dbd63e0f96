"""JavaScript clients of others: installed from the lock file beside them, by npm, and run by Node."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "js"
MODULES = HERE / "node_modules"
STAMP = MODULES / ".guildhall-lock"


def install() -> Path:
    """Install what the lock file names, by its hashes, unless that is there already; return its folder."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    with (HERE / ".npmrc").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # Workers of one run share the folder.
        if not STAMP.exists() or STAMP.read_text() != wanted:
            _run([_found("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], b"")
            STAMP.write_text(wanted)
    return MODULES


def run(script: str, value: object, *arguments: str) -> Any:
    """Run one of our scripts with a JSON value on its standard input; return the JSON that it prints."""
    install()
    return json.loads(_run([_found("node"), script, *arguments], json.dumps(value).encode()))


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path, f"{program} is not on the PATH: Node 20 or newer is wanted."
    return path


def _run(command: list[str], text: bytes) -> bytes:
    finished = subprocess.run(command, cwd=HERE, input=text, capture_output=True, timeout=300)
    assert finished.returncode == 0, finished.stderr.decode()[-4_000:]
    return finished.stdout
