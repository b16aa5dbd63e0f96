"""The lab's console: its own projects, batches and files, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel.db import app_now
from labs.models import Member
from tasks.actions import publishing
from tasks.models import Batch, Export
from tasks.pages.lab import burndown_of, feed_of, progress_of
from tests.tasks.factories import World, make_batch, make_lab, make_user, make_world, submitted
from tests.tasks.play import make_play
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(now=app_now() - timedelta(hours=2))


@pytest.fixture
def lee(world: World) -> Client:
    return browser(world.owner)


def addresses(world: World) -> list[str]:
    return [
        reverse("tasks:projects"),
        reverse("tasks:project", args=[world.project.pk]),
        reverse("tasks:batch", args=[world.batch.pk]),
        reverse("tasks:exports"),
    ]


def test_a_lab_sees_its_own_console(world, lee):
    assert [lee.get(address).status_code for address in addresses(world)] == [200] * 4


def test_another_lab_learns_nothing(world):
    _, eve = make_lab("Eastgate")
    client = browser(eve)

    seen = [client.get(address) for address in addresses(world)]

    assert [page.status_code for page in seen] == [200, 404, 404, 200]
    assert all(world.project.name not in page.content.decode() for page in seen)


def test_an_expert_and_a_visitor_have_no_console(world):
    assert {browser(world.cyd.user).get(address).status_code for address in addresses(world)} == {404}
    assert {Client().get(address).status_code for address in addresses(world)} == {302}


def test_a_batch_is_paused_and_resumed_by_an_owner(world, lee):
    paused = lee.post(reverse("tasks:move_batch", args=[world.batch.pk]), {"verb": "pause"})
    state = Batch.objects.get().state
    lee.post(reverse("tasks:move_batch", args=[world.batch.pk]), {"verb": "resume"})

    assert (paused.status_code, state, Batch.objects.get().state) == (302, "PAUSED", "RUNNING")


def test_a_member_watches_but_does_not_spend(world):
    user = make_user("Max")
    Member.objects.create(lab=world.lab, user=user, role="member", added_by=world.owner, added_at=app_now())

    answer = browser(user).post(reverse("tasks:move_batch", args=[world.batch.pk]), {"verb": "cancel"})

    assert browser(user).get(reverse("tasks:batch", args=[world.batch.pk])).status_code == 200
    assert (answer.status_code, Batch.objects.get().state) == (403, "RUNNING")


def test_a_verb_that_the_state_forbids_is_a_conflict(world, lee):
    assert lee.post(reverse("tasks:move_batch", args=[world.batch.pk]), {"verb": "resume"}).status_code == 409


@pytest.mark.parametrize("form", [{}, {"verb": "burn"}])
def test_an_unknown_verb_is_refused(world, lee, form):
    assert lee.post(reverse("tasks:move_batch", args=[world.batch.pk]), form).status_code == 422
    assert lee.post(reverse("tasks:move_project", args=[world.project.pk]), form).status_code == 422


def test_progress_is_a_fragment_for_the_page_that_asks_for_it(world, lee):
    fragment = lee.get(reverse("tasks:batch_progress", args=[world.batch.pk]), headers={"HX-Request": "true"})
    plain = lee.get(reverse("tasks:batch_progress", args=[world.batch.pk]))

    assert fragment.content.decode().startswith('<div id="progress"')
    assert plain["Location"] == reverse("tasks:batch", args=[world.batch.pk])


def test_an_export_is_asked_for_and_listed(world, lee):
    answer = lee.post(reverse("tasks:export_batch", args=[world.batch.pk]), {"shape": "sft"})

    assert answer["Location"] == reverse("tasks:exports")
    assert Export.objects.get().batch == world.batch
    assert "Queued" in lee.get(reverse("tasks:exports")).content.decode()


def test_an_export_in_a_shape_the_kind_lacks_is_refused(world, lee):
    assert lee.post(reverse("tasks:export_batch", args=[world.batch.pk]), {"shape": "ragtruth"}).status_code == 422


def test_a_file_that_is_not_ready_is_not_downloaded(world, lee):
    lee.post(reverse("tasks:export_batch", args=[world.batch.pk]), {"shape": "sft"})

    assert lee.get(reverse("tasks:export", args=[Export.objects.get().pk])).status_code == 409


def test_projects_take_as_many_queries_for_three_batches_as_for_one(world, lee):
    def queries_of(address: str) -> int:
        lee.get(address)
        with CaptureQueriesContext(connection) as queries:
            lee.get(address)
        return len(queries)

    pages = [reverse("tasks:projects"), reverse("tasks:project", args=[world.project.pk])]
    one = [queries_of(page) for page in pages]
    make_batch(world.project, world.owner, tasks=1, now=app_now())
    make_batch(world.project, world.owner, tasks=1, now=app_now())

    assert [queries_of(page) for page in pages] == one


def test_progress_says_the_same_in_words_as_in_the_strip():
    progress = progress_of({"ACCEPTED": 2, "OPEN": 1, "VOID": 1})

    assert progress.label == "2 accepted, 0 submitted, 0 claimed, 1 open, 1 void"
    assert progress.share == "66.7 %"


def test_a_burndown_ends_with_what_is_left_now(world):
    submitted(world, 60, now=app_now() - timedelta(minutes=30))

    drawn = burndown_of(world.batch, app_now())

    assert drawn is not None
    assert (drawn.left, drawn.note) == (3, "3 left")


def test_the_feed_tells_answers_and_events_of_the_batch_newest_first(world):
    submitted(world, 60, now=app_now() - timedelta(minutes=30))

    lines = feed_of(world.lab, world.project, world.batch)

    assert lines[0].text == "Answer handed in"
    assert lines[0].ref.startswith("tsk_")
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)


def test_test_mode_is_said_on_its_pages_and_on_no_other(world: World, lee: Client) -> None:
    play = make_play(lab=(world.lab, world.owner))
    batch = publishing.create_batch(play.project, name="Trial", by=play.owner, now=app_now(), simulation={"seed": 7})
    said = "simulated experts do this work within seconds"

    pages = [reverse("tasks:project", args=[play.project.pk]), reverse("tasks:batch", args=[batch.pk])]

    assert [said in text(lee.get(page)) for page in pages] == [True, True]
    assert "Drawn from seed 7: 80 % are accepted as they are, 8 % sent back" in text(lee.get(pages[1]))
    assert [said in text(lee.get(page)) for page in addresses(world)] == [False] * 4


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", "Bedside Trial"), ("?mode=live", "Bedside"), ("?mode=test", "Trial"), ("?mode=x", "Bedside Trial")],
)
def test_projects_are_listed_by_world(query: str, shown: str, world: World, lee: Client) -> None:
    make_play(lab=(world.lab, world.owner))

    page = text(lee.get(reverse("tasks:projects") + query))

    assert [name for name in ("Bedside", "Trial") if f">{name}</a>" in page] == shown.split()


def text(response: HttpResponse) -> str:
    return response.content.decode()
