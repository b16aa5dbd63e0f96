"""How a lab says what its test batch shall be like, and that a live one cannot be asked for it."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.db import app_now
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import make_world
from tests.tasks.play import Play, make_play

pytestmark = pytest.mark.django_db

USUAL = {"accept_rate": 0.8, "return_rate": 0.08, "reject_rate": 0.04, "disagree_rate": 0.2, "gold_fail_rate": 0.1}


@pytest.fixture
def play() -> Play:
    return make_play()


def create(play: Play, body: dict[str, Any]) -> Any:
    lab = make_client(play.lab, play.owner, mode="test")
    return lab.post(f"/projects/{play.project.public_id}/batches", {"name": "Trial", **body})


def errors(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.content
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def test_a_test_batch_tells_its_seed_and_its_rates(play: Play) -> None:
    shown = create(play, {}).json()["simulation"]

    assert shown == {"seed": shown["seed"], **USUAL, "accept_after_seconds": 0}


def test_what_is_asked_for_is_kept(play: Play) -> None:
    asked = {"seed": 7, "accept_rate": 0.5, "return_rate": 0.25, "reject_rate": 0.1234, "accept_after_seconds": 60}

    made = create(play, {"simulation": {**asked, "disagree_rate": 1, "gold_fail_rate": 0}}).json()

    assert made["simulation"] == {**asked, "disagree_rate": 1.0, "gold_fail_rate": 0.0}
    lab = make_client(play.lab, play.owner, mode="test")
    assert lab.get(f"/batches/{made['id']}").json()["simulation"] == made["simulation"]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"accept_rate": 1}, (1.0, 0.0, 0.0)),
        ({"reject_rate": 0.5}, (0.5, 0.0, 0.5)),
        ({"accept_rate": 0, "reject_rate": 0}, (0.0, 0.08, 0.0)),
    ],
)
def test_decisions_that_are_left_out_share_what_is_left(
    asked: dict[str, Any], kept: tuple[float, ...], play: Play
) -> None:
    shown = create(play, {"simulation": asked}).json()["simulation"]

    assert (shown["accept_rate"], shown["return_rate"], shown["reject_rate"]) == kept


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"seed": -1}, ("/simulation/seed", "min_value")),
        ({"seed": 2**31}, ("/simulation/seed", "max_value")),
        ({"seed": "7"}, ("/simulation/seed", "wrong_type")),
        ({"accept_rate": True}, ("/simulation/accept_rate", "wrong_type")),
        ({"accept_rate": "0.5"}, ("/simulation/accept_rate", "wrong_type")),
        ({"reject_rate": 1.5}, ("/simulation/reject_rate", "max_value")),
        ({"return_rate": -0.1}, ("/simulation/return_rate", "min_value")),
        ({"accept_rate": 0.9, "reject_rate": 0.2}, ("/simulation/accept_rate", "contradiction")),
        ({"speed": 2}, ("/simulation/speed", "unknown_field")),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(asked: dict[str, Any], named: tuple[str, str], play: Play) -> None:
    assert errors(create(play, {"simulation": asked})) == [named]


def test_a_live_batch_is_not_simulated() -> None:
    world = make_world(tasks=1, now=app_now())
    lab: ApiClient = make_client(world.lab, world.owner)
    batches = f"/projects/{world.project.public_id}/batches"

    refused = lab.post(batches, {"name": "Real", "simulation": {"seed": 7}})
    made = lab.post(batches, {"name": "Real"})

    assert errors(refused) == [("/simulation", "test_mode_only")]
    assert made.json()["simulation"] is None
