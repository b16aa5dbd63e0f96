"""Strangers' files: what is kept of them, and which are refused with what sentence."""

from __future__ import annotations

import io
import os
import zlib

import pikepdf
import pytest
from PIL import Image

from tasks.cleaning.__main__ import clean
from tasks.cleaning.bounds import NotClean
from tasks.cleaning.child import clean_apart
from tests.tasks.documents import (
    SECRET,
    a_bomb,
    a_flood,
    a_pdf,
    a_pdf_that_acts,
    a_picture,
    a_picture_that_tells,
    blank,
    plain_of,
    with_archive,
    written,
)

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def refusal_of(raw: bytes) -> str:
    with pytest.raises(NotClean) as refused:
        clean(raw)
    return refused.value.code


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_stands_upright_and_tells_nothing_of_where_it_was_taken(form: str) -> None:
    raw = a_picture_that_tells(form)

    cleaned = clean(raw)

    assert SECRET.encode() in raw
    assert SECRET.encode() not in cleaned.body
    assert (cleaned.media_type, cleaned.width, cleaned.height) == (f"image/{form.lower()}", 20, 30)
    drawn = Image.open(io.BytesIO(cleaned.body))
    assert (drawn.format, drawn.size, dict(drawn.getexif())) == (form, (20, 30), {})


def test_a_png_keeps_each_pixel_and_what_is_seen_through() -> None:
    noise = Image.frombytes("RGBA", (40, 40), os.urandom(6_400))
    raw = io.BytesIO()
    noise.save(raw, "PNG")

    assert Image.open(io.BytesIO(clean(raw.getvalue()).body)).tobytes() == noise.tobytes()


def test_an_x_ray_keeps_its_sixteen_bits() -> None:
    raw = io.BytesIO()
    Image.new("I;16", (8, 8), 40_001).save(raw, "PNG")

    assert Image.open(io.BytesIO(clean(raw.getvalue()).body)).getpixel((0, 0)) == 40_001


def test_what_follows_a_picture_is_not_kept() -> None:
    assert SECRET.encode() not in clean(a_picture("JPEG") + SECRET.encode() * 50).body


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "unknown_file_type"),
        (b"hello", "unknown_file_type"),
        (b"GIF89a" + b"\0" * 50, "unknown_file_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_file_type"),
        (b"MZ" + a_pdf(), "unknown_file_type"),
        (b"junk" + a_pdf(), "unknown_file_type"),
        (PNG_HEAD, "unreadable_image"),
        (a_picture()[:-30], "unreadable_image"),
        (a_flood(), "too_many_pixels"),
        (a_flood(7_000, 7_000), "too_many_pixels"),
        (a_picture("JPEG", comment=b"%PDF-1.7\n1 0 obj"), "polyglot"),
        (a_picture("JPEG", comment=b"<script>alert(1)</script>"), "polyglot"),
        (with_archive(a_picture()), "polyglot"),
        (with_archive(a_pdf()), "polyglot"),
        (b"%PDF-1.7 and nothing else", "unreadable_pdf"),
        (a_pdf(0), "unreadable_pdf"),
        (a_pdf(501), "too_many_pages"),
        (a_pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "locked_pdf"),
        (a_pdf(encryption=pikepdf.Encryption(owner="a", user="")), "locked_pdf"),
        (a_bomb(), "unpacks_too_large"),
        (a_bomb(filters=("/ASCIIHexDecode", "/FlateDecode")), "unpacks_too_large"),
        (a_bomb(1_000, filters=("/LZWDecode",)), "filter_not_taken"),
    ],
)
def test_what_is_not_safe_to_show_is_refused(raw: bytes, code: str) -> None:
    assert refusal_of(raw) == code


def test_moving_pictures_are_refused() -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    raw = io.BytesIO()
    frames[0].save(raw, "WEBP", save_all=True, append_images=frames[1:])

    assert refusal_of(raw.getvalue()) == "animated_image"


def test_a_document_keeps_its_pages_and_loses_what_acts_hides_or_tells() -> None:
    raw = a_pdf_that_acts()

    cleaned = clean(raw)

    assert SECRET.encode() in plain_of(raw)
    left = plain_of(cleaned.body)
    traces = (SECRET, "JavaScript", "Launch", "OpenAction", "/AA", "/JS", "EmbeddedFile", "XFA", "/URI", "RichMedia")
    assert [word for word in traces if word.encode() in left] == []
    assert (cleaned.media_type, cleaned.pages) == ("application/pdf", 1)


def test_what_a_document_draws_stays() -> None:
    pdf = blank(3)
    pdf.pages[1].obj.Contents = pikepdf.Stream(pdf, b"BT (Lithium, twelve hours) Tj ET")

    left = clean(written(pdf))

    assert left.pages == 3
    assert b"(Lithium, twelve hours)" in plain_of(left.body)


def test_an_action_that_only_its_number_names_is_emptied_too() -> None:
    pdf = blank()
    action = pdf.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.GoTo, Next=pikepdf.Dictionary(S=pikepdf.Name.Launch)))
    pdf.pages[0].obj.Hidden = pikepdf.Array([pikepdf.Array([action])])

    assert b"Launch" not in plain_of(clean(written(pdf)).body)


@pytest.mark.parametrize("said", [(7_000, 7_000), (1, 1)])
def test_a_picture_in_a_document_is_measured_whatever_the_document_says_of_it(said: tuple[int, int]) -> None:
    pdf = blank()
    picture = pikepdf.Stream(pdf, a_picture("JPEG", size=(8_000, 8_000), quality=1))
    picture.Width, picture.Height = said
    picture.Filter = pikepdf.Name.DCTDecode
    pdf.pages[0].obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=picture))

    assert refusal_of(written(pdf, compress_streams=False)) == "too_many_pixels"


def test_a_part_kept_in_another_file_is_refused() -> None:
    pdf = blank()
    stream = pikepdf.Stream(pdf, b"")
    stream.F = "/etc/passwd"
    pdf.pages[0].obj.Contents = stream

    assert refusal_of(written(pdf)) == "external_stream"


def test_a_bomb_in_the_parser_s_own_tables_is_refused_within_bounds() -> None:
    table = zlib.compress(b"\0" * 1_900_000_000, 9)
    head = b"%PDF-1.7\n1 0 obj<</Type/XRef/Size 4/W[1 2 1]/Filter/FlateDecode/Length "
    raw = head + f"{len(table)}>>stream\n".encode() + table + b"\nendstream endobj\nstartxref\n9\n%%EOF"

    with pytest.raises(NotClean) as refused:
        clean_apart(raw)

    assert refused.value.code in {"unreadable_pdf", "too_complex"}


def test_the_process_apart_answers_as_the_cleaner_does() -> None:
    assert clean_apart(a_picture_that_tells("PNG")) == clean(a_picture_that_tells("PNG"))
    with pytest.raises(NotClean) as refused:
        clean_apart(a_flood())
    assert refused.value.code == "too_many_pixels"
