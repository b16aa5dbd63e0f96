"""Export files at rest: sealed in frames under the project's key, so that no content lies about in the clear."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from kernel.sealing import Sealed, seal

FRAME_BYTES = 256 * 1024
LENGTH = struct.Struct(">I")


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


def write_file(file_name: str, rows: Iterable[bytes], *, key: bytes, about: str) -> Written:
    """Write lines in sealed frames beside the final name, then put them in place in one step."""
    target = path_of(file_name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    digest, count, size = hashlib.sha256(), 0, 0
    try:
        with part.open("wb") as file:
            for number, (lines, plain) in enumerate(_frames(rows)):
                sealed = seal(key, plain, about=f"{about}/frame-{number}")
                file.write(LENGTH.pack(len(sealed)) + sealed)
                digest.update(plain)
                count, size = count + lines, size + len(plain)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Written(count, size, digest.hexdigest())


def read_frames(file_name: str, *, key: bytes, about: str) -> Iterator[Sealed]:
    """Read a file's frames, still sealed: the gate opens them one by one."""
    with path_of(file_name).open("rb") as file:
        number = 0
        while head := file.read(LENGTH.size):
            (length,) = LENGTH.unpack(head)
            yield Sealed(key, file.read(length), f"{about}/frame-{number}")
            number += 1


def _frames(rows: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    held: list[bytes] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(row)
        if size >= FRAME_BYTES:
            yield len(held), b"".join(held)
            held, size = [], 0
    if held:
        yield len(held), b"".join(held)
