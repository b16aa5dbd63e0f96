"""The client as labs get it: built, installed in a folder of its own, and run as the command that came with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2] / "clients" / "python"
# The backend that pyproject.toml names, called as any front end calls it; it writes words of its own to sys.argv.
BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Return the JSON that it printed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """The installed command, with a key and an address in its environment."""

    folder: Path
    key: str
    address: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what it is started with, and nothing of Guildhall's own."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("GUILDHALL")},
            "PYTHONPATH": str(self.folder),
            "GUILDHALL_API_KEY": self.key,
            "GUILDHALL_URL": self.address,
        }

    def program(self, *words: str | Path) -> list[str | Path]:
        """Return the command line."""
        return [sys.executable, self.folder / "bin" / "guildhall", *words]

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.program(*words), env=self.environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        )

    def run(self, *words: str | Path, stdin: str = "") -> Said:
        """Run it to its end."""
        process = self.start(*words)
        out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
        return Said(process.returncode, out, err)


def build(folder: Path) -> tuple[Path, Path]:
    """Build a source distribution and a wheel from a copy, for building leaves traces; return their paths."""
    copy = folder / "source"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__"))
    out = folder / "dist"
    out.mkdir()
    subprocess.run([sys.executable, "-c", BUILD, out], cwd=copy, check=True, capture_output=True)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel in a folder of its own, beside the dependencies that are there; return the folder."""
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", folder]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True, capture_output=True)
    return folder


def names_in(sdist: Path) -> set[str]:
    """Return the files of a source distribution, below its folder."""
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}
