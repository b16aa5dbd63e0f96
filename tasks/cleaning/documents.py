"""PDF written anew: what is drawn stays; what acts, hides or tells where it comes from goes (ISO 32000-2, 12.6)."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Pdf, Stream
from PIL import Image

from tasks.cleaning.bounds import (
    MAX_PAGES,
    MAX_PIXELS,
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    PDF,
    RATIO_FROM_BYTES,
    Cleaned,
    NotClean,
)

# On a click one may go somewhere else in this document, and do nothing else.
BANNED_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/URI",
        "/GoToR",
        "/GoToE",
        "/SubmitForm",
        "/ResetForm",
        "/ImportData",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMediaExecute",
        "/GoTo3DView",
        "/SetOCGState",
        "/Hide",
        "/Trans",
    }
)
BANNED_ANNOTATIONS = frozenset({"/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"})
BANNED_KEYS = (
    "/OpenAction",
    "/AA",
    "/JS",
    "/JavaScript",
    "/EmbeddedFiles",
    "/EF",
    "/RF",
    "/AF",
    "/Renditions",
    "/XFA",
    "/Collection",
    "/Metadata",
    "/PieceInfo",
)
PICTURE_FILTERS = frozenset({"/DCTDecode", "/DCT", "/JPXDecode", "/CCITTFaxDecode", "/CCF", "/JBIG2Decode"})
STYLES = frozenset({"/Trans", "/StructElem", "/Group", "/OutputIntent"})
MAX_DEPTH = 60


def clean_document(raw: bytes) -> Cleaned:
    """Return the document without scripts, actions, attachments and metadata; refuse one that is locked or a bomb."""
    try:
        with Pdf.open(io.BytesIO(raw)) as pdf:
            if pdf.is_encrypted:
                raise _locked()
            pages = len(pdf.pages)
            if pages > MAX_PAGES:
                raise NotClean("too_many_pages", f"A PDF has at most {MAX_PAGES} pages. Split it.")
            _check_unpacked(pdf, len(raw))
            _strip(pdf)
            out = io.BytesIO()
            pdf.save(out, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PasswordError:
        raise _locked() from None
    except (pikepdf.PdfError, pikepdf.DataDecodingError, RuntimeError, ValueError, TypeError, KeyError):
        raise NotClean("unreadable_pdf", "This PDF cannot be read. Print it to a new PDF and try again.") from None
    if not pages:
        raise NotClean("unreadable_pdf", "This PDF has no page.")
    return Cleaned(PDF, out.getvalue(), pages=pages)


def _locked() -> NotClean:
    return NotClean("locked_pdf", "This PDF is encrypted. Save it without a password.")


def _strip(pdf: Pdf) -> None:
    """Take out of every object, reachable or not, what acts, hides or tells of its origin."""
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    for page in pdf.pages:
        _drop_annotations(page.obj)
    for found in pdf.objects:
        _strip_object(found, 0)


def _drop_annotations(page: Any) -> None:
    annotations = page.get("/Annots")
    if isinstance(annotations, Array):
        kept = [each for each in annotations if not (isinstance(each, Dictionary) and _is_banned(each))]
        page["/Annots"] = Array(kept)


def _is_banned(annotation: Any) -> bool:
    return str(annotation.get("/Subtype", "")) in BANNED_ANNOTATIONS


def _strip_object(found: Any, depth: int) -> None:
    """Strip one object and the direct ones inside it; indirect ones come by themselves."""
    if depth > MAX_DEPTH:
        raise NotClean("too_deep", "This PDF is nested too deeply. Print it to a new PDF and try again.")
    if isinstance(found, Array):
        for each in found:
            if not _is_indirect(each):
                _strip_object(each, depth + 1)
        return
    if not isinstance(found, (Dictionary, Stream)):
        return
    if str(found.get("/S", "")) in BANNED_ACTIONS and not _is_drawn(found):
        for key in list(found.keys()):
            del found[key]
        return
    for key in BANNED_KEYS:
        if key in found:
            del found[key]
    for key in list(found.keys()):
        inner: Any = found.get(key)
        if not _is_indirect(inner):
            _strip_object(inner, depth + 1)


def _is_drawn(found: Any) -> bool:
    """Tell whether /S names a style here, as in page transitions and structure, and no action."""
    return isinstance(found, Stream) or str(found.get("/Type", "")) in {
        "/Trans",
        "/StructElem",
        "/Group",
        "/OutputIntent",
    }


def _is_indirect(value: Any) -> bool:
    return isinstance(value, pikepdf.Object) and value.is_indirect


def _check_unpacked(pdf: Pdf, packed: int) -> None:
    """Refuse a document that swells: measured without ever holding more than a piece of it."""
    unpacked = 0
    for found in pdf.objects:
        if isinstance(found, Stream):
            unpacked += _unpacked_bytes(found, MAX_UNPACKED_BYTES - unpacked)
            is_swollen = unpacked > RATIO_FROM_BYTES and unpacked > packed * MAX_RATIO
            if unpacked > MAX_UNPACKED_BYTES or is_swollen:
                raise NotClean(
                    "unpacks_too_large", "This PDF unpacks to far more than its size. Print it to a new PDF."
                )


def _unpacked_bytes(stream: Any, at_most: int) -> int:
    """Return how long a stream is unpacked; pictures are judged by their pixels, as they are unpacked by the page."""
    if "/F" in stream:
        raise NotClean("external_stream", "This PDF keeps a part of itself in another file. Print it to a new PDF.")
    _check_pixels(int(stream.get("/Width", 0)) * int(stream.get("/Height", 0)))
    raw = bytes(stream.read_raw_bytes())
    for name in _filters(stream):
        if name in PICTURE_FILTERS:
            _check_pixels(_pixels_in(raw))
            return len(raw)
        if name not in UNPACKERS:
            detail = f"This PDF packs with {name[1:20]}, which is not taken. Print it to a new PDF."
            raise NotClean("filter_not_taken", detail)
        raw = UNPACKERS[name](raw, at_most)
    return len(raw)


def _filters(stream: Any) -> list[str]:
    named = stream.get("/Filter")
    if named is None:
        return []
    return [str(each) for each in named] if isinstance(named, Array) else [str(named)]


def _check_pixels(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise NotClean("too_many_pixels", f"A picture in a PDF has at most {MAX_PIXELS:,} pixels.")


def _pixels_in(raw: bytes) -> int:
    """Return how many pixels a packed picture says it has, whatever the document says; 0 where that cannot be read."""
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG", "JPEG2000")) as picture:
            return picture.width * picture.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return MAX_PIXELS + 1
    except (OSError, SyntaxError, ValueError):
        return 0


def _inflate(raw: bytes, at_most: int) -> bytes:
    """Unpack, and stop a byte after the bound."""
    try:
        return zlib.decompressobj().decompress(raw, max(1, at_most + 1))
    except zlib.error:
        raise ValueError("a stream is torn") from None


def _from_base85(raw: bytes, _: int) -> bytes:
    return base64.a85decode(raw.strip().removeprefix(b"<~").removesuffix(b"~>"), ignorechars=b" \t\n\r\v\f\x00")


def _from_hex(raw: bytes, _: int) -> bytes:
    digits = b"".join(raw.partition(b">")[0].split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


UNPACKERS = {
    "/FlateDecode": _inflate,
    "/Fl": _inflate,
    "/ASCII85Decode": _from_base85,
    "/A85": _from_base85,
    "/ASCIIHexDecode": _from_hex,
    "/AHx": _from_hex,
}
