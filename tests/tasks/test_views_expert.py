"""An expert's pages: what each state of their work looks like, and to whom they open."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from experts.models import Expert
from experts.states import ExpertState
from kernel.db import app_now
from tasks.models import Claim, Offer
from tasks.states import OfferState
from tests.tasks.factories import World, claim_for, make_batch, make_user, make_world, submitted
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("tasks:home", "tasks:offers", "tasks:mine")


@pytest.fixture
def world() -> World:
    return make_world(now=app_now(), tasks=6)


def earlier(minutes: int) -> datetime:
    """Return a whole second some minutes ago, so that time counts without a remainder."""
    return app_now().replace(microsecond=0) - timedelta(minutes=minutes)


def an_offer(world: World, **fields: object) -> Offer:
    now = app_now()
    values = {
        "state": OfferState.OFFERED,
        "guaranteed_minutes": 180,
        "rate_minor": 180_00,
        "score": 900,
        "reasons": [{"rule": "tier", "detail": "You hold tier 3 in psychiatry"}],
        "expires_at": now + timedelta(hours=20),
        **fields,
    }
    batch = make_batch(world.project, world.owner, tasks=1, now=now)
    return Offer.objects.create(expert=world.cyd, batch=batch, created_at=now, state_changed_at=now, **values)


def count_queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", PAGES)
def test_an_experts_page_opens_to_experts_only(world, name):
    address = reverse(name)

    assert browser(world.cyd.user).get(address).status_code == 200
    assert browser(world.owner).get(address).status_code == 404
    assert browser(make_user("Eve")).get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_home_names_work_that_can_be_claimed(world):
    page = browser(world.cyd.user).get(reverse("tasks:home")).content.decode()

    assert "There is work for you, Cyd" in page
    assert "Claim" in page
    assert "$180.00/h" in page


def test_home_shows_the_live_claim_first(world):
    claim = claim_for(world.cyd, now=app_now())

    page = browser(world.cyd.user).get(reverse("tasks:home")).content.decode()

    assert "One task is waiting for you, Cyd" in page
    assert reverse("tasks:workbench", args=[claim.pk]) in page


def test_home_with_nothing_names_the_reason_by_project(world):
    Expert.objects.filter(pk=world.cyd.pk).update(state=ExpertState.AWAY)
    Claim.objects.all().delete()
    world.project.assignment = "seats"
    world.project.save(update_fields=["assignment"])

    page = browser(world.cyd.user).get(reverse("tasks:home")).content.decode()

    assert "so nothing is offered" in page
    assert "Saltmarsh" in page


def test_home_counts_what_waits_for_review(world):
    submitted(world, 600, now=earlier(20))

    page = browser(world.cyd.user).get(reverse("tasks:home")).content.decode()

    assert "$30.00 in review" in page


def test_an_offer_is_taken_and_leads_on(world):
    offer = an_offer(world)

    answer = browser(world.cyd.user).post(reverse("tasks:answer_offer", args=[offer.pk]), {"answer": "accept"})

    offer.refresh_from_db()
    assert (answer["Location"], offer.state) == (reverse("tasks:home"), OfferState.ACCEPTED)


def test_an_offer_is_declined_without_penalty(world):
    offer = an_offer(world)

    answer = browser(world.cyd.user).post(reverse("tasks:answer_offer", args=[offer.pk]), {"answer": "decline"})

    offer.refresh_from_db()
    assert (answer["Location"], offer.state) == (reverse("tasks:offers"), OfferState.DECLINED)


def test_an_offer_to_someone_else_is_not_found(world):
    offer = an_offer(world)

    answer = browser(world.dov.user).post(reverse("tasks:answer_offer", args=[offer.pk]), {"answer": "accept"})

    assert answer.status_code == 404


@pytest.mark.parametrize("form", [{}, {"answer": "maybe"}])
def test_an_offer_wants_a_yes_or_a_no(world, form):
    answer = browser(world.cyd.user).post(reverse("tasks:answer_offer", args=[an_offer(world).pk]), form)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "form", [{}, {"kind": "play"}, {"kind": "work", "batch": "a\x00b"}, {"kind": "work", "project": "x" * 41}]
)
def test_a_claim_of_nothing_known_is_refused(world, form):
    answer = browser(world.cyd.user).post(reverse("tasks:claim"), form)

    assert answer.status_code == 422
    assert not Claim.objects.exists()


@pytest.mark.parametrize("text", ["bat_1", "bat_00000000000000000000000000", "hello"])
def test_a_claim_in_a_batch_that_is_none_is_not_found(world, text):
    assert browser(world.cyd.user).post(reverse("tasks:claim"), {"kind": "work", "batch": text}).status_code == 404


def test_offers_take_as_many_queries_for_three_as_for_one(world):
    client = browser(world.cyd.user)
    an_offer(world)
    one = count_queries(client, reverse("tasks:offers"))
    an_offer(world)
    an_offer(world)

    assert count_queries(client, reverse("tasks:offers")) == one
    assert client.get(reverse("tasks:offers")).content.decode().count("gh-offer") == 3


def test_my_work_takes_as_many_queries_for_three_as_for_one(world):
    client = browser(world.cyd.user)
    submitted(world, 60, now=earlier(30))
    one = count_queries(client, reverse("tasks:mine"))
    submitted(world, 60, now=earlier(20))
    submitted(world, 60, now=earlier(10))

    assert count_queries(client, reverse("tasks:mine")) == one


def test_a_result_shows_stages_time_and_pay(world):
    done = submitted(world, 600, now=earlier(20))

    page = browser(world.cyd.user).get(reverse("tasks:submission", args=[done.claim_id]))

    text = page.content.decode()
    assert page["Cache-Control"] == "no-store, private"
    assert "Version 1 handed in" in text
    assert "$30.00" in text


def test_someone_elses_result_is_not_found(world):
    done = submitted(world, 60, now=earlier(20))

    assert browser(world.dov.user).get(reverse("tasks:submission", args=[done.claim_id])).status_code == 404


def test_a_person_of_no_role_at_all_has_no_home_here():
    user = User.objects.create_user("nobody@example.org", None, name="Nobody")

    assert browser(user).get(reverse("tasks:home")).status_code == 404
