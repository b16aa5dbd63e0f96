"""Where a pay line's cents come from: stretches of the meter, the cap, what was approved, the rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.shortcuts import get_object_or_404

from experts.models import Expert
from kernel.ids import BadId
from payments.models import PayLine
from payments.states import PayLineState
from tasks.models import Claim, Segment
from tasks.pages.bench import pay_for


@dataclass(frozen=True)
class Stretch:
    """One run of the meter, in whole seconds."""

    since: datetime
    until: datetime
    kind: str
    seconds: int


@dataclass(frozen=True)
class Breakdown:
    """A pay line from the first second on: counted, less what is beyond the cap, less what was not approved."""

    line: PayLine
    claim: Claim | None
    stretches: list[Stretch]

    @property
    def counted_seconds(self) -> int:
        """Return all that the meter counted."""
        return self.claim.active_seconds if self.claim else self.line.seconds

    @property
    def beyond_cap_seconds(self) -> int:
        """Return what was counted beyond the cap."""
        return self.counted_seconds - min(self.counted_seconds, self.claim.cap_seconds) if self.claim else 0

    @property
    def not_approved_seconds(self) -> int:
        """Return what was within the cap and is not paid: beyond the allowance for work that was not handed in."""
        return self.counted_seconds - self.beyond_cap_seconds - self.line.seconds


def breakdown_of(expert: Expert, line_id: UUID) -> Breakdown:
    """Return how one of the expert's own pay lines comes about, in three statements; 404 for anybody else's."""
    line = get_object_or_404(PayLine.objects.select_related("item__run"), pk=line_id, expert=expert)
    claim = _claim_of(expert, line)
    segments = Segment.objects.filter(claim=claim).order_by("during") if claim else []
    return Breakdown(line, claim, [_stretch(segment) for segment in segments])


def paid_for(claim: Claim, lines: Iterable[PayLine]) -> int:
    """Return what a claim's time comes to, in minor units: what its lines pay once it is decided."""
    if claim.decided_at is None:
        return pay_for(claim)
    return sum(line.amount_minor for line in lines if line.state != PayLineState.VOID)


def _claim_of(expert: Expert, line: PayLine) -> Claim | None:
    """Return the claim that a line pays; some pay what a case decided, and name no claim."""
    try:
        claim_id = Claim.parse_id(line.subject)
    except BadId:
        return None
    return Claim.objects.filter(pk=claim_id, expert=expert).select_related("project", "task").first()


def _stretch(segment: Segment) -> Stretch:
    since, until = segment.during.lower, segment.during.upper
    return Stretch(since, until, segment.kind, int((until - since).total_seconds()))
