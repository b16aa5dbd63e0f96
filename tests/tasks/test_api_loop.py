"""A lab's whole way through the API: from an agreement to a file, with one expert's work in between."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import orjson
import pytest

from accounts.outbox import drain
from agreements.models import AgreementVersion, ContentAccess
from experts.pseudonyms import pseudonym
from kernel.db import app_now
from kernel.ids import decode_id
from labs.models import Event
from tasks.actions import reviews, routes
from tasks.models import Batch, Project, Task
from tests.labs.factories import ApiClient, feed, make_client, ok
from tests.tasks.factories import (
    NOW,
    World,
    claim_for,
    fund,
    hand_in,
    make_lab,
    make_world,
    publish_version,
    sign,
    submitted,
    work,
)

pytestmark = pytest.mark.django_db

PROJECT = {
    "name": "Bedside",
    "code_name": "Saltmarsh",
    "kind": "demonstration",
    "domain": "psychiatry",
    "tier_min": 3,
    "expected_seconds": 600,
}
NOTES = "The advice on lithium levels names the wrong hour, and its own correction contradicts that afterwards, twice."


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def project_by_api(world: World, lab: ApiClient, **changes: object) -> dict[str, Any]:
    values = {**PROJECT, "agreement": world.project.agreement.public_id, **changes}
    return dict(ok(lab.post("/projects", values), 201))


def test_a_project_is_made_with_what_follows_from_it(world: World, lab: ApiClient) -> None:
    made = project_by_api(world, lab)

    assert (made["state"], made["mode"], made["tier_max"], made["cap_seconds"]) == ("DRAFT", "live", 3, 1_200)
    assert (made["review_cap_seconds"], made["currency"], made["overlap_max"]) == (400, "USD", 1)
    assert ok(lab.get(f"/projects/{made['id']}")) == made


def test_launch_lists_all_that_is_missing(world: World, lab: ApiClient) -> None:
    agreement = ok(lab.post("/agreements", {"title": "NDA", "code_name": "Heron"}), 201)["id"]
    made = project_by_api(world, lab, agreement=agreement, domain="oncology", tier_min=5)

    answer = lab.post(f"/projects/{made['id']}:launch")

    assert (answer.status_code, answer.json()["code"]) == (409, "launch_refused")
    assert [error["code"] for error in answer.json()["errors"]] == [
        "no_rate",
        "no_published_agreement",
        "no_budget",
        "no_reviewers",
    ]


def test_a_lab_sees_who_signed_by_pseudonym_and_how_many(world: World, lab: ApiClient) -> None:
    path = f"/agreements/{world.project.agreement.public_id}"
    publish_version(world.version.agreement_id)

    shown = ok(lab.get(path))
    signers = ok(lab.get(f"{path}/signers"))["data"]

    everybody = [*world.experts, *world.reviewers]
    assert shown["signers"] == {"in_force": len(everybody), "of_newest": 0}
    assert {row["expert"] for row in signers} == {pseudonym(world.version.agreement_id, one.pk) for one in everybody}
    assert {(row["version"], row["state"]) for row in signers} == {(1, "LIVE")}


def test_from_agreement_to_file(world: World, lab: ApiClient) -> None:
    agreement = ok(lab.post("/agreements", {"title": "NDA", "code_name": "Heron"}), 201)["id"]
    version = ok(lab.post(f"/agreements/{agreement}/versions", {"text": "# NDA\n\nKeep it secret."}), 201)
    ok(lab.post(f"/agreements/{agreement}/versions/{version['id']}:publish"))
    project = project_by_api(world, lab, agreement=agreement, assignment="open")
    ok(lab.post(f"/projects/{project['id']}/guidelines", {"text": "# Rules\n\nBe exact."}), 201)
    row = Project.objects.get(pk=decode_id("prj", project["id"]))
    fund(world.lab, row, 50_000_00, by=world.owner, now=app_now())
    assert ok(lab.post(f"/projects/{project['id']}:launch"))["state"] == "LIVE"
    batch = ok(
        lab.post(
            f"/projects/{project['id']}/batches",
            {"name": "Night shift", "tasks": [
                {"external_id": "t-1", "payload": {"prompt": "When are levels taken?"}, "tags": ["dose"],
                 "metadata": {"mine": [1, 2]}},
            ]},
        ),
        201,
    )  # fmt: skip
    assert (batch["state"], batch["progress"]["open"]) == ("STAGED", 1)
    assert ok(lab.post(f"/batches/{batch['id']}:launch"))["state"] == "RUNNING"
    Batch.objects.filter(pk=world.batch.pk).update(state="PAUSED")
    now = app_now().replace(microsecond=0)
    sign(AgreementVersion.objects.get(agreement=row.agreement_id), [world.cyd], now=now)
    routes.compute_eligibility(row, now=now)

    claim = claim_for(world.cyd, now=now)
    done = work(claim, world.cyd, 600, since=now)
    hand_in(claim, world.cyd, now=done)

    listed = ok(lab.get("/submissions", batch=batch["id"], expand="response"))["data"]
    assert (listed[0]["external_id"], listed[0]["state"], listed[0]["provenance"]["tier"]) == ("t-1", "SUBMITTED", 3)
    assert listed[0]["response"]["answer"].startswith("Twelve hours")
    accepted = ok(lab.post(f"/submissions/{listed[0]['id']}:accept"))
    assert (accepted["state"], [stage["by"] for stage in accepted["stages"]]) == ("ACCEPTED", ["lab"])
    figures = ok(lab.get(f"/batches/{batch['id']}"))
    assert (figures["progress"]["accepted"], figures["cost"]) == (
        1,
        {"currency": "USD", "pay_minor": 30_00, "fee_minor": 6_00},
    )

    export = ok(lab.post("/exports", {"batch": batch["id"], "shape": "sft"}), 202)
    assert lab.get(f"/exports/{export['id']}/download").status_code == 409
    drain()
    ready = ok(lab.get(f"/exports/{export['id']}"))
    download = lab.get(f"/exports/{export['id']}/download")
    body = b"".join(download.streaming_content)
    assert (ready["state"], ready["rows"], ready["schema_id"]) == ("READY", 1, "guildhall.sft-messages.v1")
    assert (len(body), hashlib.sha256(body).hexdigest()) == (ready["size_bytes"], ready["sha256"])
    (exported,) = [orjson.loads(line) for line in body.splitlines()]
    assert [message["role"] for message in exported["messages"]] == ["user", "assistant"]
    assert (exported["external_id"], exported["metadata"], exported["tags"]) == ("t-1", {"mine": [1, 2]}, ["dose"])
    assert exported["provenance"]["guideline_version"] == 1
    assert "gold" not in str(exported)


def test_opening_by_api_writes_one_access_row(world: World, lab: ApiClient) -> None:
    task = Task.objects.get(batch=world.batch)

    closed = ok(lab.get(f"/tasks/{task.public_id}"))
    before = ContentAccess.objects.count()
    opened = ok(lab.get(f"/tasks/{task.public_id}", expand="payload"))

    assert ("payload" in closed, before) == (False, 0)
    assert opened["payload"]["prompt"].startswith("Explain")
    assert ContentAccess.objects.filter(subject=task.public_id, purpose="api").count() == 1


def test_rejecting_takes_a_category_and_a_hundred_characters(world: World, lab: ApiClient) -> None:
    submission = submitted(world)
    path = f"/submissions/{submission.public_id}:reject"

    bare = lab.post(path, {"category": "incorrect", "notes": "No."})
    done = lab.post(path, {"category": "incorrect", "notes": NOTES})
    again = lab.post(path, {"category": "incorrect", "notes": NOTES})

    assert [error["pointer"] for error in bare.json()["errors"]] == ["/notes"]
    assert (ok(done)["state"], ok(done)["stages"][0]["category"]) == ("REJECTED", "incorrect")
    assert again.status_code == 409


def test_fixing_puts_the_lab_s_answer_in_the_export(world: World, lab: ApiClient) -> None:
    submission = submitted(world)

    wrong = lab.post(f"/submissions/{submission.public_id}:fix", {"response": {"answer": ""}})
    ok(lab.post(f"/submissions/{submission.public_id}:fix", {"response": {"answer": "At twelve hours."}}))

    export = ok(lab.post("/exports", {"project": world.project.public_id, "shape": "canonical"}), 202)
    drain()
    row = orjson.loads(b"".join(lab.get(f"/exports/{export['id']}/download").streaming_content))
    assert wrong.status_code == 422
    assert row["response"] == {"answer": "At twelve hours."}
    assert row["original_response"]["answer"].startswith("Twelve hours")
    assert [stage["decision"] for stage in row["provenance"]["stages"]] == ["FIX"]


def test_a_reviewer_s_word_shows_without_a_name(world: World, lab: ApiClient) -> None:
    submission = submitted(world)
    now = NOW + timedelta(minutes=20)
    review = claim_for(world.ada, kind="review", now=now)
    done = work(review, world.ada, 120, since=now)
    reviews.decide_review(review.pk, expert=world.ada, fence=review.fence, decision="ACCEPT", now=done)

    shown = ok(lab.get(f"/submissions/{submission.public_id}"))

    assert [(stage["decision"], stage["by"]) for stage in shown["stages"]] == [("ACCEPT", "reviewer")]
    assert "Ada" not in str(shown)
    assert world.ada.public_id not in str(shown)
    assert world.cyd.public_id not in str(shown)


def test_an_expert_is_the_same_pseudonym_in_a_project_and_another_elsewhere(world: World, lab: ApiClient) -> None:
    first = submitted(world)
    shown = ok(lab.get(f"/submissions/{first.public_id}"))["provenance"]["expert"]

    again = ok(lab.get("/submissions"))["data"][0]["provenance"]["expert"]

    assert shown == again == pseudonym(world.project.pk, world.cyd.pk)
    assert shown != pseudonym(world.batch.pk, world.cyd.pk)


def test_batches_are_driven_by_verbs(world: World, lab: ApiClient) -> None:
    path = f"/batches/{world.batch.public_id}"

    states = [ok(lab.post(f"{path}:{verb}"))["state"] for verb in ("pause", "resume", "drain")]
    wrong = lab.post(f"{path}:pause")
    cancelled = ok(lab.post(f"{path}:cancel", {"reason": "Plans changed."}))

    assert states == ["PAUSED", "RUNNING", "DRAINING"]
    assert (wrong.status_code, wrong.json()["code"]) == (409, "illegal_move")
    assert (cancelled["state"], cancelled["cancel_reason"], cancelled["progress"]["void"]) == (
        "CANCELLED",
        "Plans changed.",
        1,
    )


def test_a_project_keeps_what_it_promised(world: World, lab: ApiClient) -> None:
    path = f"/projects/{world.project.public_id}"

    fixed = lab.patch(path, {"tier_min": 2, "name": "New"})
    changed = ok(lab.patch(path, {"name": "New", "review_window_hours": 24}))

    assert [(error["pointer"], error["code"]) for error in fixed.json()["errors"]] == [
        ("/tier_min", "fixed_after_launch")
    ]
    assert (changed["name"], changed["review_window_hours"]) == ("New", 24)


def test_budget_moves_between_prepaid_and_project(world: World, lab: ApiClient) -> None:
    path = f"/projects/{world.project.public_id}/budget"

    out = ok(lab.post(f"{path}:deallocate", {"amount": {"amount_minor": 1_000_00, "currency": "USD"}}))
    balance = ok(lab.get("/balance"))
    back = ok(lab.post(f"{path}:allocate", {"amount": {"amount_minor": 400_00, "currency": "USD"}}))
    too_much = lab.post(f"{path}:allocate", {"amount": {"amount_minor": 601_00, "currency": "USD"}})

    assert (out["available_minor"], balance["available_minor"], back["available_minor"]) == (
        99_000_00,
        1_000_00,
        99_400_00,
    )
    assert too_much.status_code == 409
    parts = ("available_minor", "allocated_minor", "held_minor", "spent_minor")
    assert sum(balance[part] for part in parts) == balance["prepaid_minor"]


def test_one_bad_inline_task_and_there_is_no_batch(world: World, lab: ApiClient) -> None:
    good = {"external_id": "a", "payload": {"prompt": "?"}}
    before = Batch.objects.count()

    answer = lab.post(
        f"/projects/{world.project.public_id}/batches", {"name": "Night", "tasks": [good, {"external_id": "b"}]}
    )

    assert (answer.status_code, answer.json()["errors"][0]["line"]) == (422, 2)
    assert Batch.objects.count() == before


def test_another_lab_finds_nothing_of_it(world: World, lab: ApiClient) -> None:
    submission = submitted(world)
    eve = make_client(make_lab("Eve's")[0])
    export = ok(lab.post("/exports", {"project": world.project.public_id, "shape": "sft"}), 202)["id"]
    task = Task.objects.get(batch=world.batch).public_id

    answers = [
        eve.get(f"/projects/{world.project.public_id}"),
        eve.patch(f"/projects/{world.project.public_id}", {"name": "Mine"}),
        eve.post(f"/projects/{world.project.public_id}:pause"),
        eve.get(f"/projects/{world.project.public_id}/budget"),
        eve.get(f"/projects/{world.project.public_id}/guidelines"),
        eve.post(f"/projects/{world.project.public_id}/batches", {"name": "Mine"}),
        eve.get(f"/batches/{world.batch.public_id}"),
        eve.post(f"/batches/{world.batch.public_id}:cancel"),
        eve.get(f"/batches/{world.batch.public_id}/tasks"),
        eve.get(f"/tasks/{task}", expand="payload"),
        eve.get(f"/submissions/{submission.public_id}", expand="response"),
        eve.post(f"/submissions/{submission.public_id}:accept"),
        eve.get(f"/exports/{export}"),
        eve.get(f"/exports/{export}/download"),
        eve.get(f"/agreements/{world.project.agreement.public_id}"),
    ]

    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {
        (404, "There is nothing here, or nothing of yours.")
    }
    assert (
        ok(eve.get("/projects"))["data"] == ok(eve.get("/batches"))["data"] == ok(eve.get("/submissions"))["data"] == []
    )
    named = eve.post("/exports", {"project": world.project.public_id, "shape": "sft"})
    assert [error["code"] for error in named.json()["errors"]] == ["not_found"]


@pytest.mark.django_db(transaction=True)
def test_the_feed_tells_what_happened_in_order() -> None:
    world = make_world(tasks=1)
    lab = make_client(world.lab, world.owner)
    lab.post(f"/batches/{world.batch.public_id}:pause")

    first = feed(lab, least=2, limit="2")
    rest = feed(lab, least=2, after=first["last"])

    kinds = [event["type"] for event in (*first["data"], *rest["data"])]
    assert kinds == ["project.launched", "batch.staged", "batch.running", "batch.paused"]
    assert Event.objects.filter(lab=world.lab).count() == 4
    assert lab.get("/events", after="nonsense").status_code == 422
