"""What the database refuses, whatever the application does: run with real commits."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from payments import actions, ledger
from payments.models import Account, Entry, PayLine, PayoutItem, PayoutRun, Posting, Rate, RunApproval, RunEdit
from payments.states import RunState
from tests.experts.factories import domain
from tests.payments.factories import (
    AFTER_WEEK,
    MONDAY,
    NOW,
    a_funded_lab,
    a_payable_expert,
    a_project,
    a_submitted_run,
    earn,
    finance,
    hold_for,
)

pytestmark = pytest.mark.django_db(transaction=True)

CASH, EQUITY = ledger.stripe_available("USD"), ledger.opening_equity("USD")
BUDGET = ledger.project_budget("prj_a", "USD")


def an_entry(key: str = "k") -> Entry:
    """Post five cents into a budget."""
    with transaction.atomic():
        return Entry.objects.get(pk=ledger.post("float", [(CASH, 5), (BUDGET, -5)], key=key, at=NOW))


def accounts() -> tuple[Account, Account]:
    """Return the two accounts of ``an_entry``."""
    an_entry()
    return Account.objects.get(code="stripe_available"), Account.objects.get(code="project_budget:prj_a")


def raw_entry(*legs: tuple[Account, int, str], key: str = "raw") -> None:
    """Write an entry by the tables alone, all postings in one statement."""
    entry = Entry.objects.create(key=key, kind="raw", payload_sha256="x", at=NOW)
    Posting.objects.bulk_create(
        Posting(entry=entry, account=account, currency=currency, amount=amount) for account, amount, currency in legs
    )


def test_an_unbalanced_entry_is_refused() -> None:
    cash, budget = accounts()

    with pytest.raises(DatabaseError, match="balance"), transaction.atomic():
        raw_entry((cash, 5, "USD"), (budget, -4, "USD"))


@pytest.mark.parametrize("legs", [0, 1])
def test_an_entry_with_fewer_than_two_postings_is_refused(legs: int) -> None:
    cash, _ = accounts()

    with pytest.raises(DatabaseError, match=r"balance|postings"), transaction.atomic():
        raw_entry(*[(cash, 5, "USD")] * legs)


def test_a_posting_of_zero_is_refused() -> None:
    cash, budget = accounts()

    with pytest.raises(DatabaseError, match="posting_moves_something"), transaction.atomic():
        raw_entry((cash, 0, "USD"), (budget, 0, "USD"))


def test_a_posting_in_another_currency_than_its_account_is_refused() -> None:
    cash, budget = accounts()

    with pytest.raises(DatabaseError, match="posting_in_the_accounts_currency"), transaction.atomic():
        raw_entry((cash, 5, "EUR"), (budget, -5, "EUR"))


def test_a_late_leg_on_an_old_entry_is_refused() -> None:
    entry = an_entry()
    cash, budget = accounts()

    with pytest.raises(DatabaseError, match="after its transaction"), transaction.atomic():
        Posting.objects.bulk_create(
            Posting(entry=entry, account=account, currency="USD", amount=amount)
            for account, amount in ((cash, 1), (budget, -1))
        )


def test_legs_in_a_savepoint_of_the_entrys_own_transaction_are_accepted() -> None:
    with transaction.atomic(), transaction.atomic():
        ledger.post("float", [(CASH, 5), (BUDGET, -5)], key="inner", at=NOW)

    assert Entry.objects.filter(key="inner").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_entry SET kind = 'other'",
        "DELETE FROM payments_entry",
        "TRUNCATE payments_entry CASCADE",
        "UPDATE payments_posting SET amount = 7",
        "DELETE FROM payments_posting",
        "TRUNCATE payments_posting",
        "UPDATE payments_account SET balance = 9",
        "UPDATE payments_account SET floor = NULL",
        "UPDATE payments_account SET code = 'x' || code",
        "DELETE FROM payments_account",
        "TRUNCATE payments_account CASCADE",
        "INSERT INTO payments_account (code, kind, currency, floor, balance, version)"
        " VALUES ('gift', 'liability', 'USD', 0, -500, 0)",
    ],
)
def test_history_and_balances_cannot_be_rewritten(statement: str) -> None:
    an_entry()

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_even_the_owner_of_the_tables_cannot_rewrite_them() -> None:
    an_entry()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger WHERE tgname ~ '(append_only|keep|guard)$'"
            " AND tgrelid::regclass::text IN ('payments_entry', 'payments_posting', 'payments_account') GROUP BY 1"
        )
        assert dict(cursor.fetchall()) == {"payments_entry": 2, "payments_posting": 2, "payments_account": 3}


def test_a_balance_below_its_floor_is_refused() -> None:
    cash, budget = accounts()

    with pytest.raises(DatabaseError, match="account_not_below_floor"), transaction.atomic():
        raw_entry((cash, -6, "USD"), (budget, 6, "USD"))


def test_an_entry_is_reversed_once_by_the_table_too() -> None:
    entry = an_entry()
    with transaction.atomic():
        ledger.reverse(entry, key="back", at=NOW)

    with pytest.raises(DatabaseError, match="reverses"), transaction.atomic():
        Entry.objects.create(key="again", kind="raw", payload_sha256="x", at=NOW, reverses=entry)


def test_a_key_is_written_once_by_the_table_too() -> None:
    an_entry()

    with pytest.raises(DatabaseError, match="key"), transaction.atomic():
        Entry.objects.create(key="k", kind="raw", payload_sha256="x", at=NOW)


def test_rates_do_not_overlap() -> None:
    domain("law")
    card = actions.install_rate_card(now=NOW)
    rate = card.rates.get(domain__slug="law", tier=1)

    with pytest.raises(DatabaseError, match="rate_holds_alone"), transaction.atomic():
        Rate.objects.create(
            card=card, domain=rate.domain, tier=1, kind="", currency="USD", during=rate.during, minor_per_hour=1
        )


@pytest.mark.parametrize("statement", ["UPDATE payments_rate SET minor_per_hour = 1", "DELETE FROM payments_rate"])
def test_a_published_rate_never_changes(statement: str) -> None:
    domain("law")
    actions.install_rate_card(now=NOW)

    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change", [{"amount_minor": 1}, {"seconds": 1}, {"rate_minor": 1}, {"week_start": MONDAY - timedelta(days=7)}]
)
def test_a_pay_line_never_changes_what_it_pays(change: dict[str, object]) -> None:
    lab = a_funded_lab()
    line = earn(lab, a_project(lab), a_payable_expert())

    with pytest.raises(DatabaseError, match="never changes what it pays"), transaction.atomic():
        PayLine.objects.filter(pk=line.pk).update(**change)


def test_a_pay_line_is_never_deleted() -> None:
    lab = a_funded_lab()
    earn(lab, a_project(lab), a_payable_expert())

    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        PayLine.objects.all()._raw_delete("default")


def test_a_hold_is_never_deleted_or_moved_to_another_project() -> None:
    lab = a_funded_lab()
    hold = hold_for(lab, a_project(lab))

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        type(hold).objects.filter(pk=hold.pk).update(project="prj_b")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        hold.delete()


def test_a_pay_line_does_not_jump_from_one_item_to_another() -> None:
    run = a_submitted_run(260_00, 130_00)
    first, second = run.items.all()

    with pytest.raises(DatabaseError, match="one payout item"), transaction.atomic():
        PayLine.objects.filter(item=first).update(item=second)


def test_a_submitted_run_keeps_its_lines_and_takes_no_more() -> None:
    run = a_submitted_run(260_00)
    item = run.items.get()
    lab = a_funded_lab()
    line = earn(lab, a_project(lab), item.expert)

    with pytest.raises(DatabaseError, match="takes no more"), transaction.atomic():
        PayLine.objects.filter(pk=line.pk).update(item=item, state="LOCKED")
    with pytest.raises(DatabaseError, match="keeps its pay lines"), transaction.atomic():
        PayLine.objects.filter(item=item).update(item=None, state="AVAILABLE")


@pytest.mark.parametrize("change", [{"amount_minor": 1}, {"destination": "acct_other"}, {"line_count": 9}])
def test_an_item_of_a_submitted_run_does_not_change(change: dict[str, object]) -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        run.items.update(**change)


def test_an_item_cannot_join_or_leave_a_submitted_run() -> None:
    run = a_submitted_run(260_00)
    item = run.items.get()
    other = a_payable_expert("Dov")

    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        PayoutItem.objects.create(
            run=run, expert=other, payee=other.payee, destination="acct_x", currency="USD", amount_minor=1,
            line_count=1, seconds=1, state="QUEUED", state_changed_at=NOW,
        )  # fmt: skip
    with pytest.raises(DatabaseError, match=r"does not change|foreign key"), transaction.atomic():
        PayoutItem.objects.filter(pk=item.pk)._raw_delete("default")


def test_a_runs_totals_and_hash_are_frozen() -> None:
    run = a_submitted_run(260_00)

    for change in ({"total_minor": 1}, {"content_sha256": "0" * 64}, {"left_out": [1]}):
        with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
            PayoutRun.objects.filter(pk=run.pk).update(**change)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        PayoutRun.objects.filter(pk=run.pk).update(built_by=finance("Bo Finch"))


@pytest.mark.parametrize("state", [RunState.APPROVED, RunState.SENDING])
def test_a_run_without_approvals_moves_nowhere(state: RunState) -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="needs more approvals"), transaction.atomic():
        PayoutRun.objects.filter(pk=run.pk).update(state=state)


def test_one_approval_is_not_enough_above_ten_thousand_dollars() -> None:
    run = a_submitted_run(10_000_01)
    approve_by_table(run, finance("Bo Finch"))

    with pytest.raises(DatabaseError, match="needs more approvals"), transaction.atomic():
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.APPROVED)


def approve_by_table(run: PayoutRun, user: User, sha256: str = "") -> None:
    """Write an approval past the action."""
    with transaction.atomic():
        RunApproval.objects.create(
            run=run, user=user, content_sha256=sha256 or run.content_sha256, approved_at=AFTER_WEEK
        )


def test_the_builder_cannot_approve_in_the_table() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="built or changed"):
        approve_by_table(run, run.built_by)


def test_an_editor_cannot_approve_in_the_table() -> None:
    run = a_submitted_run(260_00)
    bo = finance("Bo Finch")
    RunEdit.objects.create(run=run, by=bo, what="Left out exp_x", at=AFTER_WEEK - timedelta(hours=71))

    with pytest.raises(DatabaseError, match="built or changed"):
        approve_by_table(run, bo)


def test_a_payee_cannot_approve_in_the_table() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="would receive"):
        approve_by_table(run, run.items.get().expert.user)


def test_the_same_person_cannot_approve_twice_in_the_table() -> None:
    run = a_submitted_run(10_000_01)
    bo = finance("Bo Finch")
    approve_by_table(run, bo)

    with pytest.raises(DatabaseError, match="approval_once_per_person"):
        approve_by_table(run, bo)


def test_an_approval_of_other_content_is_refused() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="exactly what was submitted"):
        approve_by_table(run, finance("Bo Finch"), "0" * 64)


def test_an_approval_is_voided_never_changed_or_deleted() -> None:
    run = a_submitted_run(10_000_01)
    approve_by_table(run, finance("Bo Finch"))

    with pytest.raises(DatabaseError, match="only be voided"), transaction.atomic():
        RunApproval.objects.update(user=finance("Gil Hart"))
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        RunApproval.objects.all()._raw_delete("default")


def test_nothing_is_sent_from_a_run_that_is_not_sending() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="nothing is sent"), transaction.atomic():
        run.items.update(state="SENDING")


def test_a_run_whose_totals_are_wrong_cannot_be_submitted() -> None:
    lab = a_funded_lab()
    earn(lab, a_project(lab), a_payable_expert())
    run = actions.build_run(MONDAY, by=finance(), now=AFTER_WEEK)

    with pytest.raises(DatabaseError, match="totals"), transaction.atomic():
        PayoutRun.objects.filter(pk=run.pk).update(
            state="PENDING_APPROVAL", total_minor=1, content_sha256="0" * 64, submitted_at=AFTER_WEEK
        )


def test_a_run_and_its_edits_are_never_deleted() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        PayoutRun.objects.filter(pk=run.pk)._raw_delete("default")
    with pytest.raises(DatabaseError), transaction.atomic():
        RunEdit.objects.all()._raw_delete("default")
