"""What a file is, by its first bytes, whatever it is called; and whether it is something else besides."""

from __future__ import annotations

from tasks.cleaning.bounds import JPEG, PDF, PNG, WEBP, NotClean

PDF_MARK = b"%PDF-"
PDF_MARK_WITHIN = 1_024  # Where readers look for it, as ISO 32000-1, annex H.3.4.1 has it.
ZIP_END = b"PK\x05\x06"
ZIP_END_BYTES, ZIP_COMMENT_BYTES = 22, 65_535
MARKUP = (b"<!doctype html", b"<html", b"<script", b"<svg", b"<?xml", b"<?php")


def media_type_of(raw: bytes) -> str:
    """Return the file's media type, or refuse what is none that is taken, or more than one at once."""
    found = _by_first_bytes(raw)
    if found is None:
        raise NotClean("unknown_file_type", "This is no PNG, JPEG, WebP or PDF. Convert it to one of these.")
    if _is_something_else_too(raw, found):
        raise NotClean(
            "polyglot", "This file is also a file of another type. Save it anew from the program it comes from."
        )
    return found


def _by_first_bytes(raw: bytes) -> str | None:
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if raw.startswith(b"\xff\xd8\xff"):
        return JPEG
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return WEBP
    return PDF if raw.startswith(PDF_MARK) else None


def _is_something_else_too(raw: bytes, found: str) -> bool:
    head = raw[:PDF_MARK_WITHIN]
    is_document_too = found != PDF and PDF_MARK in head
    is_page_too = found != PDF and any(mark in head.lower() for mark in MARKUP if mark != b"<?xml")
    return is_document_too or is_page_too or _is_archive(raw)


def _is_archive(raw: bytes) -> bool:
    """Tell whether an archive ends with the file: its last record says how long the comment after it is."""
    at = raw.rfind(ZIP_END, -(ZIP_END_BYTES + ZIP_COMMENT_BYTES))
    if at < 0 or len(raw) - at < ZIP_END_BYTES:
        return False
    comment = int.from_bytes(raw[at + 20 : at + 22], "little")
    return at + ZIP_END_BYTES + comment <= len(raw)
