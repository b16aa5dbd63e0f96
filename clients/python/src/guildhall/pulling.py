"""Pulling an export to a file: resumed where it broke off, checked, and there whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from guildhall.errors import ApiError, BadFile, NetworkError, error_of
from guildhall.models import ExportFile, Manifest
from guildhall.retries import PASSING, is_passing
from guildhall.transport import Call, Transport

PIECE_BYTES = 256 * 1024
Heard = Callable[[int, int], None]


def download(transport: Transport, manifest: Manifest, path: Path, *, on_bytes: Heard | None = None) -> Manifest:
    """Write the file of a READY export to ``path``; ``Exports.download`` says how."""
    (file,) = manifest["files"]
    part = part_of(path, file)
    Pull(transport, manifest["export"], file, part, on_bytes or (lambda done, total: None)).run()
    if sha256_of(part) != file["sha256"]:
        part.unlink()
        raise BadFile(f"What came for {manifest['export']} differs from its manifest. It was removed; pull it again.")
    if path.suffix == ".gz":
        _pack(part, path)
    else:
        os.replace(part, path)
    return manifest


def part_of(path: Path, file: ExportFile) -> Path:
    """Return where a download waits until it is whole: a name that belongs to this very content."""
    return path.with_name(f"{path.name}.{file['sha256'][:16]}.part")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


class Pull:
    """The bytes of one export on their way to a file, however often the connection breaks."""

    def __init__(self, transport: Transport, export: str, file: ExportFile, part: Path, heard: Heard) -> None:
        self.transport, self.export, self.file, self.part, self.heard = transport, export, file, part, heard

    @property
    def have(self) -> int:
        """Return how many bytes are there."""
        return self.part.stat().st_size if self.part.exists() else 0

    def run(self) -> None:
        """Ask for the rest until all is there; failures are counted from the last attempt that brought something."""
        size, failed = self.file["size_bytes"], 0
        while (have := self.have) < size or not self.part.exists():
            problem = self._ask(have)
            if problem is None and self.have >= size:
                break
            failed = 1 if self.have > have else failed + 1
            problem = problem or NetworkError(f"The download of {self.export} ended {size - self.have} bytes early.")
            self.transport.rest(failed, problem)
        self.heard(self.have, size)

    def _ask(self, have: int) -> ApiError | NetworkError | None:
        """Take what one request brings; return what was wrong with it, where that may pass."""
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": f'"{self.file["sha256"]}"'}
        call = Call("GET", f"/exports/{self.export}/download", headers=headers)
        try:
            with self.transport.streamed(call) as response:
                if response.is_success:
                    self._take(response, have)
                    return None
                response.read()
                refusal = error_of(response)
        except PASSING as error:
            return self.transport.network_error(error)
        if is_passing(refusal):
            return refusal
        raise refusal

    def _take(self, response: httpx.Response, have: int) -> None:
        """Write a whole answer over what is there, and the rest after it."""
        is_rest = response.status_code == 206
        begins = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if is_rest and (not begins or "Content-Encoding" in response.headers):
            self.part.unlink()  # Packed on the way, or another part: it cannot be put after what is there.
            return
        done = have if is_rest else 0
        with self.part.open("ab" if is_rest else "wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
                done += len(piece)
                if done > self.file["size_bytes"]:
                    self.part.unlink()
                    raise BadFile(f"More comes for {self.export} than its manifest names. Pull it again.")
                self.heard(done, self.file["size_bytes"])


def _pack(part: Path, path: Path) -> None:
    packed = part.with_name(f"{part.name}.gz")
    with part.open("rb") as plain, gzip.open(packed, "wb") as file:
        shutil.copyfileobj(plain, file, PIECE_BYTES)
    os.replace(packed, path)
    part.unlink()
