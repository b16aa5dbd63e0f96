"""The check of the money: silent on a sound ledger, and naming what is broken in a tampered one."""

from io import StringIO

import pytest
from django.core.management import call_command

from payments.checks import INVARIANTS
from tests.database import owner_connection
from tests.experts.factories import an_expert
from tests.payments.factories import a_funded_lab, a_project, a_submitted_run, earn, hold_for

pytestmark = pytest.mark.django_db(transaction=True)


def check() -> tuple[int, str]:
    """Run the command; return how it exits and what it prints."""
    out = StringIO()
    try:
        call_command("check_ledger", stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def tamper(statement: str) -> None:
    """Change rows by hand, past every guard."""
    with owner_connection() as owner:
        owner.execute(statement.encode())


def test_a_sound_ledger_prints_each_invariant_and_exits_0() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    hold_for(lab, project)
    earn(lab, project, an_expert())

    code, said = check()

    assert (code, said.splitlines()) == (0, [f"holds   {each.name}" for each in INVARIANTS])


@pytest.mark.breaks_ledger
@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (
            "UPDATE payments_posting SET amount = amount + 1 WHERE id = (SELECT min(id) FROM payments_posting)",
            "balances",
        ),
        ("UPDATE payments_account SET balance = balance - 1 WHERE starts_with(code, 'lab_prepaid')", "cached balance"),
        ("UPDATE payments_hold SET amount_minor = amount_minor + 1 WHERE state = 'OPEN'", "projects hold"),
        ("UPDATE payments_payline SET amount_minor = amount_minor + 1", "seconds at its rate"),
        ("UPDATE payments_payline SET amount_minor = amount_minor + 1", "experts are owed"),
        ("UPDATE payments_payline SET fee_minor = fee_minor + 1", "fees earned"),
        ("UPDATE payments_funding SET amount_minor = amount_minor + 1", "confirmed funding"),
        ("UPDATE payments_payoutitem SET amount_minor = amount_minor + 1", "sum of its pay lines"),
        ("UPDATE payments_payoutitem SET state = 'UNKNOWN'", "in flight"),
        ("UPDATE payments_payoutrun SET state = 'SENDING'", "approved by enough"),
    ],
)
def test_a_row_changed_by_hand_is_named(statement: str, broken: str) -> None:
    lab = a_funded_lab()
    hold_for(lab, a_project(lab))
    a_submitted_run(260_00)
    tamper(statement)

    code, said = check()

    assert code == 1
    assert any(line.startswith("BROKEN") and broken in line for line in said.splitlines())
