"""Files: pictures and documents that tasks show."""

from __future__ import annotations

from collections.abc import Iterator

from guildhall.models import File, MediaType
from guildhall.resources.resource import Resource
from guildhall.transport import Body, Call

SECONDS = 120.0  # A large document takes a while to clean.


class Files(Resource):
    """Pictures (PNG, JPEG, WebP) and PDF documents of up to 20 MB."""

    def all(self) -> Iterator[File]:
        """Yield files, newest first."""
        return self._transport.pages("/files")

    def get(self, file: str) -> File:
        """Return what is known of a file."""
        found: File = self._transport.get(f"/files/{file}")
        return found

    def upload(self, content: bytes, *, media_type: MediaType, idempotency_key: str | None = None) -> File:
        """Upload a file, which is cleaned; payloads then name it by its id."""
        body = Body(lambda: (content,), len(content), media_type)
        made: File = self._transport.post("/files", body=body, key=idempotency_key, timeout_seconds=SECONDS)
        return made

    def content(self, file: str) -> bytes:
        """Return the cleaned bytes."""
        return self._transport.answered(Call("GET", f"/files/{file}/content")).content

    def delete(self, file: str) -> None:
        """Destroy a file's key and bytes for good."""
        self._transport.answered(Call("DELETE", f"/files/{file}"))
