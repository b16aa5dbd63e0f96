"""Postings that are broken, endless, packed or mislabelled: told what is wrong, and nothing of them half there."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import Any

import orjson
import pytest
from django.test import RequestFactory

from labs.models import IdempotencyRecord
from tasks.actions import publishing
from tasks.api.bodies import CHUNK_BYTES, MAX_BODY_BYTES, BodyLines
from tasks.models import Batch, IngestRun, Slot, StagedLine, Task, TaskTag
from tests.labs.factories import API, NOW, ApiClient, make_client
from tests.tasks.factories import World, make_world

pytestmark = pytest.mark.django_db
NDJSON = "application/x-ndjson"
NOTHING = (0, 0, 0, 0, 0, 0)
GOOD = b'{"external_id": "%d", "payload": {"prompt": "When?"}}\n'


class Stream:
    """A body that repeats itself and counts how much of it was read."""

    def __init__(self, piece: bytes, most: int) -> None:
        self.piece, self.left, self.given = piece, most, 0

    def read(self, size: int = -1) -> bytes:
        """Return the next piece."""
        part = self.piece[: min(size, self.left)] if size >= 0 else self.piece
        self.left -= len(part)
        self.given += len(part)
        return part

    readline = read  # Looked for by the server's frame, and never called.


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def batch(world: World) -> Batch:
    return publishing.create_batch(world.project, name="Second", by=world.owner, now=NOW)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def post(lab: ApiClient, batch: Batch, raw: bytes, *, mode: str = "partial", kind: str = NDJSON, **extra: Any) -> Any:
    return lab.client.generic(
        "POST",
        f"{API}/batches/{batch.public_id}/tasks?mode={mode}",
        raw,
        content_type=kind,
        HTTP_AUTHORIZATION=f"Bearer {lab.text}",
        HTTP_IDEMPOTENCY_KEY="nightly",
        **extra,
    )


def stream(lab: ApiClient, batch: Batch, body: Stream, **headers: Any) -> Any:
    """Post a body in chunks, without saying how long it is, as the server hands it over."""
    frame = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "", "CONTENT_TYPE": NDJSON}
    return post(lab, batch, b"", **{**frame, **headers})


def left_of(batch: Batch) -> tuple[int, ...]:
    """Count all that a posting writes."""
    return (
        Task.objects.filter(batch=batch).count(),
        TaskTag.objects.filter(batch=batch).count(),
        Slot.objects.filter(batch=batch).count(),
        StagedLine.objects.count(),
        IngestRun.objects.filter(batch=batch).count(),
        IdempotencyRecord.objects.filter(done_at__isnull=False).count(),
    )


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def lines_broken_at(place: int, most: int = 100_000) -> bytes:
    rows = [GOOD % number for number in range(1, most + 1)]
    rows[place - 1] = b'{"external_id": "broken", "payload": {"prompt"\n'
    return b"".join(rows)


def test_of_a_hundred_thousand_lines_the_one_broken_near_the_end_is_named_and_left_out(
    lab: ApiClient, batch: Batch
) -> None:
    body = post(lab, batch, lines_broken_at(99_999)).json()

    assert (body["lines"], body["accepted"], body["rejected"]) == (100_000, 99_999, 1)
    assert [(error["line"], error["code"]) for error in body["errors"]] == [(99_999, "json")]
    assert left_of(batch) == (99_999, 0, 99_999, 0, 1, 1)


def test_a_line_broken_near_the_end_leaves_nothing_of_a_hundred_thousand_where_all_are_wanted(
    lab: ApiClient, batch: Batch
) -> None:
    answer = post(lab, batch, lines_broken_at(99_999), mode="all_or_nothing")

    assert error_of(answer) == (422, "lines_not_valid")
    assert [error["line"] for error in answer.json()["errors"]] == [99_999]
    assert left_of(batch) == NOTHING


CUT = '{"external_id": "cut", "payload": {"prompt": "Où?"}}'.encode().partition(b"\xb9")[0]


@pytest.mark.parametrize(
    ("raw", "line", "accepted"),
    [
        (GOOD % 1 + CUT + b"\n" + GOOD % 3, 2, 2),
        (GOOD % 1 + CUT + b'"}}\n' + GOOD % 3, 2, 2),
        (GOOD % 1 + GOOD % 2 + CUT, 3, 2),
    ],
    ids=["cut off in the middle", "a letter cut in two", "cut off at the end"],
)
def test_a_letter_cut_in_two_spoils_its_own_line(
    lab: ApiClient, batch: Batch, raw: bytes, line: int, accepted: int
) -> None:
    whole = post(lab, batch, raw, mode="all_or_nothing")
    nothing = left_of(batch)
    partial = post(lab, batch, raw).json()

    assert (error_of(whole), nothing) == ((422, "lines_not_valid"), NOTHING)
    assert (partial["accepted"], [error["line"] for error in partial["errors"]]) == (accepted, [line])


def test_a_body_that_never_ends_is_read_no_further_than_the_limit(lab: ApiClient, batch: Batch) -> None:
    body = Stream(b"x" * CHUNK_BYTES, 600 * 1024**2)

    answer = stream(lab, batch, body)

    assert error_of(answer) == (413, "too_large")
    assert MAX_BODY_BYTES < body.given <= MAX_BODY_BYTES + CHUNK_BYTES
    assert left_of(batch) == NOTHING


class Watched(Stream):
    """A body during which its batch is looked at again and again."""

    def __init__(self, lab: ApiClient, batch: Batch, piece: bytes, most: int) -> None:
        super().__init__(piece, most)
        self.lab, self.path = lab, f"/batches/{batch.public_id}"
        self.seen: list[tuple[int, int]] = []

    def read(self, size: int = -1) -> bytes:
        """Look at the batch, then return the next piece."""
        (posting,) = self.lab.get(self.path).json()["postings"]
        self.seen.append((posting["lines"], posting["staged"]))
        return super().read(size)


@pytest.mark.django_db(transaction=True)
def test_its_batch_shows_how_far_a_posting_is_while_its_body_comes_in(lab: ApiClient, batch: Batch) -> None:
    piece = b"".join(GOOD % number for number in range(4_000))
    body = Watched(make_client(batch.lab), batch, piece, 3 * len(piece))

    answer = stream(lab, batch, body)

    assert answer.json()["duplicates"] == 8_000
    assert body.seen == [(0, 0), (0, 0), (5_001, 5_000), (10_001, 10_000)]
    assert make_client(batch.lab).get(body.path).json()["postings"] == []


def test_good_lines_before_the_limit_are_gone_as_well(
    lab: ApiClient, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.api.bodies.MAX_BODY_BYTES", 3 * 1024**2)
    body = Stream((GOOD % 1)[:-1].ljust(1_023) + b"\n", 600 * 1024**2)

    answer = stream(lab, batch, body)

    assert error_of(answer) == (413, "too_large")
    assert left_of(batch) == NOTHING


def test_a_body_announced_too_large_is_not_read_at_all(lab: ApiClient, batch: Batch) -> None:
    body = Stream(b"x" * CHUNK_BYTES, 600 * 1024**2)

    answer = stream(lab, batch, body, CONTENT_LENGTH=str(600 * 1024**2))

    assert (error_of(answer), body.given) == ((413, "too_large"), 0)
    assert left_of(batch) == NOTHING


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_a_packed_body_is_refused_before_it_is_read(lab: ApiClient, batch: Batch, encoding: str) -> None:
    body = Stream(gzip.compress(b"\0" * 10_000_000), 10_000)

    answer = stream(lab, batch, body, HTTP_CONTENT_ENCODING=encoding)

    assert (error_of(answer), body.given) == ((415, "wrong_content_type"), 0)
    assert left_of(batch) == NOTHING


def test_a_packed_body_that_says_it_is_plain_is_never_unpacked(lab: ApiClient, batch: Batch) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)

    answer = post(lab, batch, bomb, mode="all_or_nothing")

    assert len(bomb) < 1_000_000
    assert error_of(answer) == (422, "lines_not_valid")
    assert left_of(batch) == NOTHING


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may(lab: ApiClient) -> None:
    body = Stream(b"x" * CHUNK_BYTES, 200 * 1024**2)
    extra: dict[str, Any] = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    request = RequestFactory().generic("POST", "/", **extra)

    tracemalloc.start()
    lines = list(BodyLines(request, on_chunk=lambda: None, is_hashed=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (lines, body.left) == ([(1, None)], 0)
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-ndjson; charset=latin-1",
        "application/json; charset=utf-16",
        "application/jsonl",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
    ],
)
def test_a_body_of_another_type_is_refused_before_it_is_read(lab: ApiClient, batch: Batch, kind: str) -> None:
    body = Stream(GOOD % 1, 10_000)

    answer = stream(lab, batch, body, CONTENT_TYPE=kind)

    assert (error_of(answer), body.given) == ((415, "wrong_content_type"), 0)
    assert left_of(batch) == NOTHING


@pytest.mark.parametrize(
    "kind", [NDJSON, "Application/X-NDJSON; charset=UTF-8", 'application/x-ndjson; charset="utf-8"']
)
def test_the_key_of_a_refused_posting_is_free_for_the_mended_one(lab: ApiClient, batch: Batch, kind: str) -> None:
    post(lab, batch, GOOD % 1, kind="text/plain")
    post(lab, batch, CUT, mode="all_or_nothing")

    mended = post(lab, batch, orjson.dumps({"external_id": "1", "payload": {"prompt": "When?"}}), kind=kind)

    assert (mended.status_code, mended.json()["accepted"]) == (200, 1)
