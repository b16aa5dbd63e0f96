"""The review bench: what a reviewer sees, and what each decision asks for."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kernel.db import app_now
from tasks.models import Claim, Review
from tasks.pages.changes import Piece, changed_words
from tasks.states import ClaimState
from tests.tasks.factories import PAYLOAD, RESPONSE, World, make_world, submitted
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "The interval is wrong and the answer would mislead whoever acts on it. " * 2


@pytest.fixture
def world() -> World:
    made = make_world(now=app_now())
    submitted(made, 60, now=app_now())
    return made


@pytest.fixture
def ada(world: World) -> Client:
    return browser(world.ada.user)


@pytest.fixture
def claim(world: World, ada: Client) -> Claim:
    ada.post(reverse("tasks:claim"), {"kind": "review", "project": world.project.public_id})
    return Claim.objects.get(kind="review")


def decide(client: Client, claim: Claim, **form: object) -> object:
    return client.post(reverse("tasks:review", args=[claim.pk]), {"fence": claim.fence, **form})


def subject(claim: Claim) -> Claim:
    return Claim.objects.get(pk=claim.subject_claim_id)


def test_the_reviewer_reads_task_and_answer_and_no_name(world, ada, claim):
    page = ada.get(reverse("tasks:review", args=[claim.pk]))

    text = page.content.decode()
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store, private"
    assert PAYLOAD["prompt"] in text
    assert RESPONSE["answer"] in text
    assert "Cyd" not in text
    assert world.cyd.public_id not in text


def test_the_expert_whose_work_it_is_does_not_find_the_review(world, claim):
    assert browser(world.cyd.user).get(reverse("tasks:review", args=[claim.pk])).status_code == 404
    assert browser(world.bo.user).get(reverse("tasks:review", args=[claim.pk])).status_code == 404


def test_a_plain_word_of_approval_accepts(ada, claim):
    answer = decide(ada, claim, decision="ACCEPT")

    assert answer["Location"] == reverse("tasks:home")
    assert subject(claim).state == ClaimState.ACCEPTED


def test_a_return_carries_its_notes_back_to_the_expert(world, ada, claim):
    decide(ada, claim, decision="RETURN", notes="Name the *source*.")

    page = browser(world.cyd.user).get(reverse("tasks:submission", args=[claim.subject_claim_id]))
    assert subject(claim).state == ClaimState.RETURNED
    assert "Name the <em>source</em>." in page.content.decode()


def test_a_fix_puts_the_reviewers_version_in_place(ada, claim):
    decide(ada, claim, decision="FIX", fixed_text="Twelve hours after the last dose, five days after a change.")

    assert subject(claim).state == ClaimState.ACCEPTED
    assert Review.objects.get().fixed_response is not None


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"decision": "RETURN"}, "Say what the expert should change"),
        ({"decision": "REJECT", "notes": WHY}, "Choose why it is rejected."),
        ({"decision": "REJECT", "category": "incorrect", "notes": "Wrong."}, "94 to go"),
        ({"decision": "FIX", "fixed_text": RESPONSE["answer"]}, "A fix changes something."),
        ({"decision": "BURN"}, "BURN is not one of the available choices"),
        ({}, "This field is required"),
    ],
)
def test_a_decision_that_lacks_something_says_what(ada, claim, form, sentence):
    page = decide(ada, claim, **form)

    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert not Review.objects.exists()


def test_a_rejection_with_its_reasons_stands(ada, claim):
    decide(ada, claim, decision="REJECT", category="incorrect", notes=WHY)

    assert subject(claim).state == ClaimState.REJECTED


def test_one_press_makes_one_review(ada, claim):
    decide(ada, claim, decision="ACCEPT")
    decide(ada, claim, decision="REJECT", category="incorrect", notes=WHY)

    assert Review.objects.count() == 1


def test_changes_between_versions_are_shown_word_by_word():
    pieces = changed_words("Take it after five days.", "Take it after seven days.\n\nThen again.")

    assert pieces[0] == Piece("same", "Take it after ")
    assert "".join(piece.text for piece in pieces if piece.how != "del") == "Take it after seven days.\n\nThen again."
    assert "".join(piece.text for piece in pieces if piece.how != "ins") == "Take it after five days."
