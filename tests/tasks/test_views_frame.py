"""The frame around every page: the public front page, and the navigation of the role that acts."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel.db import app_now
from marketplace.landing import sample_at
from tests.accounts.factories import log_in, make_operator
from tests.tasks.factories import World, make_user, make_world
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(now=app_now())


def test_the_front_page_shows_the_card_in_force_to_anyone(world):
    page = Client().get(reverse("landing")).content.decode()

    assert "Version 1, in force since" in page
    assert "Psychiatry" in page
    assert "350" in page


def test_the_front_page_opens_before_there_is_a_card():
    page = Client().get(reverse("landing"))

    assert page.status_code == 200
    assert "No card is in force yet" in page.content.decode()


def test_the_example_statement_adds_up():
    sample = sample_at(260_00)

    assert (sample.seconds, sample.total, sample.seat) == (36_900, 2_665_00, 780_00)


@pytest.mark.parametrize("path", ["/nothing/", "/work/clm_nothing/", "/lab/projects/prj_x/"])
def test_an_address_that_is_none_says_so_in_the_same_frame(path):
    page = Client().get(path)

    assert page.status_code == 404
    assert "There is nothing at this address" in page.content.decode()


def test_each_role_has_its_own_navigation(world):
    expert = browser(world.cyd.user).get(reverse("accounts:inbox")).content.decode()
    lab = browser(world.owner).get(reverse("accounts:inbox")).content.decode()
    visitor = Client().get(reverse("landing")).content.decode()

    assert reverse("payments:earnings") in expert
    assert reverse("labs:keys") not in expert
    assert reverse("labs:keys") in lab
    assert reverse("payments:earnings") not in lab
    assert reverse("account_login") in visitor


def test_an_operator_sees_only_the_desks_of_their_roles(world):
    client = log_in(Client(), make_operator("vetting", name="Vic", now=app_now()))

    page = client.get(reverse("experts:vetting")).content.decode()

    assert "Desk" in page
    assert reverse("payments:runs") not in page
    assert reverse("accounts:people") not in page


def test_the_page_says_which_role_acts_and_keeps_it_on_neutral_pages(world):
    user = world.cyd.user
    operator = make_operator("vetting", name="Both", now=app_now())
    world.cyd.__class__.objects.filter(pk=world.dov.pk).update(user=operator)
    client = log_in(Client(), operator)

    client.get(reverse("tasks:home"))
    as_expert = client.get(reverse("accounts:inbox")).context["page"].role
    client.get(reverse("experts:vetting"))
    as_desk = client.get(reverse("accounts:inbox")).context["page"].role

    assert (as_expert, as_desk) == ("expert", "desk")
    assert user != operator


def test_someone_without_a_role_is_framed_as_a_visitor():
    page = browser(make_user("Eve")).get(reverse("landing"))

    assert page.context["page"].role == ""


def test_the_frame_costs_a_handful_of_queries(world):
    client = browser(world.cyd.user)
    client.get(reverse("accounts:inbox"))

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("accounts:inbox"))

    assert len(queries) <= 12
