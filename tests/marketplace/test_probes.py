"""Probes: one for the process, one for what it stands on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.clock import set_offset
from accounts.outbox import due

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_process_answers_without_asking_anything(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_house_in_order_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "outbox_oldest_seconds": 0, "clock": "true"}
    assert "no-store" in answer["Cache-Control"]


def test_a_house_whose_effects_wait_is_not_ready(client: Client) -> None:
    with transaction.atomic():
        due("accounts.prune")
    set_offset(timedelta(minutes=10))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["outbox_oldest_seconds"] >= 600
    assert answer.json()["clock"] == "moved"
