"""The two laws of money that rest on work are asked with the ledger's own."""

import pytest

from tests.payments.tampering import check, tamper, without
from tests.tasks.factories import claim_for, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_ledger]

TWICE_AT_ONCE = (
    "INSERT INTO tasks_segment (claim_id, expert_id, during, kind)"
    " SELECT id, expert_id, tstzrange(claimed_at, claimed_at + n * interval '1 minute'), 'work'"
    " FROM tasks_claim, generate_series(1, 2) AS n"
)


def told_of(law: str) -> list[str]:
    """Return what the check says below a broken law's line."""
    said = check()[1]
    return [line.strip() for line in said[said.index(f"BROKEN  {law}") :].splitlines()[1:3]]


def test_a_second_that_is_paid_twice_is_named() -> None:
    world = make_world()
    claim_for(world.experts[0])
    with without("one_place_at_a_time"):
        tamper(TWICE_AT_ONCE)

        told = told_of("15. ")

    assert told[0] == "one_place_at_a_time is gone or disabled"
    assert " of " in told[1]


def test_a_slot_that_is_claimed_twice_is_named() -> None:
    world = make_world(tasks=2)
    slot = min(claim_for(expert).slot_id for expert in world.experts[:2])
    with without("one_holding_claim_per_slot"):
        tamper("UPDATE tasks_claim SET slot_id = (SELECT min(slot_id) FROM tasks_claim)")

        told = told_of("16. ")

    assert told == ["one_holding_claim_per_slot is gone or disabled", f"{slot}: 2 claims"]
