"""Export files at rest: sealed in frames under the project's key, so that no content lies about in the clear.

A frame is its sealed and its plain length, four bytes each, then its sealed bytes: a download that goes on where an
earlier one broke off skips frames without opening them.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings

from kernel.sealing import Sealed, seal

FRAME_BYTES = 256 * 1024
LENGTHS = struct.Struct(">II")


@dataclass(frozen=True)
class Written:
    """What was written: figures of the plain file."""

    rows: int
    size_bytes: int
    sha256: str


def path_of(file_name: str) -> Path:
    """Return where an export's file lies; the name is ours and has no directory in it."""
    assert Path(file_name).name == file_name
    return settings.DATA_DIR / "exports" / file_name


def write_file(file_name: str, write: Callable[[BinaryIO], int], *, key: bytes, about: str) -> Written:
    """Seal what ``write`` puts, which says how many rows it holds, and put the file in place in one step."""
    target = path_of(file_name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            frames = Frames(file, key=key, about=about)
            rows = write(cast(BinaryIO, frames))
            frames.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Written(rows, frames.size, frames.digest.hexdigest())


def sweep_parts(older_than_seconds: float) -> None:
    """Delete what writers left behind that were killed half-way."""
    for part in path_of("x").parent.glob("*.part"):
        if part.stat().st_mtime < time.time() - older_than_seconds:
            part.unlink(missing_ok=True)


class Frames(io.RawIOBase):
    """A file to write to, whose bytes reach the disk sealed."""

    def __init__(self, file: BinaryIO, *, key: bytes, about: str) -> None:
        super().__init__()
        self._file, self._key, self._about = file, key, about
        self._held = bytearray()
        self._number = 0
        self.size = 0
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        """Tell that it takes bytes."""
        return True

    def tell(self) -> int:
        """Return how many plain bytes were written."""
        return self.size

    def write(self, some: Any) -> int:
        """Take bytes; every whole frame is sealed and written at once."""
        taken = bytes(some)
        self._held += taken
        self.size += len(taken)
        self.digest.update(taken)
        while len(self._held) >= FRAME_BYTES:
            self._seal(FRAME_BYTES)
        return len(taken)

    def close(self) -> None:
        """Write what is left."""
        if not self.closed and self._held:
            self._seal(len(self._held))
        super().close()

    def _seal(self, length: int) -> None:
        sealed = seal(self._key, bytes(self._held[:length]), about=f"{self._about}/frame-{self._number}")
        self._file.write(LENGTHS.pack(len(sealed), length) + sealed)
        del self._held[:length]
        self._number += 1


@dataclass(frozen=True)
class Part:
    """A stretch of a file: its frames, still sealed, and how many plain bytes of the first are not wanted."""

    frames: Iterator[Sealed]
    skip: int


def read_frames(file_name: str, *, key: bytes, about: str, start: int = 0) -> Part:
    """Read a file from its plain byte ``start``, frame by frame, still sealed: the gate opens them."""
    file = path_of(file_name).open("rb")
    number, at = 0, 0
    while head := file.read(LENGTHS.size):
        length, plain = LENGTHS.unpack(head)
        if at + plain > start:
            file.seek(-LENGTHS.size, os.SEEK_CUR)
            break
        file.seek(length, os.SEEK_CUR)
        number, at = number + 1, at + plain
    return Part(_frames(file, number, key=key, about=about), start - at)


def _frames(file: BinaryIO, number: int, *, key: bytes, about: str) -> Iterator[Sealed]:
    with file:
        while head := file.read(LENGTHS.size):
            length, _ = LENGTHS.unpack(head)
            yield Sealed(key, file.read(length), f"{about}/frame-{number}")
            number += 1
