"""New guidelines: who reads them again, what that pays, and what their lab hears."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from experts.pseudonyms import pseudonym
from kernel.db import app_now
from kernel.errors import Invalid
from labs.models import Event
from tasks.actions import publishing
from tasks.actions.claims import release_claim
from tasks.actions.guidelines import acknowledge_guideline
from tasks.errors import Lapsed, NotYours
from tasks.models import Claim
from tasks.pages.changes import Piece, changed_lines
from tests.tasks.factories import NOW, RESPONSE, World, claim_for, hand_in, make_world

pytestmark = pytest.mark.django_db

FIRST = "# Rules\n\nBe exact.\n\nCite a label.\n"
SECOND = "# Rules\n\nBe exact and brief.\n\nCite a label.\n"
READING_SECONDS = 300


@pytest.fixture
def world() -> World:
    """Return a world where Cyd has handed one task in, before the guidelines changed."""
    world = make_world(tasks=4, guideline_seconds=READING_SECONDS)
    publish(world, FIRST)
    hand_in(claim_for(world.cyd), world.cyd, now=NOW)
    publish(world, SECOND)
    return world


def publish(world: World, text: str) -> None:
    publishing.publish_guideline(world.project, text=text, by=world.owner, now=NOW)


def test_whoever_worked_by_an_earlier_version_reads_the_new_one_on_a_raised_cap(world: World) -> None:
    claim = claim_for(world.cyd)

    assert (claim.is_guideline_changed, claim.guideline.number) == (True, 2)
    assert claim.cap_seconds == world.project.cap_seconds + READING_SECONDS


def test_whoever_is_new_reads_the_newest_once_and_confirms_nothing(world: World) -> None:
    first = claim_for(world.dov)

    assert (first.is_guideline_changed, first.cap_seconds) == (False, world.project.cap_seconds + READING_SECONDS)
    hand_in(first, world.dov, now=NOW)
    assert claim_for(world.dov).cap_seconds == world.project.cap_seconds


def test_nothing_is_handed_in_by_guidelines_unread(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(Invalid, match="guidelines changed"):
        hand_in(claim, world.cyd, now=NOW)

    acknowledge_guideline(claim.pk, expert=world.cyd, fence=claim.fence, now=NOW)
    hand_in(claim, world.cyd, now=NOW)
    following = claim_for(world.cyd)
    assert (following.is_guideline_changed, following.cap_seconds) == (False, world.project.cap_seconds)


def test_reading_is_told_once_by_pseudonym(world: World) -> None:
    claim = claim_for(world.cyd)

    for _ in range(2):
        acknowledge_guideline(claim.pk, expert=world.cyd, fence=claim.fence, now=NOW)

    assert AuditEvent.objects.filter(verb="guideline.acknowledged").count() == 1
    assert Event.objects.get(kind="guideline.acknowledged").data == {
        "project": world.project.public_id,
        "expert": pseudonym(world.project.pk, world.cyd.pk),
        "version": 2,
    }


def test_given_back_unread_the_next_task_has_the_time_again(world: World) -> None:
    release_claim(claim_for(world.cyd), expert=world.cyd, reason="", now=NOW)

    following = claim_for(world.cyd)

    assert following.is_guideline_changed
    assert following.cap_seconds == world.project.cap_seconds + READING_SECONDS


def test_work_begun_before_goes_by_the_version_it_began_with() -> None:
    world = make_world(guideline_seconds=READING_SECONDS)
    publish(world, FIRST)
    claim = claim_for(world.cyd)
    publish(world, SECOND)

    submission = hand_in(claim, world.cyd, now=NOW)

    assert submission.claim.guideline.number == 1


def test_only_who_holds_the_claim_says_so(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(NotYours):
        acknowledge_guideline(claim.pk, expert=world.dov, fence=claim.fence, now=NOW)
    with pytest.raises(Lapsed):
        acknowledge_guideline(claim.pk, expert=world.cyd, fence=claim.fence + 1, now=NOW)
    with pytest.raises(Lapsed):
        acknowledge_guideline(claim.pk, expert=world.cyd, fence=claim.fence, now=NOW + timedelta(days=1))

    assert Claim.objects.get(pk=claim.pk).is_guideline_changed


def test_the_workbench_shows_what_changed_until_it_is_read() -> None:
    now = app_now()
    world = make_world(now=now)
    publish(world, FIRST)
    hand_in(claim_for(world.cyd, now=now), world.cyd, now=now)
    publish(world, SECOND)
    claim = claim_for(world.cyd, now=now)
    cyd = Client()
    cyd.force_login(world.cyd.user)
    address = reverse("tasks:workbench", args=[claim.pk])

    before = cyd.get(address)
    refused = cyd.post(address + "submit/", {"fence": claim.fence, "answer": RESPONSE["answer"]})
    read = cyd.post(address + "guidelines/read/", {"fence": claim.fence})
    after = cyd.get(address)

    assert Piece("ins", "exact and brief.") in before.context["guideline_changes"]
    assert (refused.status_code, "Read what changed" in refused.content.decode()) == (422, True)
    assert (read["Location"], after.context["guideline_changes"]) == (address, [])


def test_lines_that_stayed_are_left_out_but_for_those_next_to_a_change() -> None:
    was = "".join(f"Rule {number}.\n" for number in range(1, 11))

    pieces = changed_lines(was, was.replace("Rule 5.", "Rule five."))

    assert pieces == [
        Piece("gap", ""),
        Piece("same", "Rule 3.\nRule 4.\n"),
        Piece("same", "Rule "),
        Piece("del", "5."),
        Piece("ins", "five."),
        Piece("same", "\n"),
        Piece("same", "Rule 6.\nRule 7.\n"),
        Piece("gap", ""),
    ]


def test_a_text_rewritten_whole_is_shown_as_taken_out_and_put_in() -> None:
    was, text = "old words " * 5_000, "new words " * 5_000

    assert changed_lines(was, text) == [Piece("del", was), Piece("ins", text)]
