"""The pages of money as a browser shows them: nothing for axe to find, nothing blocked, nothing too wide."""

import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.clock import set_offset
from accounts.models import User
from experts.models import Expert
from kernel.db import app_now
from kernel.money import usd
from labs.models import Lab
from payments import actions, ledger
from payments.models import Difference, Movement, Payee, PayoutItem, PayoutRun, Reconciliation
from payments.queries import month_of
from payments.states import ItemState, PayLineState, RunState
from tests.browser import OpenPage, breaches, overflow
from tests.experts.factories import an_expert, domain
from tests.payments.factories import (
    AFTER_WEEK,
    MONDAY,
    NOW,
    a_funded_lab,
    a_payable_expert,
    a_project,
    earn,
    finance,
    hold_for,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SHOTS = os.environ.get("SHOTS_DIR", "")  # Keep the pictures there, to be looked at.
LOOKS = [(False, 1440), (True, 1440), (False, 390), (True, 390), (False, 360)]


@dataclass(frozen=True)
class Scene:
    """A lab that pays, an expert with a history, and finance with a run to approve."""

    lab: Lab
    cyd: Expert
    builder: User
    approver: User
    paid: PayoutRun
    waiting: PayoutRun


def pay(run: PayoutRun) -> None:
    """Leave a run as the sender does when everyone is paid."""
    run = actions.submit_run(run, by=run.built_by, now=run.built_at)
    for person in (finance("Tomasz Lewandowski"), finance("Gil Hart")):
        run.refresh_from_db()
        if run.state == RunState.PENDING_APPROVAL:
            actions.approve_run(run, by=person, now=run.built_at)
    PayoutRun.objects.filter(pk=run.pk).update(state=RunState.SENDING)
    for number, item in enumerate(run.items.select_related("expert")):
        with transaction.atomic():
            legs = [
                (ledger.expert_available(item.expert, "USD"), item.amount_minor),
                (ledger.stripe_available("USD"), -item.amount_minor),
            ]
            ledger.post("payout", legs, key=f"paid-{item.public_id}", at=run.built_at)
            item.lines.update(state=PayLineState.PAID)
            PayoutItem.objects.filter(pk=item.pk).update(
                state=ItemState.PAID, paid_at=run.built_at, stripe_id=f"tr_sbx{run.number}x{number}aa9dF"
            )
    PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPLETED, completed_at=run.built_at)


def set_the_scene() -> Scene:
    """Make five weeks of work, four of them paid, and a run that waits."""
    domain("law")
    actions.install_rate_card(now=NOW - timedelta(days=60))
    lab = a_funded_lab(60_000_00)
    project = a_project(lab, 40_000_00)
    a_project(lab, 2_500_00)
    hold_for(lab, project, work=940_00)
    cyd = a_payable_expert("Adaeze Okafor")
    others = [a_payable_expert(name) for name in ("Wei Zhang", "Femke Drost", "Rosalind Achebe van den Berg-Huysmans")]
    builder = finance("Inés Carvalho")
    runs = []
    for back in (4, 3, 2, 1, 0):
        shift = timedelta(days=7 * back)
        for number, seconds in enumerate((7_800, 6_600, 9_900)):
            earn(lab, project, cyd, seconds + 600 * back, at=NOW - shift + timedelta(hours=number))
        for number, expert in enumerate(others[: 2 if back else 3]):
            earn(lab, project, expert, (2_000 + 900 * number) * (9 if number == 0 and not back else 1), at=NOW - shift)
        if back == 0:
            earn(lab, project, nobody := an_expert("Marguerite Sol"), 5_400)
            Payee.objects.filter(expert=nobody).delete()
        runs.append(actions.build_run(MONDAY - shift, by=builder, now=AFTER_WEEK - shift))
        if back:
            pay(runs[-1])
    waiting = actions.submit_run(runs[-1], by=builder, now=AFTER_WEEK)
    earn(lab, project, cyd, 3_000, at=AFTER_WEEK + timedelta(hours=1))
    declined = actions.start_funding(lab, usd(500_00), by=lab.members.get().user, now=AFTER_WEEK)
    actions.funding.fail_funding(declined.pk, code="card_declined", detail="Your card was declined.", now=AFTER_WEEK)
    with transaction.atomic():
        set_offset(AFTER_WEEK + timedelta(hours=9) - app_now())
    return Scene(lab, cyd, builder, finance("Tomasz Lewandowski"), runs[0], waiting)


def stand_still(scene: Scene) -> None:
    """Stop payouts, and leave something that differs, something that ended, and what was compared."""
    at = AFTER_WEEK + timedelta(hours=8)
    actions.stop_payouts(by=scene.builder, reason="Three experts wrote that their bank was changed.", now=at)
    moved = Movement.objects.create(
        stripe_id="txn_sbx00000000000042",
        kind="stripe_fee",
        currency="USD",
        amount_minor=-7_00,
        fee_minor=0,
        net_minor=-7_00,
        created_at=at,
        seen_at=at,
    )
    what = "Stripe moved money that no entry explains: stripe_fee txn_sbx00000000000042."
    found = {"currency": "USD", "theirs_minor": -7_00, "found_at": at}
    Difference.objects.create(kind="movement", key="movement", what=what, movement=moved, **found)
    Difference.objects.create(kind="balance", key="balance", what="The ledger does not hold what Stripe says.", **found)
    ended = {"resolved_at": at, "reason": "It agrees again, or was explained since."}
    Difference.objects.create(kind="entry", key="entry", what="The entry float-tu_sbx1 books money.", **found, **ended)
    line = {"what": "Balance at Stripe", "ours_minor": 1_204_311_05, "theirs_minor": 1_204_304_05, "currency": "USD"}
    Reconciliation.objects.create(at=at, by=scene.approver, movements=1_041, lines=[line], found=2)


def look(open_page: OpenPage, addresses: dict[str, str], user: User | None = None) -> dict[str, object]:
    """Open each page in every look; return what is wrong with any."""
    wrong: dict[str, object] = {}
    for dark, width in LOOKS:
        page = open_page(user, dark=dark, width=width)
        for name, address in addresses.items():
            answer = page.goto(address)
            assert answer is not None
            if SHOTS:
                mode = "dark" if dark else "light"
                page.screenshot(path=Path(SHOTS) / f"{name}-{mode}-{width}.png", full_page=True)
            problems = [*breaches(page), *([f"{overflow(page)} px too wide"] if overflow(page) else [])]
            if answer.status != 200 or problems:
                wrong[f"{name} at {width}{' dark' if dark else ''}"] = [answer.status, *problems]
    return wrong


def test_the_pages_of_money_have_nothing_wrong(page: OpenPage) -> None:
    scene = set_the_scene()
    item = scene.waiting.items.order_by("-amount_minor")[0]
    paid_item = scene.paid.items.get(expert=scene.cyd)
    fresh = an_expert("Nia New")
    actions.lock_journal_batch(by=scene.approver, now=AFTER_WEEK)
    for by, reason in ((scene.builder, "The lab was charged twice for a batch."), (scene.approver, "Unbroken" * 40)):
        actions.request_correction(
            debit="goodwill_expense", credit="lab_prepaid", lab=scene.lab, amount=usd(125_00), reason=reason, by=by,
            now=AFTER_WEEK,
        )  # fmt: skip
    actions.issue_receipt(scene.lab.fundings.get(succeeded_at__isnull=False), now=AFTER_WEEK)
    actions.issue_lab_statement(scene.lab, month_of(date(2026, 10, 1)), now=AFTER_WEEK)
    actions.issue_expert_statement(scene.cyd, month_of(date(2026, 10, 1)), now=AFTER_WEEK)

    wrong = {
        **look(page, {"rates": reverse("payments:rates")}),
        **look(
            page,
            {
                "earnings": f"{reverse('payments:earnings')}?open={paid_item.public_id}",
                "payee": reverse("payments:payee"),
                "tax": reverse("payments:tax"),
                "year": f"{reverse('payments:year', args=[2026])}?open=2026-10",
                "pay-line": reverse("tasks:pay_line", args=[paid_item.lines.all()[0].pk]),
            },
            scene.cyd.user,
        ),
        **look(
            page,
            {
                "earnings-empty": reverse("payments:earnings"),
                "payee-new": reverse("payments:payee"),
                "tax-new": reverse("payments:tax"),
                "year-empty": reverse("payments:year", args=[2026]),
            },
            fresh.user,
        ),
        **look(page, {"funds": reverse("payments:funds")}, scene.lab.members.get().user),
        **look(
            page,
            {
                "runs": reverse("payments:runs"),
                "tax-desk": reverse("payments:tax_desk"),
                "journal": reverse("payments:journal"),
                "ledger": reverse("payments:ledger"),
                "ledger-statement": f"{reverse('payments:ledger')}?account=lab_prepaid:{scene.lab.public_id}",
                "ledger-none": f"{reverse('payments:ledger')}?account=nothing",
                "corrections": reverse("payments:corrections"),
                "run": reverse("payments:run", args=[scene.waiting.pk]),
                "run-open": f"{reverse('payments:run', args=[scene.waiting.pk])}?open={item.public_id}",
                "run-paid": reverse("payments:run", args=[scene.paid.pk]),
            },
            scene.approver,
        ),
        **look(page, {"run-builder": reverse("payments:run", args=[scene.waiting.pk])}, scene.builder),
        **look(page, {"reconcile-empty": reverse("payments:reconcile")}, scene.approver),
    }
    stand_still(scene)
    standing = {name: reverse(f"payments:{name}") for name in ("runs", "reconcile", "stop")}
    wrong |= look(page, {f"{name}-standing": address for name, address in standing.items()}, scene.approver)

    assert wrong == {}
