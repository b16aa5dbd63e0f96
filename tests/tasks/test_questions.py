"""Questions on tasks: pseudonymous, sealed, answered once, and read by whom they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Notification
from accounts.outbox import drain
from agreements import actions as agreement_actions
from agreements.models import ContentAccess, Signature
from experts.pseudonyms import pseudonym
from kernel.db import app_now
from kernel.errors import Invalid, LostRace, Refused
from labs.models import Event
from tasks.actions.questions import MOST_ON_A_CLAIM, answer_question, ask_question
from tasks.errors import NotYours
from tasks.models import Claim, Question
from tests.bad_input import NUL
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import World, claim_for, hand_in, make_lab, make_world, work
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = "CANARY-5511: is the level in mmol?"
ANSWERED = "CANARY-5512: yes, **mmol/l**."


@pytest.fixture
def world() -> World:
    return make_world(tasks=3, now=app_now())


@pytest.fixture
def claim(world: World) -> Claim:
    return claim_for(world.cyd, now=app_now())


@pytest.fixture
def question(world: World, claim: Claim) -> Question:
    return ask_question(claim.pk, expert=world.cyd, text=ASKED, now=app_now())


def answered(question: Question, world: World, *, is_public: bool = False) -> Question:
    return answer_question(question, text=ANSWERED, is_public=is_public, by=world.owner, now=app_now())


def page_of(client: Client, name: str, *args: Any) -> str:
    return client.get(reverse(f"tasks:{name}", args=args)).content.decode()


def test_an_expert_asks_from_the_bench_and_finds_the_question_there(world: World, claim: Claim) -> None:
    cyd = browser(world.cyd.user)

    response = cyd.post(reverse("tasks:ask", args=[claim.pk]), {"text": ASKED})

    assert response["Location"] == reverse("tasks:workbench", args=[claim.pk])
    assert ASKED in page_of(cyd, "workbench", claim.pk)
    assert ASKED in page_of(cyd, "ask", claim.pk)
    assert b"CANARY" not in bytes(Question.objects.get().text)


def test_the_lab_is_told_by_ids_alone(world: World, question: Question) -> None:
    drain()

    event = Event.objects.get(kind="question.asked")
    assert event.data == {
        "project": world.project.public_id,
        "task": question.claim.task.public_id,
        "question": question.public_id,
    }
    notice = Notification.objects.get(user=world.owner)
    assert notice.text == "Bedside: an expert asks about a task."
    assert notice.url == reverse("tasks:questions", args=[world.project.pk])


def test_a_lab_reads_a_pseudonym_and_no_name(world: World, question: Question) -> None:
    page = page_of(browser(world.owner), "questions", world.project.pk)

    assert ASKED in page
    assert pseudonym(world.project.pk, world.cyd.pk) in page
    assert world.cyd.user.get_full_name() not in page
    seen = ContentAccess.objects.get(purpose="questions")
    assert (seen.viewer, seen.subject, seen.count) == (world.owner.public_id, world.project.public_id, 1)


def test_a_lab_answers_in_its_console_and_the_asker_is_told(world: World, claim: Claim, question: Question) -> None:
    lee, cyd = browser(world.owner), browser(world.cyd.user)

    response = lee.post(reverse("tasks:answer_question", args=[question.pk]), {"text": ANSWERED})
    drain()

    assert response["Location"] == reverse("tasks:questions", args=[world.project.pk])
    assert "<strong>mmol/l</strong>" in page_of(cyd, "workbench", claim.pk)
    assert "<strong>mmol/l</strong>" in page_of(cyd, "asked")
    notice = Notification.objects.get(user=world.cyd.user)
    assert (notice.text, notice.url) == ("Saltmarsh: your question has been answered.", reverse("tasks:asked"))


@pytest.mark.parametrize("is_public", [True, False])
def test_others_on_the_project_read_what_is_answered_for_everybody(
    world: World, question: Question, is_public: bool
) -> None:
    answered(question, world, is_public=is_public)
    other = claim_for(world.dov, now=app_now())

    page = page_of(browser(world.dov.user), "workbench", other.pk)

    assert (ASKED in page, "mmol/l" in page) == (is_public, is_public)
    assert (pseudonym(world.project.pk, world.cyd.pk) in page) is is_public
    assert world.cyd.user.get_full_name() not in page


def test_a_reviewer_may_ask_too(world: World, claim: Claim) -> None:
    hand_in(claim, world.cyd, now=work(claim, world.cyd, 60, since=app_now()))
    review = claim_for(world.ada, kind="review", now=app_now())
    ada = browser(world.ada.user)

    response = ada.post(reverse("tasks:ask", args=[review.pk]), {"text": ASKED})

    assert response["Location"] == reverse("tasks:review", args=[review.pk])
    assert ASKED in page_of(ada, "review", review.pk)


def test_without_a_signature_the_words_stay_shut(world: World, question: Question) -> None:
    answered(question, world)
    signature = Signature.objects.get(user=world.cyd.user)
    agreement_actions.revoke_signature(signature, by=world.cyd.user, reason="I stop", now=app_now())

    page = page_of(browser(world.cyd.user), "asked")

    assert "CANARY" not in page
    assert "once you have signed" in page


def test_only_the_holder_of_a_claim_asks(world: World, claim: Claim) -> None:
    for user in (world.dov.user, world.ada.user, world.owner):
        assert browser(user).post(reverse("tasks:ask", args=[claim.pk]), {"text": ASKED}).status_code == 404
    with pytest.raises(NotYours):
        ask_question(claim.pk, expert=world.dov, text=ASKED, now=app_now())
    assert not Question.objects.exists()


@pytest.mark.parametrize("text", ["", "  ", NUL, "x" * 5_001, "\ud800"])
def test_what_is_no_question_is_refused(world: World, claim: Claim, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask_question(claim.pk, expert=world.cyd, text=text, now=app_now())

    assert [error.pointer.lstrip("/") for error in refused.value.errors] == ["text"]


def test_one_claim_takes_ten_questions(world: World, claim: Claim) -> None:
    for _ in range(MOST_ON_A_CLAIM):
        ask_question(claim.pk, expert=world.cyd, text=ASKED, now=app_now())

    with pytest.raises(Refused, match="10 questions"):
        ask_question(claim.pk, expert=world.cyd, text=ASKED, now=app_now())


def test_of_two_answers_one_stands(world: World, question: Question) -> None:
    answered(question, world)

    with pytest.raises(LostRace):
        answered(Question.objects.select_related("project").get(), world)


# --- REST ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def test_a_lab_lists_and_answers_by_rest(world: World, lab: ApiClient, question: Question) -> None:
    at = f"/projects/{world.project.public_id}/questions"
    waiting = lab.get(at, answered="false").json()["data"]

    done = lab.post(f"{at}/{question.public_id}:answer", {"text": ANSWERED, "is_public": True})

    question.refresh_from_db()
    shown = {
        "id": question.public_id,
        "project": world.project.public_id,
        "task": question.claim.task.public_id,
        "expert": pseudonym(world.project.pk, world.cyd.pk),
        "text": ASKED,
        "asked_at": waiting[0]["asked_at"],
        "answer": None,
        "answered_at": None,
        "is_public": False,
    }
    assert waiting == [shown]
    assert done.json() == {**shown, "answer": ANSWERED, "answered_at": done.json()["answered_at"], "is_public": True}
    assert question.answered_by.startswith("key_")
    assert (lab.get(at, answered="false").json()["data"], len(lab.get(at, answered="true").json()["data"])) == ([], 1)
    assert lab.post(f"{at}/{question.public_id}:answer", {"text": "Again"}).status_code == 409


def test_the_same_answer_under_one_key_is_given_once(world: World, lab: ApiClient, question: Question) -> None:
    at = f"/projects/{world.project.public_id}/questions/{question.public_id}:answer"

    first, again = (lab.post(at, {"text": ANSWERED}, key="answer-1") for _ in range(2))

    assert (first.status_code, again.json(), again["Idempotent-Replayed"]) == (200, first.json(), "true")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": NUL}, {"text": 3}, {"text": "a", "public": True}])
def test_what_is_no_answer_is_named(world: World, lab: ApiClient, question: Question, body: object) -> None:
    response = lab.post(f"/projects/{world.project.public_id}/questions/{question.public_id}:answer", body)

    assert response.status_code == 422
    assert Question.objects.filter(answered_at__isnull=True).count() == 1


def test_no_other_lab_or_mode_finds_a_question(world: World, question: Question) -> None:
    at = f"/projects/{world.project.public_id}/questions"
    other, eve = make_lab("Eastgate")

    for client in (make_client(other, eve), make_client(world.lab, world.owner, mode="test")):
        assert client.get(at).status_code == 404
        assert client.post(f"{at}/{question.public_id}:answer", {"text": "Mine"}).status_code == 404
    assert browser(eve).get(reverse("tasks:questions", args=[world.project.pk])).status_code == 404
    assert browser(eve).post(reverse("tasks:answer_question", args=[question.pk]), {"text": "x"}).status_code == 404


def asked_for(act: Callable[[], object]) -> int:
    """Return how many queries an act makes, once what is looked up but once has been."""
    act()
    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def test_lists_ask_as_much_for_one_as_for_three(world: World, lab: ApiClient, question: Question) -> None:
    lee, cyd = browser(world.owner), browser(world.cyd.user)
    lists: list[Callable[[], object]] = [
        lambda: lab.get(f"/projects/{world.project.public_id}/questions"),
        lambda: page_of(lee, "questions", world.project.pk),
        lambda: page_of(cyd, "asked"),
        lambda: page_of(cyd, "ask", question.claim.pk),
    ]
    for_one = [asked_for(act) for act in lists]
    for _ in range(2):
        ask_question(question.claim.pk, expert=world.cyd, text=ASKED, now=app_now())

    assert [asked_for(act) for act in lists] == for_one
