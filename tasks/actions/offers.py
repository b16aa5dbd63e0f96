"""Seats at a batch: proposed to the best, accepted, declined, and ended when the batch is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.audit import Actor, audit
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action
from kernel.errors import LostRace, Refused
from kernel.states import move
from payments import credits
from payments.credits import BudgetReached
from payments.rates import pay_minor
from tasks import routing, rules
from tasks.errors import NotYours
from tasks.models import Assignment, Batch, Eligibility, Offer, WorkKind
from tasks.states import OFFER_MOVES, STANDING, OfferState, ProjectState


@action
def make_offers(batch: Batch, *, now: datetime) -> list[Offer]:
    """Offer seats at the batch to the best who have none, as far as its funded work goes."""
    batch = Batch.objects.select_for_update(of=("self",)).select_related("project__domain").get(pk=batch.pk)
    project = batch.project
    is_on = project.state == ProjectState.LIVE and batch.state in rules.HANDING_OUT
    if not is_on or project.assignment != Assignment.SEATS:
        return []
    plan = routing.plan_seats(batch, now)
    made = Offer.objects.bulk_create(_offers(batch, plan, now), ignore_conflicts=True)
    for offer in made:
        audit(None, "offer.made", offer, at=now, batch=batch.public_id, minutes=offer.guaranteed_minutes)
        due("tasks.tell_of_offer", offer=offer.pk)
    return made


def _offers(batch: Batch, plan: Sequence[routing.Seat], now: datetime) -> list[Offer]:
    return [
        Offer(
            expert_id=seat.expert_id,
            batch=batch,
            kind=WorkKind.WORK,
            guaranteed_minutes=seat.minutes,
            rate_minor=seat.rate_minor,
            score=seat.score,
            reasons=list(seat.reasons),
            state=OfferState.OFFERED,
            state_changed_at=now,
            created_at=now,
            expires_at=now + rules.OFFER_LIFE,
        )
        for seat in plan
    ]


@action
def accept_offer(offer: Offer, *, expert: Expert, now: datetime) -> Offer:
    """Take the seat: its minutes are the expert's while the batch has funded work."""
    _require_answerable(offer, expert, now)
    was = move(offer, OfferState.ACCEPTED, moves=OFFER_MOVES, now=now, answered_at=now)
    audit(expert.user, "offer.accepted", offer, at=now, was=was)
    return offer


@action
def decline_offer(offer: Offer, *, expert: Expert, now: datetime) -> Offer:
    """Leave the seat to others; nothing is held against the expert."""
    _require_answerable(offer, expert, now)
    was = move(offer, OfferState.DECLINED, moves=OFFER_MOVES, now=now, answered_at=now)
    audit(expert.user, "offer.declined", offer, at=now, was=was)
    due("tasks.route_batch", batch=offer.batch_id)
    return offer


@action
def release_offer(offer: Offer, *, expert: Expert, now: datetime) -> Offer:
    """Give an accepted seat back."""
    if offer.expert_id != expert.pk:
        raise NotYours("This seat is not yours.")
    was = move(offer, OfferState.RELEASED, moves=OFFER_MOVES, now=now)
    audit(expert.user, "offer.released", offer, at=now, was=was)
    due("tasks.route_batch", batch=offer.batch_id)
    return offer


def _require_answerable(offer: Offer, expert: Expert, now: datetime) -> None:
    if offer.expert_id != expert.pk:
        raise NotYours("This offer is not yours.")
    if offer.state == OfferState.OFFERED and offer.expires_at <= now:
        raise LostRace("This offer has expired. A new one comes when there is work for you.")
    if not rules.can_answer_offer(expert, offer, now):
        raise Refused("This offer is answered already, or no longer stands.")


@action
def expire_offers(*, now: datetime, limit: int) -> int:
    """End offers that nobody answered in time, and let others have their seats; return how many."""
    overdue = Offer.objects.select_for_update(skip_locked=True).filter(state=OfferState.OFFERED, expires_at__lte=now)
    offers = list(overdue.order_by("expires_at")[:limit])
    for offer in offers:
        was = move(offer, OfferState.EXPIRED, moves=OFFER_MOVES, now=now)
        audit(None, "offer.expired", offer, at=now, was=was)
    for batch_id in {offer.batch_id for offer in offers}:
        due("tasks.route_batch", batch=batch_id)
    return len(offers)


@action
def withdraw_seats(batch: Batch, *, by: Actor | None, now: datetime) -> int:
    """End the seats of a cancelled batch and pay the close-out minutes of the accepted ones; return how many."""
    seats = Offer.objects.select_for_update(of=("self",)).select_related("expert", "batch__project")
    standing = list(seats.filter(batch=batch, state__in=STANDING).order_by("pk"))
    for seat in standing:
        if seat.state == OfferState.OFFERED:
            was = move(seat, OfferState.EXPIRED, moves=OFFER_MOVES, now=now)
        else:
            was = move(seat, OfferState.WITHDRAWN, moves=OFFER_MOVES, now=now)
            _pay_close_out(seat, now)
        audit(by, f"offer.{seat.state.lower()}", seat, at=now, was=was)
    return len(standing)


def _pay_close_out(seat: Offer, now: datetime) -> None:
    """Pay the minutes promised for a seat whose batch was called off, as far as the budget goes."""
    project = seat.batch.project
    terms = Eligibility.objects.filter(Q(is_eligible=True), expert=seat.expert_id, project=project).first()
    left = seat.guaranteed_minutes * 60 - seat.worked_seconds
    seconds = max(0, min(project.closeout_minutes * 60, left))
    if terms is None or terms.rate_minor is None or terms.tier is None or terms.card_version is None or not seconds:
        return
    try:
        with credits.within_budget(), transaction.atomic():
            hold = credits.hold_for_claim(
                lab_id=project.lab_id,
                project=project.public_id,
                subject=seat.public_id,
                work_minor=pay_minor(seconds, terms.rate_minor),
                review_minor=0,
                review_parts=0,
                currency=project.currency,
                at=now,
            )
    except BudgetReached:
        audit(None, "offer.close_out_unfunded", seat, at=now, seconds=seconds)
        return
    credits.settle(
        hold,
        expert=seat.expert,
        seconds=seconds,
        rate_minor=terms.rate_minor,
        tier=terms.tier,
        card_version=terms.card_version,
        fee_bps=terms.fee_bps or 0,
        kind=WorkKind.WORK,
        reason="closed_out",
        with_fee=False,
        at=now,
    )
