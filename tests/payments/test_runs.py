"""The weekly run: whom it pays, whom it leaves out, who may approve, and that nobody is in it twice."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import AuditEvent, Notification, OutboxItem, RoleGrant
from experts.models import Expert, TierGrant
from kernel.errors import IllegalMove, Refused
from kernel.money import usd
from labs.models import Lab
from payments import actions, ledger
from payments.actions import MayNotApprove
from payments.models import Payee, PayLine, PayoutItem, PayoutRun, RunApproval
from payments.planning import payable_lines, plan_run
from payments.queries.runs import run_facts, run_page
from payments.rules import why_not_approve
from payments.states import ItemState, PayLineState, RunState
from tests.accounts.factories import make_operator
from tests.experts.factories import an_expert, domain
from tests.payments.factories import (
    AFTER_WEEK,
    MONDAY,
    NOW,
    a_funded_lab,
    a_payable_expert,
    a_project,
    a_submitted_run,
    add_by_case,
    earn,
    finance,
    payee_of,
)

pytestmark = pytest.mark.django_db


def build(by: object = None) -> PayoutRun:
    """Build the week's run."""
    return actions.build_run(MONDAY, by=by or finance("Ada Byron"), now=AFTER_WEEK)  # type: ignore[arg-type]  # A user.


def left_out(run: PayoutRun) -> dict[str, str]:
    """Return the reasons by name."""
    return {each["name"]: each["reason"] for each in run.left_out}


def test_a_run_collects_each_experts_lines_into_one_item() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    cyd, dov = a_payable_expert("Cyd Marlowe"), a_payable_expert("Dov Katz")
    for seconds in (7_800, 6_600):
        earn(lab, project, cyd, seconds)
    earn(lab, project, dov, 60, rate=300_00)

    run = build()

    items = run.items.order_by("-amount_minor").values_list("expert", "amount_minor", "line_count", "seconds", "state")
    assert list(items) == [(cyd.pk, 1_040_00, 2, 14_400, "QUEUED"), (dov.pk, 5_00, 1, 60, "QUEUED")]
    assert (run.number, run.total_minor, run.item_count, run.state) == (1, 1_045_00, 2, RunState.DRAFT)
    assert set(PayLine.objects.values_list("state", flat=True)) == {PayLineState.LOCKED}


def test_a_run_builds_without_a_statement_an_item() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    for name in ("Cyd One", "Cyd Two", "Cyd Three", "Cyd Four"):
        earn(lab, project, a_payable_expert(name), 60)
    ada = finance()

    plan = plan_run(list(payable_lines(MONDAY)), MONDAY, now=AFTER_WEEK)
    run = build(ada)

    assert (len(plan.items), run.item_count, plan.total_minor) == (4, 4, run.total_minor)


def test_those_who_cannot_be_paid_are_left_out_with_the_reason() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    for name in ("Cyd Ready", "Nia New", "Rex Restricted", "Bea Bank", "Tia Tiny", "Kim Abroad"):
        expert = an_expert(name, country="KE") if name == "Kim Abroad" else a_payable_expert(name)
        earn(lab, project, expert, 3_600, rate=99 if name == "Tia Tiny" else 260_00)
    Payee.objects.filter(expert__user__name="Nia New").update(state="NONE", stripe_id="", ready_at=None)
    Payee.objects.filter(expert__user__name="Rex Restricted").update(state="RESTRICTED")
    Payee.objects.filter(expert__user__name="Bea Bank").update(bank_changed_at=AFTER_WEEK - timedelta(hours=71))

    run = build()

    assert left_out(run) == {
        "Nia New": "Has not set up payouts.",
        "Rex Restricted": "Stripe asks the expert for more before it pays.",
        "Bea Bank": "Changed the bank account less than 72 hours ago.",
        "Tia Tiny": "Less than $1.00: rolls over to the next run.",
        "Kim Abroad": "Lives where no payout rail reaches.",
    }
    assert [item.expert.user.name for item in run.items.all()] == ["Cyd Ready"]
    assert PayLine.objects.filter(state=PayLineState.AVAILABLE).count() == 5


def test_what_was_left_out_rolls_over_to_the_next_run() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    cyd = a_payable_expert()
    earn(lab, project, cyd, 3_600, rate=60)
    build()
    earn(lab, project, cyd, 3_600, rate=60, at=NOW + timedelta(days=7))

    run = actions.build_run(MONDAY + timedelta(days=7), by=finance("Bo Finch"), now=AFTER_WEEK + timedelta(days=7))

    assert (run.total_minor, run.items.get().line_count) == (1_20, 2)


@pytest.mark.parametrize(
    ("worked", "added", "said"),
    [
        (36_000, 3_600, ["First payout", "60 min of it were added by cases"]),
        (36_000, 3_599, ["First payout"]),
        (2_699, 900, ["First payout", "15 min of it were added by cases"]),
        (2_700, 900, ["First payout"]),
    ],
)
def test_a_large_correction_of_time_is_unusual(worked: int, added: int, said: list[str]) -> None:
    lab, cyd = a_funded_lab(), a_payable_expert()
    project = a_project(lab)
    earn(lab, project, cyd, worked, rate=60_00)
    add_by_case(lab, project, cyd, added, by=make_operator("trust", name="Tess"))

    run = build()

    assert run.items.get().anomalies == said


def test_what_was_decided_after_the_week_waits() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    cyd = a_payable_expert()
    earn(lab, project, cyd, 3_600, at=AFTER_WEEK.replace(hour=0) - timedelta(microseconds=1))
    earn(lab, project, cyd, 60, at=AFTER_WEEK.replace(hour=0))

    run = build()

    assert run.total_minor == 260_00


@pytest.mark.parametrize(
    ("week", "now", "said"),
    [
        (MONDAY + timedelta(days=1), AFTER_WEEK, "starts on a Monday"),
        (MONDAY, AFTER_WEEK.replace(hour=0) - timedelta(seconds=1), "not over yet"),
    ],
)
def test_a_run_is_built_for_a_full_week_only(week: object, now: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        actions.build_run(week, by=finance(), now=now)  # type: ignore[arg-type]  # A date and a time.


def test_a_week_has_one_run_until_that_is_cancelled() -> None:
    earn_one = a_funded_lab()
    earn(earn_one, a_project(earn_one), a_payable_expert())
    ada = finance()
    first = build(ada)

    with pytest.raises(Refused, match="already"):
        build(ada)
    actions.cancel_run(first, by=ada, reason="Wrong week", now=AFTER_WEEK)
    second = build(ada)

    assert (second.number, second.total_minor, PayLine.objects.get().item_id) == (2, 260_00, second.items.get().pk)


def test_an_empty_run_cannot_be_submitted() -> None:
    ada = finance()
    run = build(ada)

    with pytest.raises(Refused, match="pays nobody"):
        actions.submit_run(run, by=ada, now=AFTER_WEEK)


def test_an_item_left_out_of_a_draft_waits_for_the_next_run() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    cyd, dov = a_payable_expert("Cyd"), a_payable_expert("Dov")
    earn(lab, project, cyd)
    earn(lab, project, dov)
    run = build()

    actions.leave_out(run.items.get(expert=cyd), by=finance("Bo Finch"), reason="A case is open", now=AFTER_WEEK)

    run.refresh_from_db()
    assert (run.total_minor, run.item_count, left_out(run)) == (260_00, 1, {"Cyd": "A case is open"})
    assert PayLine.objects.get(expert=cyd).state == PayLineState.AVAILABLE


def test_submitting_freezes_the_content_and_tells_the_others() -> None:
    bo = finance("Bo Finch")

    run = a_submitted_run(260_00)

    assert (run.state, len(run.content_sha256)) == (RunState.PENDING_APPROVAL, 64)
    assert list(Notification.objects.filter(user=bo).values_list("text", flat=True)) == [
        "Payout run 1 waits for approval."
    ]


def test_another_person_approves_and_the_run_goes_out() -> None:
    run = a_submitted_run(260_00)

    run = actions.approve_run(run, by=finance("Bo Finch"), now=AFTER_WEEK)

    assert run.state == RunState.APPROVED
    assert OutboxItem.objects.filter(kind="payments.send_run", payload={"run": str(run.pk)}).count() == 1
    verbs = AuditEvent.objects.filter(object_id=run.public_id).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == [
        "payout_run.built",
        "payout_run.submitted",
        "payout_run.approval",
        "payout_run.approved",
    ]


def test_who_built_a_run_does_not_approve_it() -> None:
    ada = finance("Ada Byron")
    run = a_submitted_run(260_00, by=ada)

    with pytest.raises(MayNotApprove, match="You built this run"):
        actions.approve_run(run, by=ada, now=AFTER_WEEK)


def test_who_changed_a_run_does_not_approve_it_for_72_hours() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    earn(lab, project, a_payable_expert("Cyd"))
    dov = a_payable_expert("Dov")
    earn(lab, project, dov)
    ada, bo = finance("Ada Byron"), finance("Bo Finch")
    run = build(ada)
    actions.leave_out(run.items.get(expert=dov), by=bo, reason="A case is open", now=AFTER_WEEK)
    run = actions.submit_run(run, by=ada, now=AFTER_WEEK)

    with pytest.raises(MayNotApprove, match="You changed this run"):
        actions.approve_run(run, by=bo, now=AFTER_WEEK + timedelta(hours=71))
    run = actions.approve_run(run, by=bo, now=AFTER_WEEK + timedelta(hours=72))

    assert run.state == RunState.APPROVED


def test_whom_a_run_pays_does_not_approve_it() -> None:
    run = a_submitted_run(260_00)
    user = run.items.get().expert.user
    user.operator_roles = ["finance"]

    with pytest.raises(MayNotApprove, match="This run pays you"):
        actions.approve_run(run, by=user, now=AFTER_WEEK)


def test_who_just_granted_a_payees_tier_does_not_approve_it() -> None:
    run = a_submitted_run(260_00)
    bo = finance("Bo Finch")
    TierGrant.objects.create(
        expert=run.items.get().expert, domain=domain("law"), tier=2, granted_by=bo, reason="Known",
        granted_at=AFTER_WEEK - timedelta(hours=71),
    )  # fmt: skip

    with pytest.raises(MayNotApprove, match="changed a rate or a tier"):
        actions.approve_run(run, by=bo, now=AFTER_WEEK)


def test_someone_without_the_finance_role_does_not_approve() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(MayNotApprove, match="finance role"):
        actions.approve_run(run, by=make_operator("trust", "owner", name="Tri"), now=AFTER_WEEK)


@pytest.mark.parametrize(("cents", "needed"), [(10_000_00, 1), (10_000_01, 2)])
def test_ten_thousand_dollars_need_one_person_and_a_cent_more_needs_two(cents: int, needed: int) -> None:
    run = a_submitted_run(cents)

    run = actions.approve_run(run, by=finance("Bo Finch"), now=AFTER_WEEK)
    after_one = run.state
    if needed == 2:
        run = actions.approve_run(run, by=finance("Gil Hart"), now=AFTER_WEEK)

    assert (after_one, run.state) == (
        RunState.APPROVED if needed == 1 else RunState.PENDING_APPROVAL,
        RunState.APPROVED,
    )


def test_the_same_person_does_not_approve_twice() -> None:
    run = a_submitted_run(10_000_01)
    bo = finance("Bo Finch")
    run = actions.approve_run(run, by=bo, now=AFTER_WEEK)

    with pytest.raises(MayNotApprove, match="already"):
        actions.approve_run(run, by=bo, now=AFTER_WEEK)


def test_an_approval_of_someone_who_lost_the_role_no_longer_counts() -> None:
    run = a_submitted_run(10_000_01)
    bo = finance("Bo Finch")
    actions.approve_run(run, by=bo, now=AFTER_WEEK)
    RoleGrant.objects.filter(user=bo).update(revoked_at=AFTER_WEEK)

    run = actions.approve_run(run, by=finance("Gil Hart"), now=AFTER_WEEK)
    after_two = run.state
    run = actions.approve_run(run, by=finance("Ira Lund"), now=AFTER_WEEK)

    assert (after_two, run.state) == (RunState.PENDING_APPROVAL, RunState.APPROVED)


def test_an_approved_run_is_not_approved_again() -> None:
    run = actions.approve_run(a_submitted_run(260_00), by=finance("Bo Finch"), now=AFTER_WEEK)

    with pytest.raises(MayNotApprove, match="waits for approval"):
        actions.approve_run(run, by=finance("Gil Hart"), now=AFTER_WEEK)


def test_rejecting_or_editing_voids_the_approvals() -> None:
    run = a_submitted_run(10_000_01)
    bo, gil = finance("Bo Finch"), finance("Gil Hart")
    run = actions.approve_run(run, by=bo, now=AFTER_WEEK)

    run = actions.reject_run(run, by=gil, reason="Too much", now=AFTER_WEEK)
    run = actions.reopen_run(run, by=gil, now=AFTER_WEEK)
    run = actions.submit_run(run, by=run.built_by, now=AFTER_WEEK)
    run = actions.approve_run(run, by=bo, now=AFTER_WEEK)

    assert (run.state, RunApproval.objects.filter(voided_at__isnull=True).count()) == (RunState.PENDING_APPROVAL, 1)


def test_a_submitted_run_is_not_edited() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(Refused, match="Only a draft"):
        actions.leave_out(run.items.get(), by=finance("Bo Finch"), reason="Later", now=AFTER_WEEK)


def test_an_approved_run_can_be_cancelled_before_it_is_sent() -> None:
    bo = finance("Bo Finch")
    run = actions.approve_run(a_submitted_run(260_00), by=bo, now=AFTER_WEEK)

    run = actions.cancel_run(run, by=bo, reason="Bank holiday", now=AFTER_WEEK)

    assert (run.state, run.items.get().state, PayLine.objects.get().state) == (
        RunState.CANCELLED,
        ItemState.CANCELLED,
        PayLineState.AVAILABLE,
    )


def test_a_run_that_waits_for_approval_is_rejected_before_it_is_cancelled() -> None:
    run = a_submitted_run(260_00)

    with pytest.raises(IllegalMove):
        actions.cancel_run(run, by=finance("Bo Finch"), reason="Not now", now=AFTER_WEEK)


def test_building_moves_no_money() -> None:
    run = a_submitted_run(260_00)
    expert = run.items.get().expert

    assert ledger.balance(ledger.expert_available(expert, "USD")) == usd(260_00)
    assert ledger.balance(ledger.payout_in_flight("USD")) == usd(0)


def test_the_desk_names_what_is_unusual() -> None:
    lab = a_funded_lab(100_000_00)
    project = a_project(lab, 90_000_00)
    cyd, dov, eve = (a_payable_expert(name) for name in ("Cyd", "Dov", "Eve"))
    paid_before(lab, project, cyd, dov)
    earn(lab, project, cyd, 3_600, rate=301_00)
    earn(lab, project, dov, 41 * 3_600, rate=1_00)
    earn(lab, project, eve, 60)
    Payee.objects.filter(expert=cyd).update(bank_changed_at=AFTER_WEEK - timedelta(days=4))

    run = actions.build_run(MONDAY, by=finance(), now=AFTER_WEEK)

    said = {item.expert.user.name: item.anomalies for item in run.items.select_related("expert__user")}
    assert said == {
        "Cyd": ["The bank account changed in the last 7 days", "3.0 times what is usual"],
        "Dov": ["41 h of paid time in one run"],
        "Eve": ["First payout"],
    }


def paid_before(lab: Lab, project: str, *experts: Expert) -> None:
    """Pay experts a hundred dollars in the week before, as the sender leaves it."""
    then = NOW - timedelta(days=7)
    for expert in experts:
        earn(lab, project, expert, 3_600, rate=100_00, at=then)
    sunday = AFTER_WEEK - timedelta(days=7)
    ada = finance("Old Ada")
    run = actions.build_run(MONDAY - timedelta(days=7), by=ada, now=sunday)
    run = actions.approve_run(actions.submit_run(run, by=ada, now=sunday), by=finance("Old Bo"), now=sunday)
    PayoutRun.objects.filter(pk=run.pk).update(state=RunState.SENDING)
    for item in run.items.all():
        with transaction.atomic():
            legs = [
                (ledger.expert_available(item.expert, "USD"), item.amount_minor),
                (ledger.stripe_available("USD"), -item.amount_minor),
            ]
            ledger.post("payout", legs, key=f"paid-{item.public_id}", at=sunday)
            item.lines.update(state=PayLineState.PAID)
            PayoutItem.objects.filter(pk=item.pk).update(
                state=ItemState.PAID, paid_at=sunday, stripe_id=f"tr_{item.public_id}"
            )


def test_the_page_of_a_run_adds_up_and_says_who_may_approve() -> None:
    run = a_submitted_run(260_00, 130_00)
    bo = finance("Bo Finch")

    page = run_page(run, bo, AFTER_WEEK)

    assert (page.total, page.ledger_says, page.adds_up, page.line_count, page.needed) == (
        usd(390_00),
        usd(390_00),
        True,
        2,
        1,
    )
    assert (page.why_not, why_not_approve(run.built_by, run, run_facts(run, AFTER_WEEK))) == (
        [],
        ["You built this run. Someone else approves it."],
    )


def test_an_operator_never_sees_their_own_payout() -> None:
    run = a_submitted_run(260_00, 130_00)
    own = run.items.order_by("amount_minor").first()
    assert own is not None

    page = run_page(run, own.expert.user, AFTER_WEEK)

    assert ([item.amount_minor for item in page.items], page.hides_own) == ([260_00], True)


def test_a_payee_changed_after_building_is_caught_by_the_destination() -> None:
    run = a_submitted_run(260_00)
    item = run.items.get()

    assert item.destination == payee_of(item.expert).stripe_id


@pytest.mark.django_db(transaction=True)
def test_a_line_in_one_run_is_in_no_other() -> None:
    lab = a_funded_lab()
    project = a_project(lab)
    earn(lab, project, a_payable_expert())
    build()
    later = actions.build_run(MONDAY + timedelta(days=7), by=finance("Bo Finch"), now=AFTER_WEEK + timedelta(days=7))

    with transaction.atomic():
        assert (PayoutItem.objects.count(), later.item_count, later.total_minor) == (1, 0, 0)
