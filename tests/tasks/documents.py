"""Pictures and documents, harmless and not, for the tests of what labs upload."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

SECRET = "CANARY-8820-plover"
ORIENTATION, DESCRIPTION = 0x0112, 0x010E


def a_picture(form: str = "PNG", *, size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    """Return a red picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, form, **options)
    return out.getvalue()


def a_picture_that_tells(form: str) -> bytes:
    """Return a picture lying on its side, whose metadata say where it was taken."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = 6, SECRET
    more = {"comment": SECRET.encode()} if form == "JPEG" else {}
    return a_picture(form, exif=exif.tobytes(), **more)


def a_flood(width: int = 50_000, height: int = 50_000) -> bytes:
    """Return a small PNG whose header promises more pixels than any memory holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1_000)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def with_archive(raw: bytes) -> bytes:
    """Return a file that an unpacker opens as an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("payload.js", "alert(1)")
    return raw + packed.getvalue()


def a_pdf(pages: int = 1, **options: Any) -> bytes:
    """Return a document of blank pages."""
    return written(blank(pages), **options)


def blank(pages: int = 1) -> pikepdf.Pdf:
    """Return a document of blank pages, open."""
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page()
    return pdf


def written(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    """Return a document's bytes."""
    out = io.BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def script() -> Dictionary:
    """Return an action that runs a script."""
    return Dictionary(S=Name.JavaScript, JS=f"app.alert('{SECRET}')")


def a_pdf_that_acts() -> bytes:
    """Return a document with a script, a launch, a link, an attachment, metadata and a form of its own."""
    pdf = blank()
    root: Any = pdf.Root
    root.OpenAction = pdf.make_indirect(script())
    root.AA = Dictionary(WC=script())
    root.AcroForm = Dictionary(XFA=SECRET, Fields=Array([]))
    root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["run", pdf.make_indirect(script())])))
    pdf.attachments["note.txt"] = SECRET.encode()
    pdf.docinfo["/Author"] = SECRET
    launch = Dictionary(S=Name.Launch, F=SECRET, Next=Array([script()]))
    link = Dictionary(S=Name.URI, URI=f"https://{SECRET}.example")
    box = Array([0, 0, 9, 9])
    pdf.pages[0].obj.Annots = Array(
        [
            Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=box, A=launch),
            pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=box, A=pdf.make_indirect(link))),
            Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=box, Contents=SECRET),
        ]
    )
    return written(pdf)


def a_bomb(unpacked: int = 150_000_000, *, filters: tuple[str, ...] = ("/FlateDecode",)) -> bytes:
    """Return a small document that unpacks to very much."""
    pdf = blank()
    packed = zlib.compress(b" " * unpacked, 9)
    stream = pikepdf.Stream(pdf, b"")
    if "/ASCIIHexDecode" in filters:
        packed = packed.hex().encode() + b">"
    stream.write(packed, filter=Array([Name(name) for name in filters]), type_check=False)
    pdf.pages[0].obj.Contents = stream
    return written(pdf, compress_streams=False)


def plain_of(raw: bytes) -> bytes:
    """Return a document with all of it unpacked, so that a word in it would be seen."""
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        return written(
            pdf,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
