"""Who may do what with work: pure questions about loaded rows, and the figures they turn on."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from accounts.rules import is_trust
from experts.models import Case, Expert
from experts.states import CaseKind, CaseSide, ExpertState
from labs.models import Mode
from tasks.models import Batch, Claim, Decision, Offer, Project, Review, Submission, WorkKind
from tasks.states import BatchState, ClaimState, OfferState

LEASE = timedelta(minutes=15)
LEASE_CAPS = 4  # A lease never lasts longer than this many caps.
PAUSE = timedelta(hours=2)
RETURN_WINDOW = timedelta(hours=72)
URGENT_LEASE = timedelta(hours=24)
MOST_RETURNS = 2
REVIEW_ROUNDS = MOST_RETURNS + 1
DAY_SECONDS = 10 * 3600
WEEK_SECONDS = 40 * 3600
WEEKLY_ALLOWANCE_SECONDS = 10 * 60
REJECT_NOTES_MIN = 100
RETRY_SECONDS = 30
CASE_WINDOW = timedelta(days=7)  # From a decision on, for its expert and its lab.
OFFER_LIFE = timedelta(hours=24)

KINDS_OF_SIDE: dict[str, tuple[str, ...]] = {
    CaseSide.EXPERT: (CaseKind.REVIEW, CaseKind.TIME),
    CaseSide.LAB: (CaseKind.REFUND,),
    CaseSide.OPERATOR: (CaseKind.WITHHOLDING,),
}

PAUSED_BY_LAB, PAUSED_FOR_BUDGET = "lab", "budget"  # Why a project is paused.

# A batch in one of these states hands out its open work; its submitted work is judged in any state.
HANDING_OUT = (BatchState.RUNNING, BatchState.DRAINING)


def lease_end(claim: Claim, now: datetime) -> datetime:
    """Return until when work counted at ``now`` keeps the slot."""
    return min(now + LEASE, _last_lease(claim))


def pause_end(claim: Claim, now: datetime) -> datetime:
    """Return until when a pause declared at ``now`` keeps the slot: two hours, all pauses together."""
    return now + max(timedelta(0), PAUSE - timedelta(seconds=claim.paused_seconds))


def is_suspended(claim: Claim) -> bool:
    """Tell whether the claim stands still for an urgent version: a pause of one's own is two hours at most."""
    return (
        claim.paused_at is not None and claim.paused_until is not None and claim.paused_until - claim.paused_at > PAUSE
    )


def _last_lease(claim: Claim) -> datetime:
    return claim.working_since + timedelta(seconds=LEASE_CAPS * claim.cap_seconds + claim.paused_seconds)


def is_in_hand(claim: Claim, now: datetime) -> bool:
    """Tell whether the expert still holds the slot."""
    return claim.state == ClaimState.WORKING and claim.lease_until > now


def can_work(expert: Expert) -> bool:
    """Tell whether the expert takes work at all."""
    return expert.state == ExpertState.ACTIVE


def can_open_claim(expert: Expert, claim: Claim) -> bool:
    """Tell whether the claim is this expert's own."""
    return claim.expert_id == expert.pk


def can_answer_offer(expert: Expert, offer: Offer, now: datetime) -> bool:
    """Tell whether the offer is this expert's and still stands."""
    return offer.expert_id == expert.pk and offer.state == OfferState.OFFERED and offer.expires_at > now


def can_judge_as_lab(project: Project, lab_id: object, submission: Submission) -> bool:
    """Tell whether a submission is of this lab's project."""
    return project.lab_id == lab_id and submission.claim.project_id == project.pk


def can_extend_cap(claim: Claim) -> bool:
    """Tell whether a quarter more may be asked for: once, and for work only, a review's cap being set aside already."""
    return claim.kind == WorkKind.WORK and claim.state == ClaimState.WORKING and not claim.is_cap_extended


def can_return(claim: Claim) -> bool:
    """Tell whether the work may go back to its expert once more."""
    return claim.returns < MOST_RETURNS


def is_paid_with_fee(decision: str) -> bool:
    """Tell whether the platform takes its fee on work so judged."""
    return decision in (Decision.ACCEPT, Decision.FIX)


def is_over(batch: Batch) -> bool:
    """Tell whether the batch hands out nothing more, ever."""
    return batch.state in (BatchState.COMPLETED, BatchState.CANCELLED)


def why_no_case(claim: Claim, kind: str, side: str, now: datetime) -> str:
    """Say why no case of this kind can be opened about a claim by this side; '' when it can."""
    if claim.project.mode != Mode.LIVE:
        return "Play work has no cases: nobody did it, and it cost nothing."
    if claim.decided_at is None:
        return "Nothing is decided about this work yet. A case is about a decision."
    if kind not in KINDS_OF_SIDE[side]:
        return "This is not for you to ask."
    if side != CaseSide.OPERATOR and now > claim.decided_at + CASE_WINDOW:
        return "Seven days have passed since this was decided; after them it stands."
    if kind == CaseKind.REVIEW and (claim.kind != WorkKind.WORK or claim.state != ClaimState.REJECTED):
        return "Only work that was rejected can be contested."
    if kind == CaseKind.REFUND and claim.state != ClaimState.ACCEPTED:
        return "Only accepted work is refunded: the rest cost no fee, and its time is paid whatever its outcome."
    return ""


def may_ask(claim: Claim, now: datetime) -> bool:
    """Tell whether there is anything that the expert may ask a person about this work."""
    return any(not why_no_case(claim, kind, CaseSide.EXPERT, now) for kind in KINDS_OF_SIDE[CaseSide.EXPERT])


def why_not_judge(user: User, case: Case, claim: Claim) -> str:
    """Say why this person may not decide a case; '' when they may: trust operators without a part in it."""
    if not is_trust(user):
        return "Cases are decided by trust operators."
    if claim.expert.user_id == user.pk:
        return "This is about your own work."
    if case.opened_by == user.public_id:
        return "You opened this case, so somebody else decides it."
    if Review.objects.filter(submission__claim=claim, claim__expert__user=user).exists():
        return "You reviewed this work, so somebody else decides."
    if claim.project.lab.members.filter(user=user).exists():
        return "You act for the lab whose project this is."
    return ""


def day_start(now: datetime) -> datetime:
    """Return the start of the day, UTC, that ``now`` is in."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def week_start(now: datetime) -> datetime:
    """Return the Monday 00:00 UTC at or before ``now``."""
    return day_start(now) - timedelta(days=now.weekday())
