"""The check of the money: silent on a sound ledger, and naming what is broken in a tampered one."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Mail, Notification
from accounts.outbox import registry
from payments import actions
from payments.checks import invariants
from payments.models import LedgerCheck
from tests.accounts.factories import log_in, make_operator
from tests.experts.factories import an_expert, domain
from tests.payments.factories import NOW, a_funded_lab, a_project, a_submitted_run, earn, hold_for
from tests.payments.tampering import all_triggers_off, broken, check, tamper, without

pytestmark = pytest.mark.django_db(transaction=True)

LATE_LEGS = (
    "INSERT INTO payments_posting (entry_id, account_id, currency, amount)"
    " SELECT p.entry_id, p.account_id, p.currency, v.amount"
    " FROM (SELECT * FROM payments_posting ORDER BY id LIMIT 1) p, (VALUES (5), (-5)) AS v (amount)"
)
REVERSED_BY_ANOTHER = (
    "UPDATE payments_entry SET reverses_id = (SELECT min(id) FROM payments_entry)"
    " WHERE id = (SELECT max(id) FROM payments_entry)"
)
STRAY_LINE = (
    "UPDATE payments_payline SET expert_id = (SELECT min(id::text)::uuid FROM experts_expert WHERE id <> expert_id)"
)
UNEARNED = (
    "INSERT INTO payments_account (code, kind, currency, floor, balance, version)"
    " VALUES ('expert_available:exp_nobody', 'liability', 'USD', 0, -500, 0)"
)
BROKEN_BY = [
    ("UPDATE payments_posting SET amount = amount + 1 WHERE id = (SELECT min(id) FROM payments_posting)", "1. "),
    (LATE_LEGS, "2. "),
    ("UPDATE payments_posting SET currency = 'EUR' WHERE id = (SELECT min(id) FROM payments_posting)", "4. "),
    ("UPDATE payments_account SET balance = balance - 1 WHERE starts_with(code, 'lab_prepaid')", "6. "),
    (REVERSED_BY_ANOTHER, "8. "),
    ("UPDATE payments_account SET floor = -5 WHERE code = (SELECT min(code) FROM payments_account"
     " WHERE starts_with(code, 'lab_prepaid'))", "10. "),
    (STRAY_LINE, "11. "),
    ("UPDATE payments_payoutrun SET state = 'SENDING'", "12. "),
    ("UPDATE payments_payoutrun SET total_minor = total_minor + 1", "13. "),
    ("UPDATE payments_hold SET amount_minor = amount_minor + 1 WHERE state = 'OPEN'", "projects hold"),
    ("UPDATE payments_payline SET amount_minor = amount_minor + 1", "seconds at its rate"),
    ("UPDATE payments_payline SET amount_minor = amount_minor + 1", "experts are owed"),
    (UNEARNED, "experts are owed"),
    ("UPDATE payments_payline SET fee_minor = fee_minor + 1", "fees earned"),
    ("DELETE FROM payments_payline", "fees earned"),
    ("UPDATE payments_funding SET amount_minor = amount_minor + 1", "confirmed funding is credited"),
    ("UPDATE payments_funding SET amount_minor = 1, state = 'REFUNDED'", "confirmed funding is credited"),
    ("UPDATE payments_funding SET state = 'FAILED'", "credited to a lab"),
    ("UPDATE payments_payoutitem SET amount_minor = amount_minor + 1", "sum of its pay lines"),
    ("UPDATE payments_payoutitem SET state = 'UNKNOWN'", "in flight"),
]  # fmt: skip
# What a constraint keeps out: the constraint, what it needs, what it would have refused.
KEPT_OUT = [
    (
        "account_not_below_floor",
        "UPDATE payments_account SET balance = 5 WHERE starts_with(code, 'lab_prepaid')",
        "5. ",
    ),
    (
        "payments_entry_key_key",
        "INSERT INTO payments_entry (key, kind, payload_sha256, at, memo) SELECT key, kind, payload_sha256, at, memo"
        " FROM payments_entry LIMIT 1",
        "7. ",
    ),
    (
        "posting_moves_something",
        "INSERT INTO payments_posting (entry_id, account_id, currency, amount)"
        " SELECT entry_id, account_id, currency, 0 FROM payments_posting LIMIT 1",
        "9. ",
    ),
    (
        "rate_holds_alone",
        "INSERT INTO payments_rate (card_id, domain_id, tier, kind, currency, during, minor_per_hour)"
        " SELECT card_id, domain_id, tier, kind, currency, during, minor_per_hour FROM payments_rate LIMIT 1",
        "14. ",
    ),
]


def test_a_sound_ledger_prints_each_invariant_with_its_figure_and_exits_0() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    hold_for(lab, project)
    earn(lab, project, an_expert())

    code, said = check()

    lines = said.splitlines()
    assert (code, [line.rpartition(": ")[0] for line in lines]) == (
        0,
        [f"holds   {each.name}" for each in invariants()],
    )
    assert lines[0].endswith(": 6 entries")
    assert [line for line in lines if "fees earned" in line] == [
        "holds   fees earned are the fees of the pay lines: USD 52.00"
    ]


def test_the_sixteen_laws_are_asked_in_order() -> None:
    assert [each.name.partition(".")[0] for each in invariants()[:16]] == [str(number) for number in range(1, 17)]


@pytest.mark.breaks_ledger
@pytest.mark.parametrize(("statement", "named"), BROKEN_BY)
def test_a_row_changed_by_hand_is_named(statement: str, named: str) -> None:
    lab = a_funded_lab()
    hold_for(lab, a_project(lab))
    a_submitted_run(260_00)
    an_expert("Somebody else")
    tamper(statement)

    code, said = check()

    assert code == 1
    assert any(line.startswith("BROKEN") and named in line for line in said.splitlines())


@pytest.mark.breaks_ledger
@pytest.mark.parametrize(("guard", "statement", "named"), KEPT_OUT)
def test_a_row_that_a_constraint_kept_out_is_named_and_so_is_the_constraint(
    guard: str, statement: str, named: str
) -> None:
    a_funded_lab()
    domain("law")
    actions.install_rate_card(now=NOW)
    with without(guard):
        tamper(statement)

        _, said = check()

    told = said[said.index(f"BROKEN  {named}") :].splitlines()[1:3]
    assert told[0].strip() == f"{guard} is gone or disabled"
    assert told[1].startswith("        ")


def test_a_trigger_that_is_switched_off_breaks_each_law_that_it_guards() -> None:
    with all_triggers_off() as triggers:
        named = broken()

    guarded = [each.name for each in invariants() if triggers.intersection(each.guards)]
    assert [line.rpartition(": ")[0] for line in named] == guarded
    assert [name.partition(".")[0] for name in guarded] == ["1", "2", "3", "6", "10", "11", "12", "13", "14"]


@pytest.mark.breaks_ledger
def test_a_broken_ledger_is_told_to_finance_and_owners_by_inbox_and_letter() -> None:
    finance, owner, _ = make_operator("finance"), make_operator("owner"), make_operator("vetting")
    a_funded_lab()
    tamper("UPDATE payments_funding SET state = 'FAILED'")

    registry["payments.check_ledger"].run()

    subject = f"The ledger does not add up: 1 of {len(invariants())} invariants are broken"
    people = {finance.email, owner.email}
    assert {row.user.email for row in Notification.objects.filter(text=subject)} == people
    assert {mail.to for mail in Mail.objects.filter(subject=subject)} == people


def test_a_sound_ledger_is_noted_and_told_to_nobody() -> None:
    make_operator("finance")
    a_funded_lab()

    registry["payments.check_ledger"].run()

    assert (LedgerCheck.objects.get().broken, Notification.objects.count(), Mail.objects.count()) == ([], 0, 0)


@pytest.mark.breaks_ledger
def test_the_health_page_says_what_the_last_check_found(client: Client) -> None:
    log_in(client, make_operator("finance"))
    unchecked = client.get(reverse("accounts:health")).content.decode()
    registry["payments.check_ledger"].run()
    held = client.get(reverse("accounts:health")).content.decode()
    a_funded_lab()
    tamper("UPDATE payments_funding SET state = 'FAILED'")
    registry["payments.check_ledger"].run()

    failed = client.get(reverse("accounts:health")).content.decode()

    assert "Not checked yet" in unchecked
    assert f"All {len(invariants())} invariants held at" in held
    assert "every payment credited to a lab is a confirmed funding" in failed
