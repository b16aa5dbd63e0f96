"""Idempotency-Key: one effect, one answer, whatever breaks in between."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from agreements.models import Agreement
from kernel.db import app_now
from kernel.errors import LostRace
from labs.doors import idempotency
from labs.models import IdempotencyRecord, Lab
from tests.labs.factories import NOW, ApiClient, make_client, make_key
from tests.tasks.factories import make_lab

BODY = {"title": "NDA", "code_name": "Heron"}


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()[0]


@pytest.fixture
def client(lab: Lab) -> ApiClient:
    return make_client(lab)


def test_the_same_request_again_is_the_same_answer(client: ApiClient) -> None:
    first = client.post("/agreements", BODY, key="k")
    again = client.post("/agreements", BODY, key="k")

    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["Idempotent-Replayed"], first.headers.get("Idempotent-Replayed")) == ("true", None)
    assert Agreement.objects.count() == 1


def test_another_body_under_the_key_is_422(client: ApiClient) -> None:
    client.post("/agreements", BODY, key="k")

    other = client.post("/agreements", {**BODY, "title": "Other"}, key="k")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Agreement.objects.count() == 1


def test_a_key_is_the_lab_s_own(client: ApiClient) -> None:
    eve = make_client(make_lab("Eve's")[0])

    first, second = client.post("/agreements", BODY, key="k"), eve.post("/agreements", BODY, key="k")

    assert (first.status_code, second.status_code, first.json()["id"] != second.json()["id"]) == (201, 201, True)


def test_a_key_is_its_world_s_own(lab: Lab, client: ApiClient) -> None:
    trying = make_client(lab, mode="test")

    first, second = client.post("/agreements", BODY, key="k"), trying.post("/agreements", BODY, key="k")

    assert (first.json()["mode"], second.json()["mode"]) == ("live", "test")
    assert Agreement.objects.count() == 2


def test_a_refused_request_gives_its_key_back(client: ApiClient) -> None:
    refused = client.post("/agreements", {"title": "NDA"}, key="k")
    mended = client.post("/agreements", BODY, key="k")

    assert (refused.status_code, mended.status_code) == (422, 201)


def test_while_the_first_is_at_work_others_wait(lab: Lab, client: ApiClient) -> None:
    key, _ = make_key(lab)
    now = app_now()
    idempotency.reserve(key, "k", fingerprint=b"f", now=now)

    answer = client.post("/agreements", BODY, key="k")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_flight")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_crash_frees_the_key_within_a_minute(lab: Lab, client: ApiClient) -> None:
    key, _ = make_key(lab)
    crashed = idempotency.reserve(key, "k", fingerprint=b"f", now=app_now() - timedelta(seconds=60))

    answer = client.post("/agreements", BODY, key="k")

    assert answer.status_code == 201
    assert isinstance(crashed, idempotency.Reservation)
    with pytest.raises(LostRace):
        crashed.close(None)


def test_an_answer_that_was_never_stored_is_rebuilt(client: ApiClient) -> None:
    first = client.post("/agreements", BODY, key="k")
    IdempotencyRecord.objects.update(body=None, status=None)

    again = client.post("/agreements", BODY, key="k")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("name", ["é", "a b", "x" * 256, "\x7f"])
def test_a_key_is_visible_ascii(client: ApiClient, name: str) -> None:
    answer = client.post("/agreements", BODY, key=name)

    assert (answer.status_code, Agreement.objects.count()) == (422, 0)


def test_keys_are_forgotten_after_a_week(lab: Lab) -> None:
    key, _ = make_key(lab)
    idempotency.reserve(key, "old", fingerprint=b"f", now=NOW)
    idempotency.reserve(key, "new", fingerprint=b"f", now=NOW + timedelta(days=6))

    swept = idempotency.sweep_records(NOW + timedelta(days=7, seconds=1))

    assert (swept, list(IdempotencyRecord.objects.values_list("key", flat=True))) == (1, ["new"])


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_acts() -> None:
    text = make_client(make_lab()[0]).text
    start, answers = threading.Barrier(8), []

    def press() -> None:
        start.wait()
        try:
            answers.append(ApiClient(text).post("/agreements", BODY, key="k").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Agreement.objects.count() == 1
    assert set(answers) <= {201, 409}
    assert 201 in answers
