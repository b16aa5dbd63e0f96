"""Money that really moved at the local Stripe: a float, a lab's card, and the run that it pays."""

from __future__ import annotations

from django.db import transaction

from accounts.outbox import drain
from kernel.money import usd
from labs.actions import approve_lab, register_lab
from labs.models import Lab
from payments import actions, credits
from payments.gateways import stripe as gateway
from payments.models import Difference, PayoutRun, Reconciliation
from payments.reconciliation import reconcile
from tests.accounts.factories import make_operator, make_user
from tests.payments.sending_cast import EARNED_AT, PROJECT, a_payee, approve, build, earn
from tests.stripe_fixture import StripeAtHand

FLOAT_MINOR = 500_00


def a_lab_that_paid(stripe: StripeAtHand, minor: int) -> Lab:
    """Make a lab whose card was charged and settled, and whose whole balance is a project's."""
    topup = gateway.create_topup(amount=usd(FLOAT_MINOR), description="Float", key="float-1")
    actions.post_float(FLOAT_MINOR, topup_id=topup, by=None, now=EARNED_AT)
    owner = make_user("Lea")
    lab = register_lab(owner=owner, name="Lab", contact_email="lab@example.org", country="US", now=EARNED_AT)
    approve_lab(lab, by=make_operator("vetting", name="Vic"), reason="Known to us", now=EARNED_AT)
    funding = actions.start_funding(lab, usd(minor), by=owner, now=EARNED_AT, payment_method="pm_card_bypassPending")
    drain()
    with transaction.atomic():
        credits.allocate(lab=lab, project=PROJECT, amount=usd(minor), key=f"all-{funding.public_id}", at=EARNED_AT)
    return lab


def an_approved_run(stripe: StripeAtHand, *dollars: int) -> PayoutRun:
    """Approve a run that pays one expert for each amount; all money came by real movements."""
    lab = a_lab_that_paid(stripe, sum(dollars) * 100)
    for number, each in enumerate(dollars):
        earn(a_payee(stripe, f"Expert{number} Marlowe").expert, lab, each)
    return approve(build())


def reconciled() -> Reconciliation:
    """Compare everything, as the night does."""
    return reconcile()


def differing() -> list[tuple[str, int, int]]:
    """Return what is open: its kind, what we say, what Stripe says."""
    rows = Difference.objects.filter(resolved_at__isnull=True).order_by("kind", "key")
    return [(row.kind, row.ours_minor, row.theirs_minor) for row in rows]


def the_difference() -> Difference:
    """Return the one that is open."""
    return Difference.objects.get(resolved_at__isnull=True)
