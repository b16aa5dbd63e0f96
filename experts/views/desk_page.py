"""What the vetting desk's page shows: queue left, evidence in the middle, decision right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import User
from accounts.rules import is_vetting
from experts import queries, rules
from experts.forms import DecisionForm, GrantForm, MarkForm, ReasonForm, VerdictForm, country_name, language_names
from experts.models import TWO_PERSON_TIER, Application, Credential, ReviewerMark, TierGrant
from experts.states import ApplicationState, CredentialState
from kernel.db import app_now


@dataclass
class DeskForms:
    """Forms that were just refused, to be shown with their errors; ``row`` is a form beside one row of evidence."""

    decision: DecisionForm | None = None
    grant: GrantForm | None = None
    mark: MarkForm | None = None
    row: tuple[UUID, forms.Form] | None = None

    def beside(self, key: UUID, fresh: forms.Form) -> forms.Form:
        """Return the refused form of this row, else a fresh one."""
        return self.row[1] if self.row and self.row[0] == key else fresh

    def is_refused(self, key: UUID) -> bool:
        """Tell whether the form beside this row was just refused, and so stays open."""
        return self.row is not None and self.row[0] == key


@dataclass(frozen=True)
class CredentialRow:
    """A credential with what the operator may do about it."""

    credential: Credential
    form: forms.Form
    can_check: bool
    can_judge: bool
    is_refused: bool


@dataclass(frozen=True)
class HeldRow:
    """A tier or a reviewer mark with what the operator may do about it."""

    held: TierGrant | ReviewerMark
    form: forms.Form
    is_pending: bool
    can_confirm: bool
    is_refused: bool


@dataclass(frozen=True)
class Person:
    """One of the people who decide."""

    initials: str
    name: str
    did: str
    note: str
    at: object = None
    is_empty: bool = False


def operator_of(request: HttpRequest) -> User:
    """Return the acting vetting operator, or refuse."""
    if not isinstance(request.user, User) or not is_vetting(request.user):
        raise PermissionDenied
    return request.user


def seen(request: HttpRequest, application_id: UUID) -> Application:
    """Return an application this operator may see, or 404; their own does not exist for them."""
    return get_object_or_404(queries.applications_seen_by(operator_of(request)), pk=application_id)


def queue_context(request: HttpRequest, operator: User) -> dict[str, object]:
    """Return what the left column shows."""
    text, now = request.GET.get("q", "").replace("\x00", "").strip()[:80], app_now()
    return {"queue": queries.queue(operator, now), "found": queries.found(operator, text, now), "q": text}


def desk_page(request: HttpRequest, application: Application, refused: DeskForms, *, status: int = 200) -> HttpResponse:
    """Render the desk with one application opened."""
    operator = operator_of(request)
    context = queue_context(request, operator)
    context |= _neighbours(context["queue"], application)
    context |= _evidence(application, operator, refused)
    context |= _decision(application, operator, refused)
    return render(request, "experts/vetting.html", context, status=status)


def _neighbours(queue: object, application: Application) -> dict[str, object]:
    """Return the applications before and after this one, for the keys that move."""
    assert isinstance(queue, queries.Queue)
    keys = [row.application.pk for row in queue.rows]
    place = keys.index(application.pk) if application.pk in keys else -1
    return {
        "previous": keys[place - 1] if place > 0 else None,
        "next": keys[place + 1] if place + 1 < len(keys) else None,
    }


def _evidence(application: Application, operator: User, refused: DeskForms) -> dict[str, object]:
    """Return the middle column: proofs, tiers and marks held, signals, words."""
    expert = application.expert
    return {
        "application": application,
        "expert": expert,
        "country": country_name(expert.country),
        "languages": language_names(expert.languages),
        "requests": queries.requests_of(application),
        "credentials": [_credential_row(row, refused) for row in queries.credentials_of(expert)],
        "grants": [_grant_row(row, operator, refused) for row in queries.grants_of(expert)],
        "marks": [_mark_row(row, refused) for row in queries.marks_of(expert)],
        "signals": queries.signals(expert),
    }


def _credential_row(credential: Credential, refused: DeskForms) -> CredentialRow:
    """Return one credential ready to render."""
    fresh = VerdictForm(auto_id=f"{credential.public_id}_%s")
    return CredentialRow(
        credential,
        refused.beside(credential.pk, fresh),
        credential.state == CredentialState.CLAIMED,
        credential.state == CredentialState.CHECKING,
        refused.is_refused(credential.pk),
    )


def _grant_row(grant: TierGrant, operator: User, refused: DeskForms) -> HeldRow:
    """Return one tier ready to render."""
    is_pending = grant.tier >= TWO_PERSON_TIER and grant.second_by_id is None
    fresh = ReasonForm(auto_id=f"{grant.public_id}_%s")
    can_confirm = is_pending and rules.can_confirm(operator, grant)
    return HeldRow(grant, refused.beside(grant.pk, fresh), is_pending, can_confirm, refused.is_refused(grant.pk))


def _mark_row(mark: ReviewerMark, refused: DeskForms) -> HeldRow:
    """Return one reviewer mark ready to render."""
    fresh = ReasonForm(auto_id=f"{mark.public_id}_%s")
    return HeldRow(mark, refused.beside(mark.pk, fresh), False, False, refused.is_refused(mark.pk))


def _decision(application: Application, operator: User, refused: DeskForms) -> dict[str, object]:
    """Return the right column: checklist, people, and the decisions that are open."""
    form = refused.decision or DecisionForm(requests=queries.requests_of(application))
    waiting = [grant for grant in queries.grants_of(application.expert) if _is_pending(grant)]
    return {
        "form": form,
        "checks": _checks(form),
        "check_count": len(rules.CHECKS),
        "grant_form": refused.grant or GrantForm(auto_id="grant_%s"),
        "mark_form": refused.mark or MarkForm(auto_id="mark_%s"),
        "waiting": waiting,
        "can_confirm": bool(waiting) and all(rules.can_confirm(operator, grant) for grant in waiting),
        "people": _people(application, operator, waiting),
        "is_new": application.state == ApplicationState.SUBMITTED,
        "is_open": application.state == ApplicationState.IN_REVIEW,
    }


def _is_pending(grant: TierGrant) -> bool:
    """Tell whether a tier still wants its second person."""
    return grant.tier >= TWO_PERSON_TIER and grant.second_by_id is None


def _checks(form: DecisionForm) -> list[dict[str, object]]:
    """Return the checklist with what was ticked."""
    ticked = form.data.getlist("checks") if form.is_bound else []  # type: ignore[attr-defined]  # Bound to a QueryDict.
    return [{"name": name, "text": text, "note": note, "is_met": name in ticked} for name, text, note in rules.CHECKS]


def _people(application: Application, operator: User, waiting: Sequence[TierGrant]) -> list[Person]:
    """Return who has spoken on this application, and whose word is still wanted."""
    people = [
        Person(
            verdict.operator.initials,
            verdict.operator.get_full_name(),
            verdict.get_kind_display(),
            f", “{verdict.reason}”",
            verdict.at,
        )
        for verdict in queries.verdicts_on(application)
    ]
    if application.state != ApplicationState.IN_REVIEW:
        return people
    if not waiting:
        return [*people, Person(operator.initials, "You", "decide", "Nobody has decided yet", is_empty=True)]
    if any(grant.granted_by_id == operator.pk for grant in waiting):
        return [
            *people,
            Person(
                "?", "Somebody else", "confirms as the second", "You were the first, so another confirms", is_empty=True
            ),
        ]
    return [*people, Person(operator.initials, "You", "as the second", "You were not the first here", is_empty=True)]
