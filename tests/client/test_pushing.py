"""Tasks are pushed in postings of bounded size; every bad line is named by its place in the source."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guildhall import BadLine, InvalidError, Pushed, TooMuch, lines, pushing
from tests.client.misbehaving import DROPPED, Reply, refuses, says, serving

TASK = {"external_id": "t-1", "payload": {"prompt": "Où est le phare ?"}}
LINE = '{"external_id":"t-1","payload":{"prompt":"Où est le phare ?"}}\n'.encode()


def posted(accepted: int = 0, *errors: dict[str, Any]) -> Reply:
    """Answer a posting."""
    return says({"accepted": accepted, "duplicates": 1, "rejected": len(errors), "errors": list(errors)})


def bad(line: int) -> dict[str, Any]:
    """Return an error of a line."""
    return {"line": line, "external_id": "", "code": "required", "pointer": "/payload", "detail": "Give one."}


@pytest.fixture
def two_lines_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make postings so small that a few lines take several."""
    monkeypatch.setattr(pushing, "CHUNK_LINES", 2)


FORMS = (
    "path",
    "text of a path",
    "packed",
    "file",
    "file of text",
    "no last break",
    "dictionaries",
    "generator",
    "text",
    "bytes",
)


def forms(folder: Path) -> dict[str, Any]:
    """Return one task in each form in which it may be given."""
    (folder / "one.ndjson").write_bytes(LINE)
    (folder / "one.ndjson.gz").write_bytes(gzip.compress(LINE))
    return {
        "path": folder / "one.ndjson",
        "text of a path": str(folder / "one.ndjson"),
        "packed": folder / "one.ndjson.gz",
        "file": io.BytesIO(LINE),
        "file of text": io.StringIO(LINE.decode()),
        "no last break": io.BytesIO(LINE.rstrip()),
        "dictionaries": [TASK],
        "generator": (task for task in [TASK]),
        "text": [LINE.decode()],
        "bytes": [LINE.rstrip()],
    }


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_source_is_the_same_line(tmp_path: Path, form: str) -> None:
    with serving(posted(1)) as site, site.client() as lab:
        pushed = lab.tasks.push("bat_1", forms(tmp_path)[form])

    (request,) = site.requests
    assert (request.method, request.path, request.query) == ("POST", "/batches/bat_1/tasks", {"mode": "partial"})
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.body == LINE
    assert pushed == Pushed("bat_1", lines=1, bytes_sent=len(LINE), accepted=1, duplicates=1)


@pytest.mark.usefixtures("two_lines_each")
def test_errors_carry_the_line_numbers_of_the_source() -> None:
    with serving(posted(1, bad(2)), posted(2), posted(0, bad(1))) as site, site.client() as lab:
        pushed = lab.tasks.push("bat_1", [TASK] * 5)

    assert [request.body for request in site.requests] == [LINE * 2, LINE * 2, LINE]
    assert (pushed.lines, pushed.accepted, pushed.duplicates, pushed.rejected) == (5, 3, 3, 2)
    assert [error["line"] for error in pushed.errors] == [2, 5]


@pytest.mark.usefixtures("two_lines_each")
def test_blank_lines_count_and_postings_of_them_alone_are_not_sent() -> None:
    source = io.BytesIO(b"\n\n" + LINE + b"\n" + b"\n" + LINE)
    with serving(posted(1), posted(0, bad(2))) as site, site.client() as lab:
        pushed = lab.tasks.push("bat_1", source)

    assert [request.body for request in site.requests] == [LINE + b"\n", b"\n" + LINE]
    assert [error["line"] for error in pushed.errors] == [6]


@pytest.mark.usefixtures("two_lines_each")
def test_a_posting_that_broke_in_the_middle_is_sent_again_byte_for_byte_under_its_key() -> None:
    broken = Reply(reads=20, is_silent=True)
    replies = [posted(2), broken, DROPPED, refuses(429, "rate_limited"), posted(2), posted(1)]
    with serving(*replies) as site, site.client() as lab:
        pushed = lab.tasks.push("bat_1", (dict(TASK, external_id=f"t-{n}") for n in range(5)), idempotency_key="n")

    second = [request for request in site.requests if request.key == "n-2"]
    assert [request.key for request in site.requests] == ["n-1", "n-2", "n-2", "n-2", "n-2", "n-3"]
    assert {request.body for request in second[1:]} == {second[-1].body}
    assert second[-1].body.startswith(second[0].body)
    assert [json.loads(line)["external_id"] for line in second[-1].body.splitlines()] == ["t-2", "t-3"]
    assert pushed.accepted == 5


@pytest.mark.usefixtures("two_lines_each")
def test_the_same_source_under_the_same_key_is_cut_and_named_the_same() -> None:
    sent = []
    for _ in range(2):
        with serving(posted(1)) as site, site.client() as lab:
            lab.tasks.push("bat_1", [TASK] * 3, idempotency_key="nightly")
        sent.append([(request.key, request.body) for request in site.requests])

    assert sent[0] == sent[1] == [("nightly-1", LINE * 2), ("nightly-2", LINE)]


@pytest.mark.usefixtures("two_lines_each")
def test_sums_are_told_after_each_posting() -> None:
    told: list[tuple[int, int, int]] = []
    with serving(posted(2), posted(1)) as site, site.client() as lab:
        lab.tasks.push(
            "bat_1", [TASK] * 3, on_posting=lambda sums: told.append((sums.lines, sums.bytes_sent, sums.accepted))
        )

    assert told == [(2, 2 * len(LINE), 2), (3, 3 * len(LINE), 3)]


@pytest.mark.usefixtures("two_lines_each")
def test_what_is_stored_whole_or_not_at_all_is_one_posting() -> None:
    refusal = refuses(422, "lines_not_valid", errors=[bad(3)])
    with serving(refusal) as site, site.client() as lab, pytest.raises(InvalidError) as raised:
        lab.tasks.push("bat_1", [TASK] * 5, mode="all_or_nothing")

    (request,) = site.requests
    assert (request.body, request.query) == (LINE * 5, {"mode": "all_or_nothing"})
    assert raised.value.errors == [bad(3)]


def test_more_than_one_posting_holds_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "WHOLE_LINES", 2)
    with serving(posted(1)) as site, site.client() as lab, pytest.raises(TooMuch, match="Nothing was sent"):
        lab.tasks.push("bat_1", [TASK] * 3, mode="all_or_nothing")

    assert site.requests == []


def test_postings_are_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "CHUNK_BYTES", 2 * len(LINE))
    with serving(posted(1)) as site, site.client() as lab:
        lab.tasks.push("bat_1", [TASK] * 5)

    assert [request.body for request in site.requests] == [LINE * 2, LINE * 2, LINE]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"payload": {1, 2}}, "Task 2 cannot be written as JSON"),
        ({"payload": float("nan")}, "Task 2 cannot be written as JSON"),
        ({"payload": "\ud800"}, "Task 2 cannot be written as JSON"),
        ("{}\n{}", "Task 2 is text of several lines"),
    ],
    ids=["set", "nan", "half a character", "two lines"],
)
def test_what_is_no_line_is_named_by_its_number(item: Any, why: str) -> None:
    with serving(posted(1)) as site, site.client() as lab, pytest.raises(BadLine, match=why):
        lab.tasks.push("bat_1", [TASK, item])

    assert site.requests == []


def test_of_a_line_without_end_no_more_is_read_than_shows_it() -> None:
    source = io.BytesIO(LINE + b"x" * 30_000_000 + b"\n" + LINE)

    tracemalloc.start()
    sizes = [len(line) for line in lines.lines_of(source)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sizes == [len(LINE), lines.MOST_LINE_BYTES + 3, len(LINE)]
    assert most < 10_000_000


def test_memory_stays_flat_however_many_tasks_come() -> None:
    def endless(count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield {"external_id": f"t-{number}", "payload": {"prompt": "x" * 2_000}}

    def drawn(count: int) -> int:
        tracemalloc.start()
        chunks = lines.chunks_of(lines.lines_of(endless(count)), most_lines=500, most_bytes=pushing.CHUNK_BYTES)
        assert sum(chunk.lines for chunk in chunks) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = drawn(1_000), drawn(8_000)

    assert many < few * 1.2
