"""What a batch tells while it goes on: what is being posted, when it may be done, and that it drains."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from accounts.outbox import drain
from labs.models import Event
from tasks import lab_queries
from tasks.actions import ingest, publishing
from tasks.actions.claims import claim_next
from tasks.actions.posting import STAGED_BYTES, STAGED_LINES, Posting, numbered, weight_of
from tasks.errors import NothingToClaim
from tasks.models import Batch, IngestRun
from tasks.queries import Progress, batch_progress
from tests.labs.factories import NOW, ApiClient, make_client
from tests.tasks.factories import World, claim_for, hand_in, make_world, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(tasks=4, review_policy="none", reviewers=0)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def shown(lab: ApiClient, world: World) -> dict[str, Any]:
    return dict(lab.get(f"/batches/{world.batch.public_id}").json())


def line(number: int, **more: object) -> dict[str, object]:
    return {"external_id": f"n-{number}", "payload": {"prompt": "When?"}, **more}


def begin(world: World, mode: str = "partial") -> tuple[IngestRun, Posting]:
    run = ingest.open_ingest(world.batch, ingest_mode=mode, key="", by=world.owner, now=NOW)
    return run, Posting(world.batch, run)


def test_a_posting_under_way_shows_how_far_it_is(world: World, lab: ApiClient) -> None:
    run, posting = begin(world)
    chunks = posting.chunks([(1, b"{nonsense"), *((n, orjson.dumps(line(n))) for n in range(2, STAGED_LINES + 3))])

    ingest.stage_lines(run, next(chunks), posting.tally, now=NOW)
    during = shown(lab, world)
    for rows in chunks:
        ingest.stage_lines(run, rows, posting.tally, now=NOW)
    ingest.merge_ingest(run, posting.tally, by=world.owner, now=NOW)
    after = shown(lab, world)

    (posted,) = during["postings"]
    assert (posted["id"], posted["lines"], posted["rejected"]) == (run.public_id, STAGED_LINES + 1, 1)
    assert (posted["staged"], during["progress"]["created"]) == (STAGED_LINES - 1, 4)
    assert (after["postings"], after["progress"]["created"]) == ([], STAGED_LINES + 5)


def test_a_posting_of_bad_lines_alone_shows_how_far_it_is(world: World) -> None:
    _, posting = begin(world, "all_or_nothing")

    sizes = [(len(rows), posting.tally.lines) for rows in posting.chunks((n, b"{") for n in range(1, 12_002))]

    assert sizes == [(0, 5_001), (0, 10_001), (0, 12_001)]


@pytest.mark.parametrize(
    "heavy",
    [
        {"payload": {"prompt": "é" * 15_000}},
        {"tags": [f"{'é' * 195}{number}" for number in range(50)]},
        {"metadata": {"mine": [f"{number:08x}" for number in range(999)]}},
        {"external_id": "x" * 190},
    ],
)
def test_a_staging_transaction_holds_two_megabytes_whatever_is_heavy(world: World, heavy: dict[str, Any]) -> None:
    _, posting = begin(world)
    name = str(heavy.get("external_id", ""))
    rows = [{**line(number), **heavy, "external_id": f"{name}{number}"} for number in range(2_500)]

    chunks = list(posting.chunks(numbered(rows)))

    assert (sum(map(len, chunks)), posting.tally.rejected) == (2_500, 0)
    assert max(sum(map(weight_of, chunk)) for chunk in chunks) <= STAGED_BYTES
    assert max(sum(map(bytes_of, chunk)) for chunk in chunks) <= STAGED_BYTES


def bytes_of(row: tuple[Any, ...]) -> int:
    """Add up what a row has, by another way than the product."""
    return sum(len(value) if isinstance(value, bytes) else len(str(value).encode()) for value in row)


def test_the_last_answer_is_expected_at_the_pace_since_the_launch(world: World, lab: ApiClient) -> None:
    submitted(world, 600)
    at = NOW + timedelta(hours=2)

    finish = lab_queries.expected_finish(world.batch, batch_progress(world.batch), at)

    assert (finish.at, finish.reason) == (at + timedelta(hours=6), "")
    assert shown(lab, world)["expected_finish"]["reason"] == ""


def test_where_nobody_can_tell_the_end_the_reason_is_said(world: World, lab: ApiClient) -> None:
    none_in = shown(lab, world)["expected_finish"]
    publishing.pause_batch(world.batch, by=world.owner, now=NOW)
    paused = shown(lab, world)["expected_finish"]

    assert none_in == {"at": None, "reason": lab_queries.NONE_IN}
    assert paused == {"at": None, "reason": lab_queries.NOT_RUNNING}


def test_when_all_answers_are_in_none_is_expected() -> None:
    world = make_world(tasks=1)
    submitted(world, 60)

    finish = lab_queries.expected_finish(world.batch, batch_progress(world.batch), NOW)

    assert finish == lab_queries.Finish(None, lab_queries.ALL_IN)


def test_a_pace_that_leads_past_all_calendars_is_said_to_be_none(world: World) -> None:
    progress = Progress(created=10**6 + 1, open=10**6, claimed=0, submitted=1, accepted=0, void=0)

    finish = lab_queries.expected_finish(world.batch, progress, NOW + timedelta(days=3_000))

    assert finish == lab_queries.Finish(None, lab_queries.TOO_FAR)


def test_draining_is_told(world: World, lab: ApiClient) -> None:
    drained = lab.post(f"/batches/{world.batch.public_id}:drain").json()

    assert drained["state"] == "DRAINING"
    event = Event.objects.get(kind="batch.draining")
    assert event.data == {"batch": world.batch.public_id, "state": "DRAINING"}


def test_a_paused_batch_drains_and_its_work_is_handed_out_to_the_end(world: World) -> None:
    publishing.pause_batch(world.batch, by=world.owner, now=NOW)
    with pytest.raises(NothingToClaim):
        claim_next(world.cyd, now=NOW)

    publishing.drain_batch(world.batch, by=world.owner, now=NOW)
    for _ in range(4):
        hand_in(claim_for(world.cyd), world.cyd, now=NOW)

    with pytest.raises(ingest.BatchTakesNoTasks):
        begin(world)
    drain()
    assert Batch.objects.get(pk=world.batch.pk).state == "DRAINING"
    assert batch_progress(world.batch).submitted == 4
