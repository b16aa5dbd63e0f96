"""Make experts payable: an account at Stripe, a fresh link on each click, readiness read again each time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.audit import audit
from accounts.mail import post_mail
from accounts.notices import notify
from experts.models import Expert
from kernel.db import action, app_now
from kernel.errors import Refused
from kernel.states import move
from payments.actions.taxes import ask_for_tax_form, note_tax_form
from payments.gateways import stripe as gateway
from payments.gateways.types import Recipient
from payments.models import Payee
from payments.rules import has_payout_rail
from payments.states import PAYEE_MOVES, PayeeState

READ_AS = {"active": PayeeState.ACTIVE, "pending": PayeeState.PENDING}
NEEDS_SHOWN = 20


class NoPayoutRail(Refused):
    """The expert lives where we cannot pay."""

    code = "no_payout_rail"


@action
def ask_for_payee(expert_id: UUID, *, now: datetime) -> None:
    """Ask an expert, at their first accepted work, where to send the money; once."""
    payee = _open_row(expert_id, now)
    if payee.asked_at is not None or payee.state == PayeeState.ACTIVE:
        return
    payee.asked_at = now
    payee.save(update_fields=["asked_at"])
    expert = Expert.objects.select_related("user").get(pk=expert_id)
    ask_for_tax_form(expert, now=now)
    notify(expert.user, "You have earned your first pay. Say where to send it.", reverse("payments:payee"), now)
    body = (
        "Your first work was accepted, and you have earned your first pay.\n\n"
        f"Please say where to send it: {settings.PUBLIC_URL}{reverse('payments:payee')}\n\n"
        "It takes about five minutes. Until then, what you earn is kept for you.\n"
    )
    post_mail(to=expert.user.email, subject="Where shall we send your pay?", body=body, key=f"ask-{payee.public_id}")
    audit(None, "payee.asked", payee, at=now, expert=expert.public_id)


def start_payee(expert: Expert, *, now: datetime) -> Payee:
    """Open the expert's account at Stripe, once; return the payee."""
    payee = open_payee(expert, now=now)
    if payee.stripe_id:
        return payee
    recipient = gateway.create_recipient(
        name=expert.user.get_full_name(),
        email=expert.user.email,
        country=expert.country,
        expert=expert.public_id,
        key=f"acct-{expert.public_id}",
    )
    return note_account(payee.pk, recipient, now=now)


def onboarding_link(payee: Payee, *, now: datetime) -> str:
    """Return a fresh single-use address at Stripe; it is never stored or mailed."""
    back = f"{settings.PUBLIC_URL}{reverse('payments:payee')}"
    url = gateway.onboarding_url(payee.stripe_id, refresh_url=f"{back}?again=1", return_url=f"{back}?back=1")
    note_onboarding(payee.pk, now=now)
    return url


def read_payee(payee_id: UUID) -> Payee:
    """Ask Stripe whether an expert can be paid now, and write the answer."""
    payee = Payee.objects.get(pk=payee_id)
    if not payee.stripe_id or payee.state == PayeeState.CLOSED:
        return payee
    return record_readiness(payee_id, gateway.recipient_readiness(payee.stripe_id), now=app_now())


@action
def open_payee(expert: Expert, *, now: datetime) -> Payee:
    """Return the expert's payee row, made if it is not there yet."""
    if not has_payout_rail(expert.country):
        raise NoPayoutRail("We cannot pay to the country you live in yet. Your earnings are kept for you.")
    return _open_row(expert.pk, now)


@action
def note_account(payee_id: UUID, recipient: Recipient, *, now: datetime) -> Payee:
    """Write the account that Stripe opened."""
    payee = _lock(payee_id)
    if payee.state == PayeeState.NONE:
        was = move(payee, PayeeState.CREATED, moves=PAYEE_MOVES, now=now, stripe_id=recipient.stripe_id)
        audit(None, "payee.created", payee, at=now, was=was, account=recipient.stripe_id)
    return payee


@action
def note_onboarding(payee_id: UUID, *, now: datetime) -> None:
    """Write that the expert was sent to Stripe to fill in what it needs."""
    payee = _lock(payee_id)
    if payee.state == PayeeState.CREATED:
        was = move(payee, PayeeState.ONBOARDING, moves=PAYEE_MOVES, now=now)
        audit(payee.expert.user, "payee.onboarding", payee, at=now, was=was)


@action
def record_readiness(payee_id: UUID, recipient: Recipient, *, now: datetime) -> Payee:
    """Write whether Stripe pays this expert now, and what it still wants."""
    payee = _lock(payee_id)
    if payee.state == PayeeState.CLOSED:
        return payee  # For good: a late event changes nothing.
    note_tax_form(payee.expert, recipient, now=now)
    to = _state_of(recipient)
    needs = [need[:200] for need in recipient.needs[:NEEDS_SHOWN]]
    if payee.state in (PayeeState.NONE, PayeeState.CREATED) and to != PayeeState.CLOSED:
        if to != PayeeState.ACTIVE:
            return payee  # The expert has not been at Stripe yet: nothing is asked of them there.
        move(payee, PayeeState.ONBOARDING, moves=PAYEE_MOVES, now=now)
    if payee.state == PayeeState.ONBOARDING and to == PayeeState.RESTRICTED and recipient.needs:
        to = PayeeState.ONBOARDING  # Gone to Stripe and not finished.
    if payee.state == to:
        Payee.objects.filter(pk=payee.pk).update(needs=needs, read_at=now)
        payee.needs, payee.read_at = needs, now
        return payee
    ready_at = payee.ready_at or (now if to == PayeeState.ACTIVE else None)
    was = move(payee, to, moves=PAYEE_MOVES, now=now, needs=needs, read_at=now, ready_at=ready_at)
    audit(None, f"payee.{to.lower()}", payee, at=now, was=was)
    _tell(payee, now)
    return payee


@action
def note_bank_change(payee_id: UUID, *, changed_at: datetime, now: datetime) -> None:
    """Write that a payee's bank account changed, and tell the expert: nothing goes there for 72 hours.

    The account with which they became payable is no change.
    """
    payee = _lock(payee_id)
    known = payee.bank_changed_at or payee.ready_at
    if known is None or changed_at <= known:
        return
    Payee.objects.filter(pk=payee.pk).update(bank_changed_at=changed_at)
    audit(None, "payee.bank_changed", payee, at=now)
    page = reverse("payments:payee")
    notify(payee.expert.user, BANK_CHANGED, page, now)
    body = f"{BANK_CHANGED}\n\nIf it was not you, write to us at once: {settings.PUBLIC_URL}{page}\n"
    key = f"bank-{payee.public_id}-{int(changed_at.timestamp())}"
    post_mail(to=payee.expert.user.email, subject="Your bank account was changed", body=body, key=key)


def _state_of(recipient: Recipient) -> PayeeState:
    if recipient.is_closed:
        return PayeeState.CLOSED
    return READ_AS.get(recipient.status, PayeeState.RESTRICTED)


def _tell(payee: Payee, now: datetime) -> None:
    sentence = TOLD.get(PayeeState(payee.state))
    if sentence:
        notify(payee.expert.user, sentence, reverse("payments:payee"), now)


BANK_CHANGED = "The bank account for your payouts was changed. To be safe, nothing is sent to it for 72 hours."
TOLD = {
    PayeeState.ACTIVE: "Your payouts are set up. What you earn goes out with the next run.",
    PayeeState.RESTRICTED: "Stripe asks for more before it can pay you.",
    PayeeState.CLOSED: "Your payout account was closed. Write to us to open another.",
}


def _open_row(expert_id: UUID, now: datetime) -> Payee:
    payee, _ = Payee.objects.get_or_create(
        expert_id=expert_id, defaults={"state": PayeeState.NONE, "state_changed_at": now, "created_at": now}
    )
    return payee


def _lock(payee_id: UUID) -> Payee:
    return Payee.objects.select_for_update(of=("self",)).select_related("expert__user").get(pk=payee_id)
