"""What comes from outside is clean, or refused by name."""

import json
from datetime import UTC, datetime

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from kernel import guards
from kernel.errors import FieldError, Invalid
from kernel.guards import NameField, TextField, check_json, clean_name, clean_text, clean_time, load_json
from tests.bad_input import BAD_BODIES, BAD_NAMES, BAD_TEXTS, BAD_TIMES, SURROGATE, WRONG_TYPES, cases


class Letter(forms.Form):
    """A form of one name and one text."""

    name = NameField(max_length=50)
    words = TextField(max_length=100, required=False)


@pytest.mark.parametrize("value", cases(BAD_NAMES))
def test_a_bad_name_is_refused_by_its_field(value):
    with pytest.raises(Invalid) as refused:
        clean_name(value, name="title")

    assert [error.pointer for error in refused.value.errors] == ["title"]


@pytest.mark.parametrize("value", cases(WRONG_TYPES))
def test_a_name_of_another_type_is_refused(value):
    with pytest.raises(Invalid) as refused:
        clean_name(value, name="title")

    assert refused.value.errors == (FieldError("title", "type", "This must be text."),)


@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_a_blank_name_is_refused(value):
    with pytest.raises(Invalid, match=r"blank|Take out"):
        clean_name(value, name="title")


def test_a_name_is_trimmed_and_composed():
    assert clean_name("  Jose\u0301 ", name="title") == "Jos\u00e9"


@pytest.mark.parametrize("value", cases(BAD_TEXTS))
def test_a_bad_text_is_refused(value):
    with pytest.raises(Invalid):
        clean_text(value, name="notes", max_length=1_000_000)


def test_a_text_keeps_its_direction_marks_and_lines():
    text = "שלום\u202c\n\tline"

    assert clean_text(text, name="notes", max_length=100) == text


def test_a_text_that_is_too_short_says_how_long_it_must_be():
    with pytest.raises(Invalid, match="Write at least 100 characters"):
        clean_text(" " * 200, name="notes", max_length=1_000, min_length=100)


@pytest.mark.parametrize("value", cases(BAD_TIMES))
def test_a_time_that_could_not_be_read_back_is_refused(value):
    with pytest.raises(Invalid) as refused:
        clean_time(value, name="due_at")

    assert refused.value.errors[0].pointer == "due_at"


def test_a_time_is_turned_to_utc():
    assert clean_time("2026-05-01T12:00:00+02:00") == datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("body", cases(BAD_BODIES))
def test_json_that_libraries_disagree_about_is_refused(body):
    with pytest.raises(Invalid) as refused:
        load_json(body, max_bytes=1_000_000, name="body")

    assert refused.value.errors[0].pointer.startswith("body")


def test_json_beyond_its_size_is_refused_unread():
    with pytest.raises(Invalid, match="larger than 10 bytes"):
        load_json(b"[" * 11, max_bytes=10, name="body")


def test_good_json_comes_through_whole():
    body = '{"a": [1, -2.5, true, null, "\\u00e9\\ud83d\\ude00é"], "b": {"c": 9007199254740992}}'.encode()

    assert load_json(body, max_bytes=1_000, name="body") == {
        "a": [1, -2.5, True, None, "é😀é"],
        "b": {"c": 9007199254740992},
    }


def test_json_may_nest_thirty_two_deep():
    assert load_json(b"[" * 32 + b"]" * 32, max_bytes=100, name="body") is not None


def test_the_place_of_a_bad_value_is_named():
    with pytest.raises(Invalid) as refused:
        load_json(b'{"spans": [{"a/b": "x"}, {"a/b": "\\u0000"}]}', max_bytes=1_000, name="payload")

    assert refused.value.errors[0].pointer == "payload/spans/1/a~1b"


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [SURROGATE], {SURROGATE: 1}, {"a": 2**53 + 1}, {"a": "\x00"}, {1: "a"}]
)
def test_a_parsed_value_that_could_not_be_stored_is_refused(value):
    with pytest.raises(Invalid):
        check_json(value, "metadata")


@pytest.mark.parametrize("value", cases(BAD_NAMES))
def test_a_form_shows_a_bad_name_at_its_field(value):
    form = Letter({"name": value})

    assert not form.is_valid()
    assert list(form.errors) == ["name"]


@pytest.mark.parametrize("value", cases(BAD_TEXTS))
def test_a_form_shows_a_bad_text_at_its_field(value):
    form = Letter({"name": "Cyd", "words": value})

    assert not form.is_valid()
    assert list(form.errors) == ["words"]


def test_a_form_gives_clean_values():
    form = Letter({"name": " Cyd ", "words": "one\r\ntwo"})

    assert form.is_valid()
    assert form.cleaned_data == {"name": "Cyd", "words": "one\ntwo"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_the_fast_reading_and_the_strict_one_agree(value: object, is_ascii: bool) -> None:
    raw = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    plain = guards._load_plain(raw, 1_000)

    assert plain is guards._UNSURE or plain == guards._load_strictly(raw, "", 1_000) == value


@pytest.mark.parametrize(
    ("raw", "is_plain"),
    [
        (rb'{"a": 1, "b": "x: \"y\": z", "c": {"a": []}}', True),
        (rb'{"a": 1, "a" : 2}', False),
        (rb'{"a\"": 1, "a\"": 2}', False),
        (rb'[{"a": 1}, {"a": 1}]', True),
        (rb'{"\u0061": 1, "a": 2}', False),
        (rb"[9007199254740993]", False),
        (rb"[1e999]", False),
        (rb"[" * 33 + rb"]" * 33, False),
    ],
)
def test_only_what_every_parser_reads_alike_takes_the_fast_way(raw: bytes, is_plain: bool) -> None:
    assert (guards._load_plain(raw, 1_000) is not guards._UNSURE) == is_plain
