"""What each kind takes and refuses, and that the real files pass."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from kernel.errors import FieldError
from tasks.kinds import registry
from tasks.kinds.lines import BadLine, LineReader

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FILES = {"clinicians-factuality": 1_000, "litigators-demonstration": 616, "writers-creative": 70}
REPLY = "It is 😀 safe.\nMostly."


def reader(kind: str) -> LineReader:
    return LineReader(registry.get(kind), overlap_min=2, overlap_max=3)


def spans(*found: dict[str, Any], verdict: str = "misleading", **more: Any) -> dict[str, Any]:
    return {
        "spans": [{"label": "invented", "evidence": "No such trial.", **span} for span in found],
        "verdict": verdict,
        **more,
    }


def codes(errors: list[FieldError]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in errors]


@pytest.mark.parametrize(("name", "lines"), FILES.items())
def test_every_line_of_the_real_files_can_be_posted(name: str, lines: int) -> None:
    path = DATA / f"{name}.ndjson"
    if not path.exists():
        pytest.skip("The folder of real inputs is not beside this repository.")
    reads = reader(name.rpartition("-")[2])

    read = [reads.read(line, number) for number, line in enumerate(path.read_bytes().splitlines(), 1)]

    assert len({line.external_id for line in read}) == lines


def test_a_line_takes_the_project_s_overlap_unless_it_says_its_own() -> None:
    reads = reader("creative")

    plain = reads.read(b'{"external_id": "a", "payload": {"brief": "Write."}}', 1)
    own = reads.read(b'{"external_id": "b", "payload": {"brief": "Write."}, "overlap": 3, "priority": -4}', 2)

    assert (plain.overlap, plain.priority, own.overlap, own.priority) == (2, 0, 3, -4)


def test_the_same_content_is_the_same_whatever_the_order_of_its_keys() -> None:
    reads = reader("creative")

    one = reads.read(b'{"external_id": "a", "payload": {"brief": "x", "length": {"max_words": 9}}, "tags": ["t"]}', 1)
    two = reads.read(b'{"tags": ["t"], "payload": {"length": {"max_words": 9}, "brief": "x"}, "external_id": "a"}', 2)

    assert one.content == two.content


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"external_id": "a", "payload": {"brief": "x", "brief": "y"}}', [("", "duplicate_key")]),
        (b'{"external_id": "a", "payload": {"brief": "x\\u0000"}}', [("/payload/brief", "unstorable")]),
        (
            b'{"external_id": "a", "payload": {"brief": "x"}, "metadata": {"n": 9007199254740993}}',
            [("/metadata/n", "integer_range")],
        ),
        (b'{"external_id": "a\\u202e", "payload": {"brief": "x"}}', [("/external_id", "hidden_characters")]),
        (b'{"external_id": "a", "payload": {"brief": ""}}', [("/payload/brief", "too_short")]),
        (b'{"external_id": "a", "payload": {"brief": "x", "a/b": 1}}', [("/payload/a~1b", "unknown_field")]),
        (b'{"external_id": "a", "payload": {"brief": "x"}, "overlap": 4}', [("/overlap", "too_large")]),
        (b'{"external_id": "a", "payload": {"brief": "x"}, "tags": ["t", "t"]}', [("/tags", "duplicate")]),
        (b'{"external_id": "a"}', [("/payload", "required")]),
        (
            b'{"external_id": "a", "payload": {"brief": "x", "length": {"min_words": 9, "max_words": 2}}}',
            [("/payload/length", "bounds_crossed")],
        ),
        (b'{"external_id": "a", "payload": {"brief": "x"}, "gold": {"piece": " "}}', [("/gold/piece", "required")]),
        (b"[]", [("/", "wrong_type")]),
        (b"{", [("", "json")]),
    ],
)
def test_a_bad_line_is_named_by_place_and_code(raw: bytes, expected: list[tuple[str, str]]) -> None:
    with pytest.raises(BadLine) as refusal:
        reader("creative").read(raw, 7)

    assert codes(refusal.value.errors) == expected
    assert refusal.value.number == 7


def test_an_error_never_repeats_the_content() -> None:
    errors = registry.get("creative").check_payload({"brief": ["CANARY-7391"], "CANARY": "CANARY-7391"})

    assert "CANARY-7391" not in str(errors)


def test_offsets_count_code_points() -> None:
    kind = registry.get("factuality")

    errors = kind.check_response({"response": REPLY}, spans({"start": 6, "end": 12, "text": "😀 safe"}))

    assert errors == []


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"start": 6, "end": 13, "text": "😀 safe"}, ("/spans/0/text", "mismatch")),
        ({"start": 6, "end": 6}, ("/spans/0/end", "empty_span")),
        ({"start": 9, "end": 6}, ("/spans/0/end", "empty_span")),
        ({"start": 0, "end": 99}, ("/spans/0/end", "outside")),
        ({"start": 2, "end": 3}, ("/spans/0", "empty_span")),
        ({"start": -1, "end": 3}, ("/spans/0/start", "too_small")),
        ({"start": 0, "end": 2, "label": "wrong"}, ("/spans/0/label", "unknown_value")),
        ({"start": 0, "end": 2, "evidence": " "}, ("/spans/0/evidence", "required")),
        ({"start": 0.5, "end": 2}, ("/spans/0/start", "wrong_type")),
    ],
)
def test_a_span_lies_inside_and_is_not_empty(span: dict[str, Any], expected: tuple[str, str]) -> None:
    errors = registry.get("factuality").check_response({"response": REPLY}, spans(span))

    assert codes(errors) == [expected]


def test_the_same_words_carry_a_label_once() -> None:
    twice = spans({"start": 0, "end": 2}, {"start": 0, "end": 2})

    errors = registry.get("factuality").check_response({"response": REPLY}, twice)

    assert codes(errors) == [("/spans/1", "duplicate")]


def test_who_cannot_assess_a_reply_says_why() -> None:
    kind = registry.get("factuality")

    silent = kind.check_response({"response": REPLY}, spans(verdict="cannot_assess"))
    said = kind.check_response(
        {"response": REPLY}, spans(verdict="cannot_assess", cannot_assess_reason="Not my field.")
    )

    assert (codes(silent), said) == ([("/cannot_assess_reason", "required")], [])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"answer": "one two three"}, []),
        ({"answer": "one"}, [("/answer", "too_few_words")]),
        ({"answer": "one two three four five"}, [("/answer", "too_many_words")]),
        ({"answer": "  "}, [("/answer", "required")]),
        ({"answer": "", "cannot_assess": True}, [("/cannot_assess_reason", "required")]),
        ({"answer": "", "cannot_assess": True, "cannot_assess_reason": "It has no answer."}, []),
        ({}, [("/answer", "required")]),
    ],
)
def test_a_demonstration_keeps_to_the_length(answer: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    payload = {"prompt": "?", "length": {"min_words": 2, "max_words": 4}}

    errors = registry.get("demonstration").check_response(payload, answer)

    assert codes(errors) == expected


def test_a_demonstration_cites_when_asked() -> None:
    kind, payload = registry.get("demonstration"), {"prompt": "?", "sources_required": True}

    without = kind.check_response(payload, {"answer": "Yes."})
    noted = kind.check_response(payload, {"answer": "Yes.", "citations": [{"note": "somewhere"}]})
    cited = kind.check_response(payload, {"answer": "Yes.", "citations": [{"citation": "Fed. R. Civ. P. 37(e)"}]})

    assert (codes(without), codes(noted), cited) == ([("/citations", "required")], [("/citations/0", "required")], [])


def test_a_creative_piece_is_attested() -> None:
    kind = registry.get("creative")

    assert codes(kind.check_attestations({})) == [("/attestations/original", "required")]
    assert codes(kind.check_attestations({"original": "yes"})) == [("/attestations/original", "required")]
    assert kind.check_attestations({"original": True}) == []
    assert codes(kind.check_response({"brief": "x", "length": {"min_words": 3}}, {"piece": "two words"})) == [
        ("/piece", "too_few_words")
    ]


def test_a_kind_is_found_by_name_only() -> None:
    assert registry.names() == ["factuality", "demonstration", "creative"]
    with pytest.raises(KeyError):
        registry.get("preference")


SIMPLE = {
    "factuality": {"prompt": "Is it safe?", "response": REPLY},
    "demonstration": {"prompt": "Is it safe?", "sources_required": True, "length": {"min_words": 200}},
    "creative": {"brief": "Write.", "length": {"min_words": 10, "max_words": 12}},
}
EXTREMES: list[tuple[str, dict[str, Any]]] = [
    *SIMPLE.items(),
    ("factuality", {"prompt": "Is it safe?", "response": " \n"}),
    ("creative", {"brief": "Write.", "length": {"max_words": 1}}),
    ("creative", {"brief": "Write.", "length": {"min_words": 0}}),
    ("creative", {"brief": "Write.", "length": {"min_words": 100_000, "max_words": 100_000}}),
]


@pytest.mark.parametrize(("name", "payload"), EXTREMES)
def test_a_simulated_answer_can_always_be_handed_in(name: str, payload: dict[str, Any]) -> None:
    kind = registry.get(name)
    assert kind.check_payload(payload) == []

    answers = [kind.simulate(payload, Random(seed)) for seed in range(20)]

    assert [kind.check_response(payload, answer) for answer in answers] == [[]] * 20


@pytest.mark.parametrize("name", registry.names())
def test_the_same_draws_give_the_same_answer_and_others_another(name: str) -> None:
    simulate, payload = registry.get(name).simulate, SIMPLE[name]

    answers = [str(simulate(payload, Random(seed))) for seed in range(20)]

    assert answers == [str(simulate(payload, Random(seed))) for seed in range(20)]
    assert len(set(answers)) > 10
