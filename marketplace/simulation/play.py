"""Play a test batch for a few seconds at a time: claim, work on the meter, hand in, judge, take up again.

Whatever is in hand is a row, so a worker that dies in the middle leaves nothing that the next turn does not find.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet

from experts.models import Expert
from kernel.db import app_now
from kernel.errors import Refused
from marketplace.simulation.draws import Draws
from marketplace.simulation.people import staff
from tasks import content
from tasks.actions import claims, guidelines, reviews, simulating, submissions, timing
from tasks.errors import NothingToClaim
from tasks.kinds import registry
from tasks.models import Claim, Simulation, Slot, Submission, WorkKind
from tasks.queries import HAS_LIVE_CLAIM
from tasks.states import ClaimState, SlotState

log = structlog.get_logger(__name__)

SLICE_SECONDS: Final = 2.0
BUSY_AGAIN: Final = timedelta(seconds=2)
BEAT_SECONDS: Final = 15
BEATS_AT_ONCE: Final = 8  # Beats that waited while a line was down are sent together, and count.
TAIL_SECONDS: Final = 30  # What handing in credits after the last beat.
ACCEPTED_AT_ONCE: Final = 100
LOADED: Final = (
    "project__agreement", "project__lab", "task", "slot", "agreement_version", "expert__user",
    "subject_claim__slot", "subject_claim__task",
)  # fmt: skip


def simulate_batch(batch_id: UUID) -> None:
    """Play the batch for one slice, unless somebody is at it, and come back while there is something left to do."""
    simulation = simulating.take_turn(batch_id, now=app_now())
    if simulation is None:
        return
    is_unfinished = is_anybody_busy = False
    try:
        play = Play(simulation, ends_at=time.monotonic() + SLICE_SECONDS)
        is_unfinished, is_anybody_busy = play.run(), play.is_anybody_busy
    finally:
        look_again_at = app_now() + BUSY_AGAIN if is_anybody_busy else None
        simulating.end_turn(simulation, is_unfinished=is_unfinished, look_again_at=look_again_at)


class Play:
    """One turn at a batch."""

    def __init__(self, simulation: Simulation, *, ends_at: float) -> None:
        """Bring those together who play the batch until ``ends_at``, by the process's own clock."""
        self.simulation, self.batch, self.ends_at = simulation, simulation.batch, ends_at
        self.kind = registry.get(self.batch.project.kind)
        self.people = staff(self.batch, app_now())
        self.is_anybody_busy = False  # With another batch: what is left here waits for them.

    def run(self) -> bool:
        """Play round after round; return whether the time was over before there was nothing left to do."""
        while self._has_time():
            if not self._round() and self._has_time():
                return False
        return True

    def _round(self) -> int:
        """Go on with what is begun, then judge, then begin something new; return how much was done."""
        self.is_anybody_busy = False
        moves = sum(self._attempt(self._finish, claim) for claim in self._mine(ClaimState.WORKING))
        moves += sum(self._attempt(self._take_up_again, claim) for claim in self._mine(ClaimState.RETURNED))
        for kind, people in ((WorkKind.REVIEW, self.people.reviewers), (WorkKind.WORK, self.people.workers)):
            for expert in people:
                if not self._has_time() or not self._is_wanted(kind):
                    break
                moves += self._claim_and_finish(expert, kind)
        return moves + reviews.accept_by_clock(app_now(), ACCEPTED_AT_ONCE)

    def _has_time(self) -> bool:
        return time.monotonic() < self.ends_at

    def _is_wanted(self, kind: str) -> bool:
        return Slot.objects.filter(batch=self.batch, kind=kind, state=SlotState.OPEN).exists()

    def _mine(self, state: str) -> QuerySet[Claim]:
        """List what the batch's experts have in hand or were sent back."""
        return Claim.objects.filter(batch=self.batch, state=state).select_related(*LOADED).order_by("pk")

    def _claim_and_finish(self, expert: Expert, kind: str) -> bool:
        try:
            claim = claims.claim_next(expert, batch=self.batch, kind=kind, now=app_now())
        except NothingToClaim as nothing:
            self.is_anybody_busy |= nothing.reason == HAS_LIVE_CLAIM.rule
            return False
        except Refused:
            return False  # Somebody was faster.
        return self._attempt(self._finish, Claim.objects.select_related(*LOADED).get(pk=claim.pk))

    def _attempt(self, act: Callable[[Claim], None], claim: Claim) -> bool:
        """Do it, unless it went another way meanwhile: the lab decided, cancelled, or another turn was faster."""
        if not self._has_time():
            return False
        try:
            act(claim)
        except Refused as refusal:
            log.info("simulation.refused", claim=claim.public_id, code=refusal.code)
            return False
        return True

    def _finish(self, claim: Claim) -> None:
        if claim.kind == WorkKind.WORK:
            self._hand_in(claim)
        else:
            self._judge(claim)

    def _take_up_again(self, claim: Claim) -> None:
        """Resume what was sent back, and hand it in anew."""
        claims.resume_returned(claim, expert=claim.expert, now=app_now())
        self._hand_in(self._mine(ClaimState.WORKING).get(pk=claim.pk))

    def _hand_in(self, claim: Claim) -> None:
        """Read the task, work on it, and answer as drawn."""
        now, draws = app_now(), self._draws(claim, version=claim.returns + 1)
        payload = content.open_task(claim, claim.expert.user, now)
        response = draws.answer(self.kind, payload, content.open_gold(claim, now))
        spend(claim, draws.work_seconds(claim.project, claim.cap_seconds))
        if claim.is_guideline_changed:
            guidelines.acknowledge_guideline(claim.pk, expert=claim.expert, fence=claim.fence, now=app_now())
        submissions.submit(
            claim.pk,
            expert=claim.expert,
            fence=claim.fence,
            response=response,
            attestations=dict.fromkeys(self.kind.attestations, True),
            now=app_now(),
        )
        if not claim.is_review_drawn:
            window = timedelta(seconds=self.simulation.accept_after_seconds)
            simulating.shorten_window(claim.pk, to=app_now() + window)

    def _judge(self, claim: Claim) -> None:
        """Read the answer, take the time for it, and say what is drawn."""
        assert claim.subject_claim is not None  # A review always has its subject.
        submission = Submission.objects.filter(claim=claim.subject_claim).latest("version")
        draws, layer = self._draws(claim.subject_claim, version=submission.version), claim.slot.layer
        payload, _ = content.open_submission(claim, submission, claim.expert.user, app_now())
        spend(claim, draws.review_seconds(claim.cap_seconds, layer))
        verdict = draws.verdict(layer, self.kind, payload)
        reviews.decide_review(claim.pk, expert=claim.expert, fence=claim.fence, now=app_now(), **verdict)

    def _draws(self, claim: Claim, *, version: int) -> Draws:
        """Return the draws of one version of an answer; what was rejected before is another attempt."""
        rejected = Claim.objects.filter(slot=claim.slot_id, state=ClaimState.REJECTED).exclude(pk=claim.pk)
        return Draws(self.simulation, claim.task.external_id, claim.slot.number, rejected.count(), version)


def spend(claim: Claim, seconds: int) -> None:
    """Keep the claim's page open for ``seconds`` of its expert's own calendar, through the meter that all work runs on.

    Beats arrive as late as a line that was down lets them; handing in credits the last stretch. A claim that was
    worked on already, by a worker that died, is handed in as it is.
    """
    if claim.last_beat_at is not None:
        return
    began = simulating.pass_time(claim.expert, seconds + TAIL_SECONDS)
    reading = timing.take_over(claim.pk, expert=claim.expert, session="simulation", now=began)
    spent, most = 0, BEAT_SECONDS * BEATS_AT_ONCE
    while spent < seconds - TAIL_SECONDS:
        step = min(most, seconds - TAIL_SECONDS - spent)
        beats, spent = -(-step // BEAT_SECONDS), spent + step
        reading = timing.beat(
            claim.pk,
            expert=claim.expert,
            fence=reading.fence,
            nonce=reading.nonce,
            counter=reading.counter + beats,
            is_visible=True,
            had_input=True,
            queued=beats - 1,
            now=began + timedelta(seconds=spent),
        )
