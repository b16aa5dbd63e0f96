"""What is drawn keeps to the rates that were asked for, and never to more than ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from marketplace.simulation.draws import MOST_REJECTED_OF_A_TASK, Draws
from tasks.kinds import registry
from tasks.models import Project, Simulation

SIMULATION = Simulation(seed=7, accept_bps=5_000, return_bps=2_000, reject_bps=2_000)
DRAWS = Draws(SIMULATION, "task", number=1, attempt=0, version=1)
MANY = [replace(DRAWS, external_id=f"task-{number}") for number in range(2_000)]
PAYLOAD = {"prompt": "When are lithium levels taken?"}


def share(draws: list[Draws], decision: str) -> float:
    return Counter(one.decision(1) for one in draws)[decision] / len(draws)


@pytest.mark.parametrize(("decision", "wanted"), [("ACCEPT", 0.5), ("RETURN", 0.2), ("REJECT", 0.2), ("FIX", 0.1)])
def test_decisions_come_as_often_as_asked(decision: str, wanted: float) -> None:
    assert abs(share(MANY, decision) - wanted) < 0.03


def test_nothing_is_sent_back_twice() -> None:
    assert share([replace(one, version=2) for one in MANY], "RETURN") == 0


def test_nothing_is_rejected_that_was_before_nor_too_much_of_one_task() -> None:
    again = [replace(one, attempt=1) for one in MANY]
    beyond = [replace(one, number=MOST_REJECTED_OF_A_TASK + 1) for one in MANY]

    assert (share(again, "REJECT"), share(beyond, "REJECT")) == (0, 0)


def test_layers_are_judged_each_by_itself() -> None:
    assert {one.decision(1) == one.decision(2) for one in MANY[:50]} == {True, False}


@pytest.mark.parametrize("cap", [30, 90, 600, 10_000])
def test_time_is_about_what_is_expected_and_never_beyond_the_cap(cap: int) -> None:
    project = Project(expected_seconds=600)

    seconds = [one.work_seconds(project, cap) for one in MANY[:200]]

    assert max(seconds) <= min(cap, 660)
    assert min(seconds) >= min(cap, 240)


def test_nothing_takes_longer_than_two_hours_however_long_it_is_expected_to() -> None:
    assert {one.work_seconds(Project(expected_seconds=86_400), 2 * 86_400) for one in MANY[:20]} == {7_200}
    assert {one.review_seconds(86_400, 1) for one in MANY[:20]} == {7_200}


def test_a_revised_answer_says_so_and_still_fits_its_kind() -> None:
    kind = registry.get("demonstration")

    first, second = (replace(DRAWS, version=version).answer(kind, PAYLOAD, None) for version in (1, 2))

    assert "justification" not in first
    assert second["justification"] == "Revised as the reviewer asked."
    assert kind.check_response(PAYLOAD, second) == []


@pytest.mark.parametrize("name", ["demonstration", "factuality"])
def test_a_wrong_answer_to_gold_is_another_one(name: str) -> None:
    kind, payload = registry.get(name), {**PAYLOAD, "response": "Twelve hours after the last dose."}
    payload = payload if name == "factuality" else PAYLOAD
    right = kind.simulate(payload, MANY[0]._chance("right"))
    all_wrong = replace(DRAWS, simulation=Simulation(seed=7, gold_fail_bps=10_000))

    wrong = [replace(all_wrong, external_id=f"gold-{n}").answer(kind, payload, right) for n in range(20)]

    assert all(answer != right and kind.check_response(payload, answer) == [] for answer in wrong)
