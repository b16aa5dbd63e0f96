"""Who plays a test batch: simulated experts who took its seats and signed its agreement, as real ones would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agreements.actions import sign_version
from agreements.models import AgreementVersion, Signature
from agreements.queries import newest_version
from agreements.states import SignatureState
from experts.models import Expert
from kernel.errors import Refused
from tasks.actions import offers
from tasks.models import Assignment, Batch, Eligibility, Offer, WorkKind
from tasks.states import OfferState

SPARE_WORKERS = 5  # Beyond the answers that a task takes: rejected ones are done anew by somebody else.
REVIEWERS = 8
SAID = "Simulated expert"  # In place of the browser's name.


@dataclass(frozen=True)
class People:
    """Those who work on a batch and those who review it, each in a fixed order."""

    workers: list[Expert]
    reviewers: list[Expert]

    def everybody(self) -> list[Expert]:
        """Return all of them."""
        return [*self.workers, *self.reviewers]


def staff(batch: Batch, now: datetime) -> People:
    """Accept the seats that were offered, and have everybody sign what they have not signed yet."""
    people = People(_workers(batch, now), _reviewers(batch))
    version = newest_version(batch.project.agreement)
    if version is not None:
        _sign(version, people.everybody(), now)
    return people


def _workers(batch: Batch, now: datetime) -> list[Expert]:
    if batch.project.assignment == Assignment.SEATS:
        _accept_offers(batch, now)
        seats = Offer.objects.filter(batch=batch, kind=WorkKind.WORK, state=OfferState.ACCEPTED)
        return _experts(seats.values_list("expert", flat=True))
    may_work = Eligibility.objects.filter(project=batch.project, is_eligible=True)
    return _experts(may_work.values_list("expert", flat=True))[: batch.project.overlap_max + SPARE_WORKERS]


def _reviewers(batch: Batch) -> list[Expert]:
    may_review = Eligibility.objects.filter(project=batch.project, can_review=True)
    return _experts(may_review.values_list("expert", flat=True))[:REVIEWERS]


def _experts(ids: Iterable[object]) -> list[Expert]:
    return list(Expert.objects.filter(pk__in=list(ids)).select_related("user").order_by("user__email"))


def _accept_offers(batch: Batch, now: datetime) -> None:
    waiting = Offer.objects.filter(batch=batch, state=OfferState.OFFERED, expires_at__gt=now)
    for offer in waiting.select_related("expert__user"):
        try:
            offers.accept_offer(offer, expert=offer.expert, now=now)
        except Refused:
            continue  # It lapsed or was withdrawn in this moment.


def _sign(version: AgreementVersion, people: list[Expert], now: datetime) -> None:
    signed = Signature.objects.filter(version=version, state=SignatureState.LIVE, user__in=[one.user for one in people])
    known = set(signed.values_list("user", flat=True))
    for expert in people:
        if expert.user_id not in known:
            name = expert.user.get_full_name()
            sign_version(version, user=expert.user, typed_name=name, consent=True, ip=None, user_agent=SAID, now=now)
