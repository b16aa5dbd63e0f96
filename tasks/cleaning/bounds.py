"""What a file may be, and how one that may not is refused."""

from __future__ import annotations

from dataclasses import dataclass

PNG, JPEG, WEBP, PDF = "image/png", "image/jpeg", "image/webp", "application/pdf"
MEDIA_TYPES = (PNG, JPEG, WEBP, PDF)
MAX_FILE_BYTES = 20_000_000
MAX_CLEANED_BYTES = 2 * MAX_FILE_BYTES  # Written anew, a file may grow a little.
MAX_PIXELS = 40_000_000
MAX_PAGES = 500
MAX_UNPACKED_BYTES = 200_000_000
MAX_RATIO = 100
RATIO_FROM_BYTES = 10_000_000  # A blank page packs a thousandfold, and harms nobody.


class NotClean(Exception):
    """The file is refused: a stable code, and a sentence that says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Cleaned:
    """A file written anew; an image has a size in pixels, a document has pages."""

    media_type: str
    body: bytes
    width: int | None = None
    height: int | None = None
    pages: int | None = None
