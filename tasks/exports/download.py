"""A finished export on its way out: whole, or the rest of it where an earlier download broke off (RFC 9110, 14)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from agreements.gate import open_for_lab
from kernel.errors import Refused
from tasks.exports.files import read_frames
from tasks.models import Export
from tasks.states import ExportState

CONTENT_TYPES: Final = {"jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class NotReady(Refused):
    """The file is not there yet, or not any more."""

    code = "export_not_ready"


class FileGone(Refused):
    """The file is missing where it should lie."""

    code, status = "export_gone", 410


def file_response(request: HttpRequest, export: Export, *, by: str, at: datetime) -> HttpResponseBase:
    """Send an export's file, or the one range of it that is asked for; an access row is written before its first byte.

    ``If-Range`` holds the range to this very file; a range that lies outside is answered 416.
    """
    if export.state == ExportState.EXPIRED:
        raise FileGone("This export has expired. Ask for a new one: from the same since it holds the same rows first.")
    if export.state != ExportState.READY:
        raise NotReady(f"This export is {export.state.lower()}. Ask again when its state is READY.")
    size, etag = export.size_bytes or 0, f'"{export.sha256}"'
    wanted = range_of(request.headers.get("Range", ""), size)
    if request.headers.get("If-Range", etag) != etag:
        wanted = None
    if wanted is not None and wanted[0] >= wanted[1]:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"})
    start, end = wanted or (0, size)
    response = StreamingHttpResponse(
        _bytes(export, start, end, by=by, at=at),
        status=206 if wanted else 200,
        content_type=CONTENT_TYPES[export.file_format],
    )
    response.headers["Content-Length"] = str(end - start)
    if wanted:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    response.headers["Content-Disposition"] = f'attachment; filename="{export.public_id}.{export.file_format}"'
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(export.sha256)).decode()}:"
    response.headers["Cache-Control"] = "no-store"
    return response


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """Return the plain bytes that a Range header asks for, from and up to; None for all of them.

    What is no single range of bytes is passed over, as the standard allows; one that begins past the end is empty.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _bytes(export: Export, start: int, end: int, *, by: str, at: datetime) -> Iterator[bytes]:
    try:
        part = read_frames(export.file_name, key=bytes(export.project.data_key), about=export.public_id, start=start)
    except FileNotFoundError:
        raise FileGone("The file of this export is no longer there. Ask for a new one.") from None
    opened = open_for_lab(
        export.lab,
        by=by,
        subject=export.public_id,
        purpose="download",
        at=at,
        contents=part.frames,
        count=export.rows or 0,
    )
    return _cut(opened, part.skip, end - start)


def _cut(opened: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    for plain in opened:
        piece = plain[skip : skip + length]
        skip, length = 0, length - len(piece)
        yield piece
        if not length:
            return
    if length:  # Cuts the connection: what was sent must not pass for the whole.
        raise OSError(f"An export's file ends {length} bytes early.")
