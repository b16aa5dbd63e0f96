"""Uploading a file of tasks in the console, with the page's script and without one."""

from __future__ import annotations

import base64
import csv
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tasks.actions import ingest
from tasks.models import IngestRun, StagedLine, Task
from tasks.views import uploads
from tests.tasks.factories import PAYLOAD, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def lee(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def lines(*ids: str, payload: object = PAYLOAD) -> bytes:
    return b"".join(orjson.dumps({"external_id": each, "payload": payload}) + b"\n" for each in ids)


def send(client: Client, world: World, body: bytes, mode: str = "partial") -> Any:
    """Send a file as the page's script does."""
    address = reverse("tasks:upload", args=[world.batch.pk]) + f"?mode={mode}"
    return client.post(address, body, content_type="application/x-ndjson")


def submit(client: Client, world: World, body: bytes, mode: str = "partial") -> Any:
    """Send a file as a form without script does."""
    data = {"mode": mode, "tasks": SimpleUploadedFile("tasks.ndjson", body)}
    return client.post(reverse("tasks:upload", args=[world.batch.pk]), data)


@pytest.mark.parametrize("way", [send, submit])
def test_the_good_lines_are_stored_and_the_bad_ones_named(world: World, lee: Client, way: Any) -> None:
    before = Task.objects.count()

    answer = way(lee, world, lines("a", "b") + b'{"external_id": "c"}\nnot json\n' + lines("a"))

    page, done = answer.content.decode(), answer.context["done"]
    assert (answer.status_code, Task.objects.count() - before) == (200, 2)
    assert (done.run.accepted, done.run.duplicates, done.tally.rejected, done.tally.lines) == (2, 1, 2, 5)
    assert [error["line"] for error in done.shown] == [3, 4]
    assert ("2 tasks stored." in page, "Error file" in page) == (True, True)


@pytest.mark.parametrize("way", [send, submit])
def test_all_or_nothing_stores_nothing(world: World, lee: Client, way: Any) -> None:
    before = Task.objects.count()

    answer = way(lee, world, lines("a") + b"not json\n", "all_or_nothing")

    assert (answer.status_code, Task.objects.count()) == (422, before)
    assert "Nothing was stored" in answer.content.decode()
    assert not StagedLine.objects.exists()
    assert not IngestRun.objects.filter(merged_at=None).exists()


def test_the_error_file_has_every_error_and_no_formula(world: World, lee: Client) -> None:
    body = b"".join(orjson.dumps({"external_id": f"=cmd|{number}"}) + b"\n" for number in range(60))

    done = send(lee, world, body).context["done"]

    text = base64.b64decode(done.error_file.partition("base64,")[2]).decode()
    rows = list(csv.DictReader(StringIO(text)))
    assert (len(rows), len(done.shown)) == (60, uploads.MOST_SHOWN)
    assert (rows[0]["line"], rows[0]["external_id"], rows[0]["pointer"]) == ("1", "'=cmd|0", "/payload")


def test_an_error_file_that_stops_before_the_last_error_says_so(
    world: World, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "MAX_SHOWN_ERRORS", 55)

    page = send(lee, world, b"{\n" * 60).content.decode()

    assert "these 55 and stops there" in page
    assert "60 refused, of 60 lines" in page


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "Choose a file"), (b"x" * 40, "Without JavaScript a file has at most")],
)
def test_a_form_without_a_file_or_with_too_large_a_one_is_told(
    world: World, lee: Client, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_IN_MEMORY", 32)

    answer = submit(lee, world, body)

    assert (answer.status_code, said in answer.content.decode()) == (422, True)


def test_an_unknown_mode_and_a_batch_that_is_over_are_refused(world: World, lee: Client) -> None:
    odd = send(lee, world, lines("a"), "sometimes")
    world.batch.state = "DRAINING"
    world.batch.save()
    late = send(lee, world, lines("a"))

    assert [odd.status_code, late.status_code] == [422, 422]
    assert "takes no more tasks" in late.content.decode()


def test_the_token_is_asked_for_on_both_ways(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)

    assert [way(client, world, lines("a")).status_code for way in (send, submit)] == [403, 403]


def test_a_member_who_is_no_owner_sees_no_form_and_uploads_nothing(world: World, lee: Client) -> None:
    world.lab.members.update(role="member")

    page = lee.get(reverse("tasks:batch", args=[world.batch.pk])).content.decode()

    assert ("Upload tasks" in page, send(lee, world, lines("a")).status_code) == (False, 403)
