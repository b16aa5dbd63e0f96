"""What people are told about their work: short lines in their inbox, without content and without a lab's name."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.mail import post_mail
from accounts.models import Role
from accounts.notices import notify
from accounts.queries import holders_of
from agreements.models import AgreementVersion
from experts.models import Case
from experts.states import CaseSide, CaseState
from kernel.db import action
from labs.models import Member
from labs.queries import owners_of
from tasks.models import Claim, Eligibility, Offer, Project, Question
from tasks.rules import PAUSED_FOR_BUDGET
from tasks.states import ClaimState

SAID = {
    "accepted": "Your answer in {name} was accepted. Its pay is on your earnings page.",
    "fixed": "Your answer in {name} was accepted with the reviewer's corrections. It is paid in full.",
    "rejected": "Your answer in {name} was not accepted. Its time is paid, and the reviewer says why.",
}

SAID_OF_CASE = {
    CaseState.OPEN: "{name}: a person was asked about your work ({about}). You can read the case and its decision.",
    CaseState.DECIDED: "{name}: your case ({about}) is decided, with reasons.",
    CaseState.APPEALED: "{name}: a second person looks at your case ({about}).",
    CaseState.FINAL: "{name}: the last word on your case ({about}) is there, with reasons.",
}


@action
def tell_of_offer(offer: Offer, at: datetime) -> None:
    """Tell an expert of a seat that waits for an answer."""
    text = f"{offer.batch.project.code_name}: a seat with {offer.guaranteed_minutes} guaranteed minutes waits for you."
    notify(offer.expert.user, text, reverse("tasks:offers"), at)


@action
def tell_of_decision(claim: Claim, at: datetime) -> None:
    """Tell an expert how their answer was judged."""
    name, page = claim.project.code_name, reverse("tasks:mine")
    if claim.state == ClaimState.RETURNED:
        text = f"Your answer in {name} came back with notes. Take it up within 72 hours; its time stays paid."
    else:
        text = SAID[claim.decision].format(name=name)
    notify(claim.expert.user, text, page, at)


@action
def tell_of_ending(claim: Claim, at: datetime) -> None:
    """Tell an expert that a claim ended without being handed in, and what is paid."""
    minutes = (claim.approved_seconds or 0) // 60
    text = f"{claim.project.code_name}: {claim.end_reason} {minutes} min are paid, and your draft is kept."
    notify(claim.expert.user, text, reverse("tasks:mine"), at)


@action
def tell_reviewers(claim: Claim, at: datetime, most: int) -> None:
    """Tell those who may review the project that work waits."""
    rows = Eligibility.objects.filter(project=claim.project, can_review=True).exclude(expert=claim.expert)
    for row in rows.select_related("expert__user").order_by("expert")[:most]:
        notify(row.expert.user, f"{claim.project.code_name}: work waits for a review.", reverse("tasks:home"), at)


@action
def tell_of_question(question: Question, at: datetime) -> None:
    """Tell the members of a lab that a question waits for an answer; its words are on the page alone."""
    page = reverse("tasks:questions", args=[question.project_id])
    for member in Member.objects.filter(lab=question.project.lab_id).select_related("user"):
        notify(member.user, f"{question.project.name}: an expert asks about a task.", page, at)


@action
def tell_of_answer(question: Question, at: datetime) -> None:
    """Tell the asker that the answer is there."""
    text = f"{question.project.code_name}: your question has been answered."
    notify(question.expert.user, text, reverse("tasks:asked"), at)


@action
def tell_of_suspension(claim: Claim, version: AgreementVersion, at: datetime) -> None:
    """Tell an expert that the task in hand stands still until they sign, and for how long it is kept."""
    text = f"{claim.project.code_name}: the agreement has changed. Your task is kept for 24 h; sign to go on."
    notify(claim.expert.user, text, reverse("agreements:sign", args=[version.pk]), at)


@action
def tell_of_case(case: Case, claim: Claim, at: datetime) -> None:
    """Tell trust operators of a case that waits for one of them, and its expert where it stands."""
    desk, page = reverse("tasks:case_desk_one", args=[case.pk]), reverse("tasks:case", args=[case.pk])
    name, about = claim.project.code_name, case.get_kind_display().lower()
    if case.state in (CaseState.OPEN, CaseState.APPEALED):
        for operator in holders_of(Role.TRUST):
            notify(operator, f"{about.capitalize()}: a case waits for a person.", desk, at)
    said = SAID_OF_CASE.get(CaseState(case.state), "")
    if said and not (case.state == CaseState.OPEN and case.side == CaseSide.EXPERT):
        notify(claim.expert.user, said.format(name=name, about=about), page, at)


@action
def tell_of_budget(project: Project, percent: int, allocated_minor: int, at: datetime) -> None:
    """Tell a lab's owners, by letter too, how much of a budget is used, once for each amount allocated."""
    page = reverse("tasks:project", args=[project.pk])
    if project.pause_reason == PAUSED_FOR_BUDGET:
        text = f"The budget of {project.name} covers no further task. It is paused, and goes on when you add to it."
    else:
        text = f"{percent} % of the budget of {project.name} is spent or held for work under way."
    for owner in owners_of(project.lab):
        body = f"Hello {owner.get_short_name()},\n\n{text}\n\n{settings.PUBLIC_URL}{page}\n"
        key = f"budget-{project.public_id}-{percent}-of-{allocated_minor}-{owner.public_id}"
        if post_mail(to=owner.email, subject=f"{project.name}: {percent} % of the budget", body=body, key=key):
            notify(owner, text, page, at)
