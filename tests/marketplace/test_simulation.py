"""Test batches are done by themselves: as drawn from the seed, through the doors of the ledger, and no further."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from django.db.models import Sum

from accounts.models import Mail, Notification, OutboxItem
from accounts.outbox import drain
from kernel.db import app_now
from kernel.money import Money
from kernel.sealing import open_sealed
from marketplace.simulation import people
from payments.checks import breaches
from payments.models import Payee, PayLine
from tasks.actions import claims, ingest, posting, publishing, reviews, routes, simulating, submissions, timing
from tasks.content import response_of
from tasks.models import Batch, Claim, Offer, Review, Segment, Submission
from tasks.queries import batch_progress
from tests.tasks.play import BUDGET_MINOR, Play, make_play

pytestmark = pytest.mark.django_db(transaction=True)

GOLD = {"answer": "Twelve hours after the last dose."}
ACCEPTED = {"seed": 7, "accept_bps": 10_000, "return_bps": 0, "reject_bps": 0, "gold_fail_bps": 0, "disagree_bps": 0}
EVENLY = {"seed": 7, "accept_bps": 4_000, "return_bps": 2_500, "reject_bps": 2_000, "gold_fail_bps": 5_000}


def post(
    play: Play, tasks: int = 12, *, gold: int = 0, simulation: dict[str, int] = EVENLY, is_drained: bool = True
) -> Batch:
    """Post a batch, launch it, and take no more tasks."""
    now = app_now()
    lines: list[dict[str, Any]] = [
        {"external_id": f"t-{number}", "payload": {"prompt": f"When is level {number} taken?"}}
        for number in range(tasks)
    ]
    for line in lines[:gold]:
        line["gold"] = GOLD
    values = {"name": "Trial", "simulation": simulation}
    batch = posting.create_batch_with_tasks(play.project, values, lines, by=play.owner, now=now)
    publishing.launch_batch(batch, by=play.owner, now=now)
    return publishing.drain_batch(batch, by=play.owner, now=now) if is_drained else batch


def finish() -> None:
    """Do what the workers would."""
    drain(100)


def decisions(batch: Batch) -> list[tuple[str, int, int, str, str]]:
    """Return every decision on a batch, by the task and not by who did it."""
    rows = Review.objects.filter(submission__claim__batch=batch).values_list(
        "submission__claim__task__external_id",
        "submission__claim__slot__number",
        "submission__version",
        "decision",
        "category",
    )
    return sorted(rows)


def answers(batch: Batch) -> dict[tuple[str, int, int], str]:
    """Return the text of every answer, by its task, its number and its version."""
    found = {}
    for row in Submission.objects.filter(claim__batch=batch).select_related(
        "claim__task", "claim__slot", "claim__project"
    ):
        opened = orjson.loads(open_sealed(response_of(row, row.claim.project)))
        found[row.claim.task.external_id, row.claim.slot.number, row.version] = opened["answer"]
    return found


def test_a_batch_is_done_by_itself_and_the_books_are_right() -> None:
    play = make_play()

    batch = post(play, 30, gold=6)
    finish()

    batch.refresh_from_db()
    assert (batch.state, batch.settled_at is not None) == ("COMPLETED", True)
    assert batch_progress(batch).accepted == 30
    said = Counter(decision for *_, decision, _ in decisions(batch))
    assert set(said) == {"ACCEPT", "FIX", "RETURN", "REJECT"}
    paid = PayLine.objects.aggregate(total=Sum("amount_minor"))["total"]
    assert paid > 0
    assert breaches() == []


def test_the_same_seed_and_posting_give_the_same_decisions_and_answers() -> None:
    play = make_play()
    first, second = (post(play, gold=3, simulation=EVENLY) for _ in range(2))

    finish()

    assert decisions(first) == decisions(second)
    assert len(decisions(first)) > 12
    assert answers(first) == answers(second)


def test_another_seed_gives_other_decisions() -> None:
    play = make_play()
    batches = [post(play, simulation={**EVENLY, "seed": seed}) for seed in (1, 2)]

    finish()

    assert decisions(batches[0]) != decisions(batches[1])


@pytest.mark.parametrize(("bps", "wrong"), [(0, 0), (10_000, 8)])
def test_gold_is_answered_wrong_as_often_as_asked(bps: int, wrong: int) -> None:
    batch = post(make_play(), 8, gold=8, simulation={**ACCEPTED, "gold_fail_bps": bps})

    finish()

    assert [answer == GOLD["answer"] for answer in answers(batch).values()].count(False) == wrong


@pytest.mark.parametrize(("bps", "distinct"), [(0, {1}), (10_000, {3})])
def test_answers_to_a_task_differ_as_often_as_asked(bps: int, distinct: set[int]) -> None:
    play = make_play(overlap_min=3, overlap_max=3)
    batch = post(play, 4, simulation={**ACCEPTED, "disagree_bps": bps})

    finish()

    by_task: dict[str, set[str]] = {}
    for (task, _, _), answer in answers(batch).items():
        by_task.setdefault(task, set()).add(answer)
    assert {len(found) for found in by_task.values()} == distinct
    assert batch_progress(batch).accepted == 12


def test_seats_are_taken_and_the_agreement_is_signed_first() -> None:
    play = make_play(assignment="seats")
    batch = post(play, simulation=ACCEPTED)

    finish()

    seats = Offer.objects.filter(
        batch=batch, expert__in=Claim.objects.filter(batch=batch, kind="work").values("expert")
    )
    assert set(seats.values_list("state", flat=True)) == {"EXHAUSTED"}
    at_work = Claim.objects.filter(batch=batch).values_list("expert__user", flat=True)
    assert set(at_work) <= set(play.version.signatures.filter(state="LIVE").values_list("user", flat=True))


def test_whatever_a_test_project_asks_for_somebody_has_it() -> None:
    asked = {"languages": ["fi"], "countries": ["FI"], "credential_classes": ["degree"], "jurisdictions_barred": ["US"]}
    batch = post(make_play(tier_min=5, tier_max=5, review_layers=3, **asked), 3, simulation=ACCEPTED)

    finish()

    assert batch_progress(batch).accepted == 3


def test_a_task_of_twenty_answers_is_done_though_all_that_may_be_are_rejected() -> None:
    play = make_play(overlap_min=20, overlap_max=20, assignment="seats")
    batch = post(play, 1, simulation={**ACCEPTED, "accept_bps": 0, "reject_bps": 10_000})

    finish()

    assert (batch_progress(batch).accepted, Claim.objects.filter(state="REJECTED").count()) == (20, 4)


def test_time_is_plausible_and_counts_in_no_real_week() -> None:
    play = make_play()
    began = app_now()
    batch = post(play, simulation=ACCEPTED)

    finish()

    seconds = [row.active_seconds for row in Submission.objects.filter(claim__batch=batch)]
    assert min(seconds) >= 0.4 * 600 - 1
    assert max(seconds) <= 1.1 * 600 + 1
    assert sum(seconds) > (app_now() - began).total_seconds()
    assert {segment.during.upper.year for segment in Segment.objects.all()} == {1001}
    assert {claim.submitted_at >= began for claim in Claim.objects.all()} == {True}


def test_work_that_nobody_reviews_is_accepted_as_soon_as_its_window_is_over() -> None:
    play = make_play(review_policy="none")
    at_once = post(play, 2, simulation=ACCEPTED)
    later = post(play, 2, simulation={**ACCEPTED, "accept_after_seconds": 600})

    finish()

    assert (batch_progress(at_once).accepted, batch_progress(later).submitted) == (2, 2)


def test_a_paused_batch_stops_and_goes_on() -> None:
    play = make_play()
    batch = post(play, 6, simulation=ACCEPTED, is_drained=False)
    publishing.pause_batch(batch, by=play.owner, now=app_now())
    finish()
    assert batch_progress(batch).open == 6

    publishing.resume_batch(batch, by=play.owner, now=app_now())
    finish()

    assert batch_progress(batch).accepted == 6


def test_a_cancelled_batch_stops_and_is_settled() -> None:
    play = make_play()
    batch = post(play, 6, simulation=ACCEPTED)
    publishing.cancel_batch(batch, by=play.owner, now=app_now())

    finish()

    batch.refresh_from_db()
    assert (batch_progress(batch).void, batch.settled_at is not None) == (6, True)


def test_tasks_posted_to_a_running_batch_are_done_too() -> None:
    play = make_play()
    batch = post(play, 2, simulation=ACCEPTED, is_drained=False)
    finish()

    run = ingest.open_ingest(batch, ingest_mode="partial", key="", by=play.owner, now=app_now())
    posting_now = posting.Posting(batch, run)
    (rows,) = posting_now.chunks([(1, b'{"external_id": "late", "payload": {"prompt": "And then?"}}')])
    ingest.stage_lines(run, rows, posting_now.tally, now=app_now())
    ingest.merge_ingest(run, posting_now.tally, by=play.owner, now=app_now())
    finish()

    assert batch_progress(batch).accepted == 3


def test_a_batch_without_budget_waits_for_money_and_asks_nobody_meanwhile() -> None:
    play = make_play()
    all_of_it = Money(BUDGET_MINOR - 100, "XTS")
    publishing.deallocate_budget(play.project, all_of_it, by=play.owner, now=app_now())
    batch = post(play, 2, simulation=ACCEPTED)
    finish()
    assert (batch_progress(batch).open, OutboxItem.objects.filter(done_at=None).count()) == (2, 0)

    publishing.allocate_budget(play.project, all_of_it, by=play.owner, now=app_now())
    finish()

    assert batch_progress(batch).accepted == 2


def test_a_claim_that_a_dead_worker_left_is_handed_in() -> None:
    play = make_play(assignment="open")
    batch = post(play, 3, simulation=ACCEPTED)
    routes.compute_eligibility(play.project, now=app_now())
    workers = people.staff(batch, app_now()).workers
    left = claims.claim_next(workers[0], batch=batch, now=app_now())
    timing.take_over(left.pk, expert=workers[0], session="dead", now=simulating.pass_time(workers[0], 60))

    finish()

    left.refresh_from_db()
    assert (left.state, batch_progress(batch).accepted) == ("ACCEPTED", 3)


def test_one_at_a_time_plays_a_batch_and_one_looks_again_however_many_ask() -> None:
    batch = post(make_play(), 1, simulation=ACCEPTED)
    now = app_now()
    turn = simulating.take_turn(batch.pk, now=now)
    assert turn is not None

    others = [simulating.take_turn(batch.pk, now=now) for _ in range(5)]

    assert others == [None] * 5
    assert OutboxItem.objects.filter(kind=simulating.JOB, run_after__gt=now).count() == 1
    simulating.end_turn(turn)
    assert simulating.take_turn(batch.pk, now=now) is not None


def test_nobody_simulated_is_written_to_and_no_payee_is_asked_for() -> None:
    post(make_play(), 4)

    finish()

    assert (Mail.objects.count(), Notification.objects.count(), Payee.objects.count()) == (0, 0, 0)


def test_open_work_that_nobody_came_for_is_looked_at_again() -> None:
    play = make_play()
    batch = post(play, 2, simulation=ACCEPTED)
    OutboxItem.objects.all().delete()  # As a job that died five times is: nobody does it any more.

    looked_at = simulating.ask_for_left_behind(app_now())
    finish()

    assert (looked_at, batch_progress(batch).accepted) == (1, 2)
    assert simulating.ask_for_left_behind(app_now()) == 0


def test_what_the_lab_itself_rejects_is_done_anew_by_somebody_else() -> None:
    play = make_play(review_policy="none")
    batch = post(play, 1, simulation={**ACCEPTED, "accept_after_seconds": 600})
    finish()
    first = Submission.objects.select_related("claim").get(claim__batch=batch)

    reviews.lab_reject(
        first, by=play.owner, category="off_task", notes="It answers another question. " * 5, now=app_now()
    )
    finish()

    second = Submission.objects.select_related("claim").get(claim__batch=batch, claim__state="SUBMITTED")
    assert second.claim.expert_id != first.claim.expert_id


def test_of_a_sample_those_not_drawn_are_accepted_without_a_review() -> None:
    batch = post(make_play(review_policy="sampled", review_share_bps=5_000), 20, simulation=ACCEPTED)

    finish()

    assert batch_progress(batch).accepted == 20
    assert 0 < len(decisions(batch)) < 20


def test_a_review_that_nobody_came_for_is_looked_at_again_though_the_batch_is_paused() -> None:
    play = make_play(assignment="open")
    batch = post(play, 2, simulation=ACCEPTED, is_drained=False)
    routes.compute_eligibility(play.project, now=app_now())
    worker = people.staff(batch, app_now()).workers[0]
    claim = claims.claim_next(worker, batch=batch, now=app_now())
    submissions.submit(claim.pk, expert=worker, fence=1, response=GOLD, attestations={}, now=app_now())
    publishing.pause_batch(batch, by=play.owner, now=app_now())
    OutboxItem.objects.all().delete()

    looked_at = simulating.ask_for_left_behind(app_now())
    finish()

    progress = batch_progress(batch)
    assert (looked_at, progress.accepted, progress.open) == (1, 1, 1)
