"""Accept from outside only what can be stored, read back and shown: safe text, safe JSON, safe times."""

import json
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from kernel.errors import FieldError, Invalid

MAX_DEPTH = 32
MAX_KEYS = 1_000
SAFE_INTEGER = 2**53
MOST_DIGITS = 20  # Of the longest whole number that is read at all: a sign and 64 bits.
INTEGER_RANGE = "A whole number must lie within 2^53; write larger ones as text."
FIRST_YEAR, LAST_YEAR = 1900, 2200  # Inside what PostgreSQL stores and its driver reads back in every time zone.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Controls, bidi and zero-width marks, line breaks.
_UNSURE = object()
NUL_OR_SURROGATE = "Text must not hold NUL characters or half surrogates."


def clean_name(value: object, *, name: str, max_length: int = 200) -> str:
    """Return a one-line text, trimmed and in NFC, without control, bidi or zero-width characters."""
    text = _text(value, name)
    if text.isascii() and text.isprintable():
        text = text.strip()
    else:
        _refuse_unstorable(text, name)
        text = unicodedata.normalize("NFC", text).strip()
        if any(unicodedata.category(letter) in HIDDEN for letter in text):
            _refuse(name, "hidden_characters", "Take out line breaks, control, direction and zero-width characters.")
    if not text:
        _refuse(name, "blank", "This may not be blank.")
    _check_length(text, name, max_length)
    return text


def clean_text(value: object, *, name: str, max_length: int, min_length: int = 0) -> str:
    """Return a text of several lines as it came; direction marks are content and stay."""
    text = _text(value, name)
    _refuse_unstorable(text, name)
    _check_length(text, name, max_length)
    if len(text.strip()) < min_length:
        _refuse(name, "min_length", f"Write at least {min_length:,} characters.")
    return text


def clean_time(value: object, *, name: str = "") -> datetime:
    """Return an aware time in UTC, from a datetime or an RFC 3339 text, that every zone can read back."""
    when: object = value
    if isinstance(value, str):
        try:
            when = parse_datetime(value) if len(value) <= 40 else None
        except ValueError:
            when = None
    if not isinstance(when, datetime):
        _refuse(name, "datetime", "Write a time such as 2026-05-01T12:00:00Z.")
    if when.tzinfo is None:
        _refuse(name, "time_zone", "Say the time's zone, as in 2026-05-01T12:00:00Z.")
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        _refuse(name, "range", f"A time lies in the years {FIRST_YEAR} to {LAST_YEAR}.")
    return when.astimezone(UTC)


def load_json(raw: bytes, *, max_bytes: int, name: str, max_keys: int = MAX_KEYS) -> Any:
    """Parse one JSON value of at most ``max_bytes``, refusing all that JSON libraries disagree about."""
    if len(raw) > max_bytes:
        _refuse(name, "too_large", f"This is larger than {max_bytes:,} bytes.")
    plain = _load_plain(raw, max_keys)
    return _load_strictly(raw, name, max_keys) if plain is _UNSURE else plain


def _load_plain(raw: bytes, max_keys: int) -> Any:
    """Return the value of JSON that every parser reads alike, in less time; ``_UNSURE`` of any other.

    The fast parser lets the last of two equal keys win. In valid JSON a key is a string before a colon, so there were
    two equal ones if the text has more such strings than the value has keys.
    """
    has_escapes = b"\\" in raw
    if has_escapes and b"\\u" in raw:
        return _UNSURE
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _UNSURE
    keys, below, depth = 0, [value], 0
    while below:
        depth += 1
        if depth > MAX_DEPTH:
            return _UNSURE
        level, below = below, []
        for one in level:
            kind = type(one)
            if kind is dict:
                keys += len(one)
                below.extend(one.values())
            elif kind is list:
                below.extend(one)
            elif kind is not str and not (one is None or kind is bool or abs(one) <= SAFE_INTEGER):
                return _UNSURE
    # Without its escapes, quotes alone part a text: every second piece lies outside strings.
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if has_escapes else raw
    named = sum(piece.lstrip().startswith(b":") for piece in bare.split(b'"')[2::2])
    return value if named == keys <= max_keys else _UNSURE


def _load_strictly(raw: bytes, name: str, max_keys: int) -> Any:
    """Parse JSON with a look at each number and object, and say what is wrong with it."""
    keys = _KeyCounter(name, max_keys)
    try:
        text = raw.decode()
        value = json.loads(
            text,
            object_pairs_hook=keys.pairs,
            parse_constant=lambda word: _refuse(name, "not_a_number", f"{word} is not JSON."),
            parse_float=lambda digits: _finite(digits, name),
            parse_int=lambda digits: _integer(digits, name),
        )
    except UnicodeDecodeError:
        _refuse(name, "encoding", "JSON is written in UTF-8.")
    except RecursionError:
        _refuse(name, "too_deep", f"JSON may nest at most {MAX_DEPTH} deep.")
    except json.JSONDecodeError as error:
        _refuse(name, "json", f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.")
    check_json(value, name, max_keys=max_keys)
    return value


def check_json(value: object, name: str, *, max_keys: int = MAX_KEYS) -> None:
    """Refuse a parsed JSON value that could not be stored and read back, naming the place inside it."""
    keys = 0
    places: list[tuple[str, object, int]] = [(name, value, 1)]
    while places:
        place, one, depth = places.pop()
        if isinstance(one, str):
            _refuse_unstorable(one, place)
        elif isinstance(one, float) and not math.isfinite(one):
            _refuse(place, "not_a_number", "A number must be finite.")
        elif isinstance(one, int) and abs(one) > SAFE_INTEGER:
            _refuse(place, "integer_range", INTEGER_RANGE)
        elif isinstance(one, list | dict):
            if depth > MAX_DEPTH:
                _refuse(name, "too_deep", f"JSON may nest at most {MAX_DEPTH} deep.")
            if isinstance(one, dict):
                keys += len(one)
                for key in one:
                    _refuse_unstorable(_text(key, place), place)
            children = one.items() if isinstance(one, dict) else enumerate(one)
            places.extend((f"{place}/{_escape(step)}", child, depth + 1) for step, child in children)
    if keys > max_keys:
        _refuse(name, "too_many_keys", f"JSON may hold at most {max_keys:,} keys.")


class _KeyCounter:
    """Build objects while counting their keys and refusing duplicates."""

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most
        self.count = 0

    def pairs(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        self.count += len(pairs)
        if self.count > self.most:
            _refuse(self.name, "too_many_keys", f"JSON may hold at most {self.most:,} keys.")
        found = dict(pairs)
        if len(found) != len(pairs):
            _refuse(self.name, "duplicate_key", "An object names one of its keys twice.")
        return found


class NameField(forms.CharField):
    """A form's one-line text, under the rules of ``clean_name``."""

    def __init__(self, *, max_length: int = 200, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: object) -> str:
        """Return the cleaned text, or '' when nothing came."""
        text = value if isinstance(value, str) else ""
        length = self.max_length or 200
        return _in_form(lambda: clean_name(text, name="", max_length=length)) if text.strip() else ""


class TextField(forms.CharField):
    """A form's text of several lines, under the rules of ``clean_text``; line ends become newlines."""

    widget = forms.Textarea

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: object) -> str:
        """Return the text with browsers' line ends made plain."""
        text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        return _in_form(lambda: clean_text(text, name="", max_length=self.max_length or 0))


def _in_form(clean: Callable[[], str]) -> str:
    try:
        return clean()
    except Invalid as error:
        raise ValidationError(error.detail, code=error.errors[0].code) from None


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        _refuse(name, "type", "This must be text.")
    return value


def _refuse_unstorable(text: str, name: str) -> None:
    if UNSTORABLE.search(text):
        _refuse(name, "unstorable", NUL_OR_SURROGATE)


def _check_length(text: str, name: str, max_length: int) -> None:
    if len(text) > max_length:
        _refuse(name, "max_length", f"Write at most {max_length:,} characters.")


def _finite(digits: str, name: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse(name, "not_a_number", "A number must be finite.")
    return number


def _integer(digits: str, name: str) -> int:
    """Return a whole number; one beyond 2^53 is refused afterwards, where its place is known, unless it is huge."""
    if len(digits) > MOST_DIGITS:
        _refuse(name, "integer_range", INTEGER_RANGE)
    return int(digits)


def _escape(step: object) -> str:
    return UNSTORABLE.sub("\ufffd", str(step)).replace("~", "~0").replace("/", "~1")


def _refuse(name: str, code: str, detail: str) -> NoReturn:
    raise Invalid([FieldError(name, code, detail)])
