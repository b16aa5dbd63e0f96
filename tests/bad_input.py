"""What strangers send: one list of bad values for every form field and every API field."""

import json
from collections.abc import Mapping

import pytest
from _pytest.mark import ParameterSet

NUL = "a\x00b"
SURROGATE = "a\ud800b"
BIDI = "safe\u202egnp.exe"
ZERO_WIDTH = "pay\u200bpal"
CONTROL = "bell\x07"
LONG = "x" * 2_000_000

# Text that no one-line field may take, each with a name for the test's id.
BAD_NAMES: dict[str, str] = {
    "nul": NUL,
    "surrogate": SURROGATE,
    "bidi": BIDI,
    "isolate": "a\u2066b\u2069",
    "zero_width": ZERO_WIDTH,
    "control": CONTROL,
    "line_break": "one\ntwo",
    "line_separator": "one\u2028two",
    "too_long": LONG,
    "private_use": "a\ue000b",
}
# Text that no field at all may take.
BAD_TEXTS: dict[str, str] = {name: BAD_NAMES[name] for name in ("nul", "surrogate", "too_long")}

# Python values of a wrong type for a text.
WRONG_TYPES: dict[str, object] = {
    "number": 7,
    "fraction": 1.5,
    "true": True,
    "null": None,
    "list": ["a"],
    "object": {"a": "b"},
    "nested": [[["a"]]],
}
# Python values of a wrong type or range for a whole number.
BAD_INTEGERS: dict[str, object] = {
    "text": "seven",
    "fraction": 1.5,
    "true": True,
    "negative": -1,
    "beyond_int4": 2**31,
    "beyond_int8": 2**63,
    "beyond_double": 2**53 + 1,
    "list": [1],
    "object": {},
    "null": None,
}
BAD_TIMES: dict[str, object] = {
    "first_moment": "0001-01-01T00:00:00+14:00",
    "last_moment": "9999-12-31T23:59:59-14:00",
    "before_1900": "1899-12-31T23:59:59Z",
    "after_2200": "2201-01-01T00:00:00Z",
    "naive": "2026-05-01T12:00:00",
    "no_such_day": "2026-02-30T12:00:00Z",
    "words": "tomorrow",
    "number": 1_700_000_000,
    "surrogate": SURROGATE,
    "true": True,
    "null": None,
}
BAD_IDS: dict[str, str] = {
    "nul": "tsk_\x00",
    "short": "tsk_01",
    "other_alphabet": "tsk_" + "u" * 26,
    "beyond_128_bits": "tsk_" + "z" * 26,
    "other_prefix": "zzz_" + "0" * 26,
    "sql": "tsk_' OR 1=1 --",
    "uuid": "01890000-0000-7000-8000-000000000000",
    "upper_case": "TSK_" + "0" * 26,
}
# Bodies that are not acceptable JSON, as bytes.
BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "not_json": b"{",
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "beyond_double": b'{"a": 1e400}',
    "huge_integer": b'{"a": ' + b"9" * 5_000 + b"}",
    "integer_beyond_2_53": b'{"a": 9007199254740993}',
    "nul": b'{"a": "\\u0000"}',
    "raw_nul": b'{"a": "\x00"}',
    "surrogate": b'{"a": "\\ud800"}',
    "surrogate_key": b'{"\\udfff": 1}',
    "duplicate_keys": b'{"a": 1, "a": 2}',
    "duplicate_keys_inside": b'{"a": {"b": 1, "b": 2}}',
    "deep_33": b"[" * 33 + b"]" * 33,
    "deep_objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "deep_900": b"[" * 900 + b"]" * 900,
    "deep_5000": b"[" * 5_000 + b"]" * 5_000,
    "deep_100000": b"[" * 100_000 + b"]" * 100_000,
    "many_keys": json.dumps({str(number): 1 for number in range(1_001)}).encode(),
    "utf_16": '{"a": 1}'.encode("utf-16"),
    "latin_1": '{"a": "é"}'.encode("latin-1"),
    "cut_utf_8": b'{"a": "\xc3',
    "trailing": b'{"a": 1} {"b": 2}',
    "byte_order_mark": b"\xef\xbb\xbf{}",
}


def cases(values: Mapping[str, object]) -> list[ParameterSet]:
    """Give each value as a parameter of a test, under its name."""
    return [pytest.param(value, id=name) for name, value in values.items()]
