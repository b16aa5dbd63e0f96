"""Ask a person about finished work, decide, appeal, and do what was decided: add pay, overturn, refund, withhold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from accounts.audit import Actor, audit
from accounts.models import User
from accounts.outbox import due
from experts import cases
from experts.models import Case, CaseDecision, Expert
from experts.rules import promised_by
from experts.states import CaseKind, CaseOutcome, CaseSide, CaseState
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_text
from labs.events import record_event
from labs.models import Lab, Mode
from payments.cases import pay_by_case, refund_by_case, withhold
from payments.models import PayLine, PayReason
from tasks import content, rules
from tasks.errors import NotYours
from tasks.models import Claim

MAX_WORDS = 5_000
LEAST_WORDS = 40
LOADED = ("project__lab", "expert__user", "agreement_version", "batch", "task")


@action
def open_case(
    claim_id: UUID,
    *,
    kind: str,
    by: Actor,
    words: str,
    now: datetime,
    expert: Expert | None = None,
    lab: Lab | None = None,
) -> Case:
    """Ask a person about a decided claim: its expert, its lab, or (given neither) an operator.

    Raises NotYours for somebody else's, Refused where it is too late or the same was asked before.
    """
    claim = _lock(claim_id)
    side = CaseSide.EXPERT if expert else CaseSide.LAB if lab else CaseSide.OPERATOR
    if (expert and claim.expert_id != expert.pk) or (lab and claim.lab_id != lab.pk):
        raise NotYours("There is no such work of yours.")
    if refusal := rules.why_no_case(claim, kind, side, now):
        raise Refused(refusal)
    said = _cleaned(words, "words")
    earlier = Case.objects.filter(subject=claim.public_id)
    if earlier.filter(kind=kind).exists():
        raise Refused("A person has been asked this already; the case says what was decided.")
    case = Case(
        kind=CaseKind(kind),
        mode=claim.project.mode,
        side=side,
        expert=claim.expert,
        lab=claim.project.lab.public_id,
        project=claim.project.public_id,
        subject=claim.public_id,
        number=earlier.count() + 1,
        opened_by=by.public_id,
        opened_at=now,
        due_at=promised_by(now),
        state=CaseState.OPEN,
        state_changed_at=now,
    )
    case.statement = content.seal_words(case, claim.project, "statement", said)
    case.save(force_insert=True)
    audit(by, "case.opened", case, at=now, claim=claim.public_id, kind=case.kind, side=side)
    _tell(case, claim, "case.opened", now)
    return case


@action
def take_case(case_id: UUID, *, by: User, now: datetime) -> Case:
    """Take a case on: a trust operator who had no part in the work, nor in the first decision."""
    case, claim = _locked(case_id)
    if refusal := rules.why_not_judge(by, case, claim):
        raise Refused(refusal)
    was = cases.take_case(case, by=by, now=now)
    audit(by, "case.taken", case, at=now, was=was)
    return case


@action
def give_case_back(case_id: UUID, *, by: User, now: datetime) -> Case:
    """Leave a case to somebody else, undecided."""
    case, _ = _locked(case_id)
    was = cases.give_case_back(case, by=by, now=now)
    audit(by, "case.given_back", case, at=now, was=was)
    return case


@action
def decide_case(case_id: UUID, *, by: User, outcome: str, seconds: int, reasons: str, now: datetime) -> CaseDecision:
    """Decide with reasons, and do at once what follows from it; ``seconds`` are paid on top, within the claim's cap."""
    case, claim = _locked(case_id)
    if refusal := rules.why_not_judge(by, case, claim):
        raise Refused(refusal)
    _check_seconds(case, claim, outcome, seconds)
    said = _cleaned(reasons, "reasons")
    sealed = content.seal_words(case, claim.project, f"reasons-{cases.round_of(case)}", said)
    was = case.state
    decision = cases.decide_case(case, by=by, outcome=outcome, seconds=seconds, reasons=sealed, now=now)
    _carry_out(case, claim, decision, now)
    audit(by, "case.decided", case, at=now, was=was, outcome=outcome, seconds=seconds, round=decision.round)
    _tell(case, claim, "case.decided", now, outcome=outcome, seconds=seconds, round=decision.round)
    return decision


@action
def appeal_case(case_id: UUID, *, side: str, by: Actor, words: str, now: datetime) -> Case:
    """Ask for a second person: once, within seven days, by the side that the first decided against."""
    case, claim = _locked(case_id)
    if not cases.may_appeal(case, side, last_decision(case), now):
        raise Refused("This decision cannot be appealed, or its seven days are over.")
    sealed = content.seal_words(case, claim.project, "appeal", _cleaned(words, "words"))
    was = cases.appeal_case(case, words=sealed, now=now)
    audit(by, "case.appealed", case, at=now, was=was)
    _tell(case, claim, "case.appealed", now)
    return case


def close_settled(now: datetime, limit: int) -> int:
    """Let decisions stand that nobody appealed in seven days, each in its own transaction; return how many."""
    before = now - cases.APPEAL_WINDOW
    ids = Case.objects.filter(state=CaseState.DECIDED, state_changed_at__lt=before).values_list("pk", flat=True)[:limit]
    return sum([_close(pk, now) for pk in ids])


@action
def _close(case_id: UUID, now: datetime) -> bool:
    case, _ = _locked(case_id)
    if case.state != CaseState.DECIDED:
        return False
    was = cases.close_case(case, now=now)
    audit(None, "case.closed", case, at=now, was=was)
    return True


def last_decision(case: Case) -> CaseDecision | None:
    """Return the decision that stands, if there is one."""
    return case.decisions.order_by("-round").first()


def seconds_left(claim: Claim) -> int:
    """Return how many seconds cases can still add to a claim: together with what was approved, its cap at most."""
    added = PayLine.objects.filter(subject__startswith=claim.public_id, reason=PayReason.CASE).aggregate(
        total=Sum("seconds")
    )["total"]
    return max(0, claim.cap_seconds - (claim.approved_seconds or 0) - (added or 0))


def _check_seconds(case: Case, claim: Claim, outcome: str, seconds: int) -> None:
    adds = case.kind in (CaseKind.REVIEW, CaseKind.TIME) and outcome == CaseOutcome.UPHELD
    most = seconds_left(claim) if adds else 0
    least = 1 if adds and case.kind == CaseKind.TIME else 0
    if not least <= seconds <= most:
        sentence = f"Between {least} and {most} seconds can be added here." if adds else "This decision adds no time."
        raise Invalid([FieldError("/seconds", "out_of_range", sentence)])


def _carry_out(case: Case, claim: Claim, decision: CaseDecision, now: datetime) -> None:
    """Do what a decision means for the money and the record; withheld pay comes back if the second dismisses it."""
    is_upheld = decision.outcome == CaseOutcome.UPHELD
    if case.kind == CaseKind.WITHHOLDING:
        _withhold_or_restore(case, claim, decision, now)
        return
    if not is_upheld:
        return
    if case.kind == CaseKind.REVIEW:
        Claim.objects.filter(pk=claim.pk).update(overturned_at=now)
    if case.kind == CaseKind.REFUND:
        refund_by_case(_line_of(claim), at=now)
    if decision.seconds:
        _add_pay(case, claim, decision.seconds, now)


def _withhold_or_restore(case: Case, claim: Claim, decision: CaseDecision, now: datetime) -> None:
    was_upheld = decision.round == 2 and case.decisions.filter(round=1, outcome=CaseOutcome.UPHELD).exists()
    if decision.outcome == CaseOutcome.UPHELD and not was_upheld:
        withhold(_line_of(claim), at=now)
    elif decision.outcome == CaseOutcome.DISMISSED and was_upheld:
        line = _line_of(claim)
        _add_pay(case, claim, line.seconds, now, is_on_house=line.is_on_house)


def _add_pay(case: Case, claim: Claim, seconds: int, now: datetime, *, is_on_house: bool = False) -> PayLine:
    return pay_by_case(
        expert=claim.expert,
        lab_id=claim.lab_id,
        project=case.project,
        subject=f"{case.subject}-case{case.number}",
        kind=claim.kind,
        seconds=seconds,
        rate_minor=claim.rate_minor,
        tier=claim.tier,
        card_version=claim.card_version,
        currency=claim.currency,
        at=now,
        is_on_house=is_on_house,
    )


def _line_of(claim: Claim) -> PayLine:
    line = (
        PayLine.objects.select_for_update(of=("self",)).select_related("expert").filter(subject=claim.public_id).first()
    )
    if line is None:
        raise Refused("Nothing was paid for this work.")
    return line


def _tell(case: Case, claim: Claim, kind: str, now: datetime, **said: str | int) -> None:
    """Tell the lab by its feed, and people by letters of their own."""
    if case.mode == Mode.LIVE:
        due("tasks.tell_of_case", key=f"{case.public_id}-{case.state}-{cases.round_of(case)}", case=case.pk)
    record_event(
        claim.lab_id, case.mode, kind, at=now, case=case.public_id, about=case.kind, claim=case.subject, **said
    )


def _cleaned(text: str, name: str) -> str:
    said = clean_text(text.replace("\r\n", "\n").strip(), name=name, max_length=MAX_WORDS)
    if len(said) < LEAST_WORDS:
        sentence = f"Write at least {LEAST_WORDS} characters, so that others can follow it."
        raise Invalid([FieldError(f"/{name}", "too_short", sentence)])
    return said


def _locked(case_id: UUID) -> tuple[Case, Claim]:
    """Lock a case and the work it is about: of two cases on one claim, each sees what the other added."""
    rows = Case.objects.select_for_update(of=("self",)).select_related("expert__user", "first", "second")
    case = rows.get(pk=case_id)
    return case, _lock(Claim.parse_id(case.subject))


def _lock(claim_id: UUID) -> Claim:
    found = Claim.objects.select_for_update(of=("self",)).select_related(*LOADED).filter(pk=claim_id).first()
    if found is None:
        raise NotYours("There is no such work of yours.")
    return found
