"""The workbench's doors: who gets in, what the page's scripts are told, and what a wrong press does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from agreements.models import ContentAccess
from kernel.db import app_now
from tasks.models import Claim, Draft, Submission
from tasks.states import ClaimState
from tests.bad_input import NUL, WRONG_TYPES
from tests.tasks.factories import PAYLOAD, RESPONSE, World, make_user, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(now=app_now())


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cyd(world: World) -> Client:
    return browser(world.cyd.user)


@pytest.fixture
def claim(world: World, cyd: Client) -> Claim:
    answer = cyd.post(reverse("tasks:claim"), {"kind": "work", "project": world.project.public_id})
    made = Claim.objects.get()
    assert answer["Location"] == reverse("tasks:workbench", args=[made.pk])
    return made


def send(client: Client, name: str, claim: Claim, body: object) -> Any:
    return client.post(
        reverse(f"tasks:{name}", args=[claim.pk]),
        body,
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def opened(client: Client, claim: Claim) -> dict[str, Any]:
    """Open the bench and return what its first beat has to carry."""
    page = client.get(reverse("tasks:workbench", args=[claim.pk]))
    reading = page.context["wb"].reading
    return {
        "fence": reading.fence,
        "nonce": reading.nonce,
        "counter": reading.counter + 1,
        "is_visible": True,
        "had_input": True,
        "queued": 0,
    }


def test_the_bench_shows_the_task_to_its_expert_and_keeps_it_out_of_caches(cyd, claim):
    page = cyd.get(reverse("tasks:workbench", args=[claim.pk]))

    assert page.status_code == 200
    assert PAYLOAD["prompt"] in page.content.decode()
    assert page["Cache-Control"] == "no-store, private"
    assert page["Referrer-Policy"] == "same-origin"
    assert "script-src 'self';" in page["Content-Security-Policy"] + ";"
    assert "unsafe" not in page["Content-Security-Policy"]
    assert ContentAccess.objects.filter(subject=claim.task.public_id).exists()


@pytest.mark.parametrize(
    ("persona", "status"), [("dov", 404), ("ada", 404), ("owner", 404), ("stranger", 404), (None, 302)]
)
def test_nobody_else_finds_the_bench(world, claim, persona, status):
    people = {"dov": world.dov.user, "ada": world.ada.user, "owner": world.owner, "stranger": make_user("Eve")}
    client = browser(people[persona]) if persona else Client()

    page = client.get(reverse("tasks:workbench", args=[claim.pk]))

    assert page.status_code == status
    assert PAYLOAD["prompt"] not in page.content.decode()


@pytest.mark.parametrize("name", ["submit", "release", "resume"])
def test_nobody_else_may_press_a_button_of_the_bench(world, claim, name):
    answer = browser(world.dov.user).post(reverse(f"tasks:{name}", args=[claim.pk]), {"fence": 1, "reason": "other"})

    assert answer.status_code == 404
    claim.refresh_from_db()
    assert claim.state == ClaimState.WORKING


@pytest.mark.parametrize("name", ["beat", "draft", "extend", "research", "pause", "preview"])
def test_nobody_else_may_call_what_the_script_calls(world, claim, name):
    bodies = {
        "beat": {"fence": 1, "nonce": "x", "counter": 1, "queued": 0},
        "draft": {"revision": 0, "body": {"answer": "mine"}},
        "extend": {"what": "lease", "fence": 1},
        "preview": {"text": "*a*"},
    }

    answer = send(browser(world.dov.user), name, claim, bodies.get(name, {"on": True, "fence": 1}))

    assert answer.status_code in (404, 409)
    assert not Draft.objects.exists()


def test_a_beat_answers_with_the_meter(cyd, claim):
    answer = send(cyd, "beat", claim, opened(cyd, claim))

    told = answer.json()
    assert answer.status_code == 200
    assert {"active_seconds", "earned_minor", "cap_seconds", "lease_until", "nonce", "is_counting", "now"} <= set(told)
    assert told["is_counting"] is True


def test_the_first_tab_is_told_that_a_second_took_over(cyd, claim):
    first = opened(cyd, claim)
    opened(cyd, claim)

    answer = send(cyd, "beat", claim, first)

    assert answer.status_code == 409
    assert answer.json()["code"] == "taken_over"


def test_a_draft_is_kept_and_counts_its_revisions(cyd, claim):
    one = send(cyd, "draft", claim, {"revision": 0, "body": {"answer": "One"}})
    two = send(cyd, "draft", claim, {"revision": 1, "body": {"answer": "Two"}})

    assert [one.json()["revision"], two.json()["revision"]] == [1, 2]
    assert b'"Two"' in cyd.get(reverse("tasks:workbench", args=[claim.pk])).content


def test_of_two_drafts_of_one_revision_the_second_is_told_and_may_insist(cyd, claim):
    send(cyd, "draft", claim, {"revision": 0, "body": {"answer": "First"}})

    told = send(cyd, "draft", claim, {"revision": 0, "body": {"answer": "Second"}})
    kept = send(cyd, "draft", claim, {"revision": 0, "body": {"answer": "Second"}, "is_forced": True})

    assert (told.status_code, told.json()["code"]) == (409, "draft_conflict")
    assert (kept.status_code, kept.json()["revision"]) == (200, 2)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {"revision": 0},
        {"revision": -1, "body": {}},
        {"revision": "many", "body": {}},
        {"revision": 0, "body": "text"},
        {"revision": 0, "body": {"answer": NUL}},
        {"revision": 0, "body": {}, "seconds": 3600},
    ],
)
def test_a_draft_that_does_not_fit_is_refused_by_name(cyd, claim, body):
    answer = send(cyd, "draft", claim, body)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "raw", ['{"revision": NaN}', '{"a": "\\ud800"}', "{", "[" * 500, '{"revision": 0, "revision": 1}']
)
def test_a_body_that_is_not_safe_json_is_refused(cyd, claim, raw):
    answer = send(cyd, "draft", claim, raw)

    assert answer.status_code == 422


@pytest.mark.parametrize("field", ["fence", "nonce", "counter", "queued"])
@pytest.mark.parametrize("value", [value for name, value in WRONG_TYPES.items() if name not in ("number", "true")])
def test_a_beat_of_a_wrong_type_counts_nothing(cyd, claim, field, value):
    answer = send(cyd, "beat", claim, opened(cyd, claim) | {field: value})

    assert answer.status_code in (409, 422)


def test_the_lease_and_the_cap_grow_by_one_key(cyd, claim):
    fence = opened(cyd, claim)["fence"]

    lease = send(cyd, "extend", claim, {"what": "lease", "fence": fence})
    cap = send(cyd, "extend", claim, {"what": "cap", "fence": fence})
    again = send(cyd, "extend", claim, {"what": "cap", "fence": fence})

    assert lease.status_code == 200
    assert cap.json()["cap_seconds"] == 1_500
    assert cap.json()["can_extend_cap"] is False
    assert again.status_code == 409


def test_research_and_a_pause_are_declared_and_ended(cyd, claim):
    fence = opened(cyd, claim)["fence"]

    on = send(cyd, "research", claim, {"on": True, "fence": fence})
    off = send(cyd, "research", claim, {"on": False, "fence": fence})
    paused = send(cyd, "pause", claim, {"on": True, "fence": fence})

    assert on.json()["is_research"] is True
    assert off.json()["is_research"] is False
    assert paused.json()["paused_until"] is not None


def test_a_preview_is_drawn_by_the_one_renderer(cyd, claim):
    answer = send(cyd, "preview", claim, {"text": "**bold** <script>alert(1)</script> ![x](https://example.org/x.png)"})

    html = answer.json()["html"]
    assert "<strong>bold</strong>" in html
    assert "<script" not in html
    assert "<img" not in html


def test_an_answer_is_handed_in_once_however_often_it_is_pressed(cyd, claim):
    fence = opened(cyd, claim)["fence"]
    form = {"fence": fence, "response": '{"answer": "Twelve hours after the last dose.", "citations": []}'}

    first = cyd.post(reverse("tasks:submit", args=[claim.pk]), form)
    second = cyd.post(reverse("tasks:submit", args=[claim.pk]), form)

    assert [first["Location"], second["Location"]] == [reverse("tasks:home")] * 2
    assert Submission.objects.count() == 1


def test_an_answer_is_handed_in_from_plain_fields_too(cyd, claim):
    form = {
        "fence": opened(cyd, claim)["fence"],
        "answer": RESPONSE["answer"],
        "sources": "Label, section 2\nhttps://example.org",
    }

    answer = cyd.post(reverse("tasks:submit", args=[claim.pk]), form)

    assert answer.status_code == 302
    assert Submission.objects.count() == 1


def test_an_answer_that_does_not_fit_comes_back_with_the_form_and_is_kept(cyd, claim):
    form = {"fence": opened(cyd, claim)["fence"], "response": '{"answer": "  "}'}

    page = cyd.post(reverse("tasks:submit", args=[claim.pk]), form)

    assert page.status_code == 422
    assert "Write the answer." in page.content.decode()
    assert Draft.objects.get().revision == 1
    assert not Submission.objects.exists()


@pytest.mark.parametrize("fence", ["", "x", "-1", "99999999999999"])
def test_a_submission_without_a_fence_is_refused(cyd, claim, fence):
    answer = cyd.post(reverse("tasks:submit", args=[claim.pk]), {"fence": fence, "response": '{"answer": "A"}'})

    assert answer.status_code == 422
    assert not Submission.objects.exists()


def test_a_submission_after_the_lease_is_refused_and_kept_as_a_draft(cyd, claim):
    fence = opened(cyd, claim)["fence"]
    Claim.objects.filter(pk=claim.pk).update(lease_until=app_now())

    answer = cyd.post(reverse("tasks:submit", args=[claim.pk]), {"fence": fence, "response": '{"answer": "Late"}'})

    assert answer.status_code == 409
    assert "kept as a draft" in answer.content.decode()
    assert Draft.objects.count() == 1


def test_a_task_is_left_with_a_reason(cyd, claim):
    answer = cyd.post(reverse("tasks:release", args=[claim.pk]), {"reason": "no_time", "words": "Called to the ward"})

    claim.refresh_from_db()
    assert answer["Location"] == reverse("tasks:home")
    assert (claim.state, claim.end_reason) == (ClaimState.RELEASED, "I have no time to finish: Called to the ward")


@pytest.mark.parametrize(
    "form", [{}, {"reason": "bored"}, {"reason": "other", "words": "x" * 151}, {"reason": "other", "words": "a\u202eb"}]
)
def test_leaving_without_a_known_reason_is_refused(cyd, claim, form):
    answer = cyd.post(reverse("tasks:release", args=[claim.pk]), form)

    claim.refresh_from_db()
    assert answer.status_code == 422
    assert claim.state == ClaimState.WORKING


def test_a_finished_claim_opens_its_result_instead_of_the_bench(cyd, claim):
    cyd.post(reverse("tasks:release", args=[claim.pk]), {"reason": "no_time"})

    page = cyd.get(reverse("tasks:workbench", args=[claim.pk]))

    assert page["Location"] == reverse("tasks:submission", args=[claim.pk])


def test_an_identifier_that_is_none_is_not_found(cyd):
    assert cyd.get("/work/clm_zzzzzzzzzzzzzzzzzzzzzzzzzz/").status_code == 404
    assert cyd.get("/work/clm_1/").status_code == 404
