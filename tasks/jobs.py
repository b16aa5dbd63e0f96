"""What happens to work in the background: routing, offers, expiry, the clock's acceptance, and telling people."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.outbox import due, job
from agreements.models import AgreementVersion, Signature
from experts.models import Case, Expert
from kernel.db import app_now
from labs.models import Mode
from tasks import hold_check as hold_check  # Registers what a reconciliation asks of claims.
from tasks import money_laws as money_laws  # Registers two laws that the check of the ledger asks about.
from tasks import notices, routing
from tasks.actions import (
    budgets,
    cases,
    claims,
    exporting,
    ingest,
    offers,
    reviews,
    routes,
    settling,
    simulating,
    suspensions,
)
from tasks.exports.files import sweep_parts
from tasks.models import Batch, Claim, Export, Offer, Project, Question, Task
from tasks.rules import HANDING_OUT, PAUSED_FOR_BUDGET
from tasks.states import ClaimState, OfferState, ProjectState

AT_ONCE = 100
REVIEWERS_TOLD = 20
PARTS_KEPT_SECONDS = 24 * 3600.0


@job("tasks.batch_opened", timeout=120)
@job("tasks.route_batch", timeout=120)
def route_batch(batch: str) -> None:
    """Judge the experts of the batch's project, then offer its seats to the best."""
    row = Batch.objects.select_related("project__domain").get(pk=UUID(batch))
    now = app_now()
    routes.compute_eligibility(row.project, now=now)
    offers.make_offers(row, now=now)
    _begin_simulation(row)


@job("tasks.project_changed", timeout=120)
def project_changed(project: str) -> None:
    """Judge everybody against the project's new terms or budget, and offer what it now allows."""
    row = Project.objects.select_related("domain").get(pk=UUID(project))
    now = app_now()
    routes.compute_eligibility(row, now=now)
    _offer_all([row.pk])


@job("tasks.expert_changed", timeout=120)
def expert_changed(expert: str) -> None:
    """Judge one expert against every open project, and offer them what is there."""
    row = Expert.objects.get(pk=UUID(expert))
    now = app_now()
    welcome = [
        project.pk
        for project in routing.affected_projects(row.mode)
        if routes.compute_eligibility(project, now=now, only=[row.pk])
    ]
    _offer_all(welcome)


@job("tasks.funds_received")
def funds_received(lab: str) -> None:
    """Look again at what a lab's projects can offer, now that it has paid in."""
    projects = Project.objects.filter(lab=UUID(lab), state=ProjectState.LIVE)
    _offer_all(list(projects.values_list("pk", flat=True)))


@job("tasks.rates_changed", timeout=300)
def rates_changed() -> None:
    """Judge all open projects by the rate card of today."""
    now = app_now()
    for project in routing.affected_projects(*Mode.values):
        routes.compute_eligibility(project, now=now)


@job("tasks.signature_revoked")
def signature_revoked(signature: str) -> None:
    """Close out what the signer had in hand under the agreement, and pay its time."""
    row = Signature.objects.get(pk=UUID(signature))
    mine = Claim.objects.filter(expert__user=row.user_id, project__agreement=row.agreement_id)
    claims.close_out_unsigned(mine, now=app_now())


@job("tasks.urgent_version")
def urgent_version(version: str) -> None:
    """Let live work under an agreement stand still until its experts have signed an urgent version."""
    row = AgreementVersion.objects.get(pk=UUID(version))
    now = app_now()
    for claim in suspensions.suspend_unsigned(row.agreement_id, now=now):
        notices.tell_of_suspension(claim, row, now)


@job("tasks.signature_renewed")
def signature_renewed(signature: str) -> None:
    """Let the signer's work go on that stood still for this signature."""
    row = Signature.objects.get(pk=UUID(signature))
    suspensions.lift_signed(row.user_id, row.agreement_id, now=app_now())


@job("tasks.close_out_batch", timeout=300)
def close_out_batch(batch: str) -> None:
    """End all unfinished work of a cancelled batch with its pay, then its seats, then see whether it is settled."""
    row = Batch.objects.get(pk=UUID(batch))
    now = app_now()
    claims.close_out_batch(row, by=None, now=now)
    offers.withdraw_seats(row, by=None, now=now)
    settling.settle_batch(row.pk, now=now)


@job("tasks.close_out_task")
def close_out_task(task: str) -> None:
    """End all unfinished work on a cancelled task with its pay, then see whether its batch waited for nothing else."""
    row = Task.objects.only("batch").get(pk=UUID(task))
    now = app_now()
    claims.close_out_task(row, by=None, now=now)
    settling.settle_batch(row.batch_id, now=now)


@job("tasks.batch_drained")
@job("tasks.settle_batch")
def settle_batch(batch: str) -> None:
    """See whether a batch is complete, and settled."""
    settling.settle_batch(UUID(batch), now=app_now())


@job("tasks.tell_of_offer")
def tell_of_offer(offer: str) -> None:
    """Tell an expert of an offer that still stands."""
    row = Offer.objects.select_related("expert__user", "batch__project").get(pk=UUID(offer))
    if row.state == OfferState.OFFERED:
        notices.tell_of_offer(row, app_now())


@job("tasks.tell_of_decision")
def tell_of_decision(claim: str) -> None:
    """Tell an expert how their answer was judged, unless it has moved on since."""
    row = _told(claim)
    if row.state in (ClaimState.ACCEPTED, ClaimState.REJECTED, ClaimState.RETURNED):
        notices.tell_of_decision(row, app_now())


@job("tasks.tell_of_expiry")
@job("tasks.tell_of_close_out")
def tell_of_ending(claim: str) -> None:
    """Tell an expert that a claim ended before it was handed in."""
    notices.tell_of_ending(_told(claim), app_now())


@job("tasks.tell_reviewers")
def tell_reviewers(claim: str) -> None:
    """Tell some of those who may review that work waits."""
    notices.tell_reviewers(_told(claim), app_now(), REVIEWERS_TOLD)


@job("tasks.tell_of_question")
def tell_of_question(question: str) -> None:
    """Tell a lab of a question that still waits."""
    row = _question(question)
    if row.answered_at is None:
        notices.tell_of_question(row, app_now())


@job("tasks.tell_of_answer")
def tell_of_answer(question: str) -> None:
    """Tell an expert that a question has been answered."""
    notices.tell_of_answer(_question(question), app_now())


@job("tasks.make_export", queue="exports", timeout=900)
def make_export(export: str) -> None:
    """Write the file of an export."""
    row = Export.objects.select_related("project", "lab").get(pk=UUID(export))
    exporting.make_export(row, now=app_now())


@job("tasks.sweep_budgets")
def sweep_budgets() -> None:
    """Look at the budget of every project that hands work out or waits for money."""
    watched = Q(state=ProjectState.LIVE) | Q(state=ProjectState.PAUSED, pause_reason=PAUSED_FOR_BUDGET)
    failures = []
    for project in Project.objects.filter(watched).values_list("pk", flat=True):
        try:
            budgets.watch_budget(project, now=app_now())
        except Exception as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup("budgets that could not be looked at", failures)


@job("tasks.tell_of_budget", queue="notices")
def tell_of_budget(project: str, percent: int, allocated_minor: int) -> None:
    """Tell a lab's owners how much of a project's budget is used."""
    row = Project.objects.select_related("lab").defer("data_key").get(pk=UUID(project))
    notices.tell_of_budget(row, percent, allocated_minor, app_now())


@job("tasks.sweep_exports")
def sweep_exports() -> None:
    """Say which exports will not come, and take back files that have lain long enough."""
    now = app_now()
    exporting.fail_given_up(now)
    exporting.expire_old(now, AT_ONCE)
    sweep_parts(PARTS_KEPT_SECONDS)


@job("tasks.sweep_ingest")
def sweep_ingest() -> None:
    """Forget postings that broke off."""
    ingest.sweep_ingest(app_now())


@job("tasks.expire_claims")
def expire_claims() -> None:
    """Free lapsed slots; the next claimer would do it too, so nobody waits for this."""
    now = app_now()
    claims.expire_claims(now, AT_ONCE)
    claims.expire_returned(now, AT_ONCE)


@job("tasks.expire_offers")
def expire_offers() -> None:
    """End offers that nobody answered."""
    offers.expire_offers(now=app_now(), limit=AT_ONCE)


@job("tasks.accept_by_clock")
def accept_by_clock() -> None:
    """Accept work that nobody judged within its window."""
    reviews.accept_by_clock(app_now(), AT_ONCE)


def _told(claim: str) -> Claim:
    return Claim.objects.select_related("expert__user", "project").get(pk=UUID(claim))


def _question(question: str) -> Question:
    return Question.objects.select_related("project", "expert__user").get(pk=UUID(question))


def _offer_all(projects: list[UUID]) -> None:
    """Make it due that the running batches of these projects offer their seats."""
    with transaction.atomic():
        for batch in Batch.objects.filter(project__in=projects, state__in=HANDING_OUT).values_list("pk", flat=True):
            due("tasks.offer_seats", batch=batch)


@job("tasks.offer_seats")
def offer_seats(batch: str) -> None:
    """Offer the batch's seats to those already judged."""
    row = Batch.objects.select_related("project").get(pk=UUID(batch))
    offers.make_offers(row, now=app_now())
    _begin_simulation(row)


def _begin_simulation(batch: Batch) -> None:
    """Make it due that simulated experts take what a test batch offers."""
    if batch.project.mode == Mode.TEST:
        with transaction.atomic():
            due(simulating.JOB, batch=batch.pk)


@job("tasks.tell_of_case")
def tell_of_case(case: str) -> None:
    """Tell those whom a case concerns where it stands."""
    row = Case.objects.get(pk=UUID(case))
    claim = Claim.objects.select_related("project", "expert__user").get(pk=Claim.parse_id(row.subject))
    notices.tell_of_case(row, claim, app_now())


@job("tasks.close_cases", timeout=120)
def close_cases() -> None:
    """Let decided cases stand that nobody appealed in time."""
    cases.close_settled(app_now(), AT_ONCE)
