"""From the first form to a decision: what an applicant sends and what operators answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.audit import audit
from accounts.models import User
from accounts.notices import notify
from experts.actions.effects import tell_routing
from experts.actions.grants import SecondPersonNeeded, give_tier, require_reason, require_vetting, second_tier
from experts.models import Application, Credential, Domain, Expert, TierGrant, TierRequest, Verdict, VerdictKind
from experts.rules import can_apply_again, can_edit, missing_parts, promised_by
from experts.states import APPLICATION_MOVES, EXPERT_MOVES, ApplicationState, ExpertState
from kernel.db import action
from kernel.errors import Refused
from kernel.states import move

APPLY_URL = "/apply/"


class Incomplete(Refused):
    """An application lacks something before it can be sent."""

    code = "application_incomplete"
    status = 422


@action
def register_expert(
    *,
    user: User,
    country: str,
    languages: Sequence[str],
    now: datetime,
    headline: str = "",
    bio: str = "",
    employer: str = "",
    network: str = "",
    weekly_hours: int = 20,
) -> Expert:
    """Make the user an applicant with an open, empty application."""
    try:
        with transaction.atomic():
            expert = Expert.objects.create(
                user=user,
                country=country,
                languages=list(languages),
                headline=headline,
                bio=bio,
                employer=employer,
                network=network,
                weekly_hours=weekly_hours,
                created_at=now,
                state=ExpertState.APPLICANT,
                state_changed_at=now,
            )
    except IntegrityError as error:
        raise Refused("You already have an expert profile; go on with your application.") from error
    application = Application.objects.create(
        expert=expert, created_at=now, state=ApplicationState.DRAFT, state_changed_at=now
    )
    audit(user, "expert.registered", expert, at=now)
    audit(user, "application.opened", application, at=now)
    return expert


@action
def fill_application(
    application: Application, *, statement: str, requests: Sequence[tuple[Domain, int]], now: datetime
) -> None:
    """Record what an open application asks for and says, in place of what it said before."""
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if not can_edit(locked):
        raise Refused("This application is with an operator and cannot be changed now.")
    locked.statement = application.statement = statement
    locked.save(update_fields=["statement"])
    TierRequest.objects.filter(application=locked).delete()
    TierRequest.objects.bulk_create(
        TierRequest(application=locked, domain=domain, tier=tier) for domain, tier in requests
    )
    audit(locked.expert.user, "application.filled", locked, at=now, domains=len(requests))


@action
def submit_application(application: Application, *, now: datetime) -> None:
    """Send an application to the vetting desk, if nothing is missing; an answer is promised in three business days."""
    expert = application.expert
    missing = missing_parts(
        languages=expert.languages,
        requests=application.requests.count(),
        credentials=Credential.objects.filter(expert=expert).count(),
        statement=application.statement,
    )
    if missing:
        raise Incomplete(" ".join(missing))
    was = move(
        application,
        ApplicationState.SUBMITTED,
        moves=APPLICATION_MOVES,
        now=now,
        submitted_at=now,
        promised_at=promised_by(now),
        taken_by=None,
    )
    audit(expert.user, "application.submitted", application, at=now, was=was)


@action
def take_application(application: Application, *, by: User, now: datetime) -> None:
    """Begin to look at an application."""
    require_vetting(by, application.expert)
    was = move(application, ApplicationState.IN_REVIEW, moves=APPLICATION_MOVES, now=now, taken_by=by)
    audit(by, "application.taken", application, at=now, was=was)


@action
def approve_application(
    application: Application,
    *,
    by: User,
    reason: str,
    now: datetime,
    tiers: Mapping[Domain, int] | None = None,
    checks: Sequence[str] = (),
) -> bool:
    """Grant ``tiers`` and approve; return False when a tier of 4 or 5 keeps it open for a second operator."""
    _require_in_review(application, by, reason)
    if _pending(application).exists():
        raise SecondPersonNeeded("A tier of this application waits for a second, different operator.")
    grants = [
        give_tier(application.expert, domain, tier, by=by, reason=reason, now=now)
        for domain, tier in (tiers or {}).items()
    ]
    _record(application, VerdictKind.APPROVE, by=by, reason=reason, checks=checks, now=now)
    if _pending(application).filter(pk__in=[grant.pk for grant in grants]).exists():
        audit(by, "application.wants_second", application, at=now)
        return False
    _approve(application, by=by, reason=reason, now=now)
    return True


@action
def confirm_application(
    application: Application, *, by: User, reason: str, now: datetime, checks: Sequence[str] = ()
) -> None:
    """Confirm, as the second operator, every tier that waits on this application, and approve it."""
    _require_in_review(application, by, reason)
    waiting = list(_pending(application).select_related("domain", "expert__user"))
    if not waiting:
        raise Refused("Nothing on this application waits for a second operator.")
    for grant in waiting:
        second_tier(grant, by=by, now=now)
    _record(application, VerdictKind.SECOND, by=by, reason=reason, checks=checks, now=now)
    _approve(application, by=by, reason=reason, now=now)


def _require_in_review(application: Application, by: User, reason: str) -> None:
    """Lock an application under review and check who decides, and that they say why."""
    require_vetting(by, application.expert)
    require_reason(reason)
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if locked.state != ApplicationState.IN_REVIEW:
        raise Refused("Take this application before deciding on it.")


def _pending(application: Application) -> QuerySet[TierGrant]:
    """Return the expert's tiers that wait for a second operator."""
    return TierGrant.objects.pending().filter(expert=application.expert_id)


def _approve(application: Application, *, by: User, reason: str, now: datetime) -> None:
    """Move the application to APPROVED and an applicant to ACTIVE, and tell them."""
    expert = application.expert
    was = move(
        application,
        ApplicationState.APPROVED,
        moves=APPLICATION_MOVES,
        now=now,
        decided_by=by,
        decided_at=now,
        reason=reason,
    )
    audit(by, "application.approved", application, at=now, was=was)
    if expert.state == ExpertState.APPLICANT:
        was = move(expert, ExpertState.ACTIVE, moves=EXPERT_MOVES, now=now)
        audit(by, "expert.activated", expert, at=now, was=was)
    notify(expert.user, "Your application was approved. Work that fits you is on your home page.", "/home/", now)
    tell_routing(expert)


@action
def ask_for_more(application: Application, *, by: User, reason: str, now: datetime, checks: Sequence[str] = ()) -> None:
    """Send an application back to the expert with what is still wanted."""
    _require_in_review(application, by, reason)
    was = move(application, ApplicationState.MORE_WANTED, moves=APPLICATION_MOVES, now=now, reason=reason)
    _record(application, VerdictKind.MORE, by=by, reason=reason, checks=checks, now=now)
    audit(by, "application.more_wanted", application, at=now, was=was)
    notify(application.expert.user, "Your application needs something more before we can decide.", APPLY_URL, now)


@action
def decline_application(
    application: Application, *, by: User, reason: str, now: datetime, checks: Sequence[str] = ()
) -> None:
    """Decline an application with its reason; the expert may open it again after the cooling-off."""
    _require_in_review(application, by, reason)
    was = move(
        application,
        ApplicationState.DECLINED,
        moves=APPLICATION_MOVES,
        now=now,
        decided_by=by,
        decided_at=now,
        reason=reason,
    )
    for grant in _pending(application):
        TierGrant.objects.filter(pk=grant.pk).update(revoked_at=now, revoked_by=by, revoke_reason=reason)
        audit(by, "tier.revoked", grant, at=now, tier=grant.tier)
    _record(application, VerdictKind.DECLINE, by=by, reason=reason, checks=checks, now=now)
    audit(by, "application.declined", application, at=now, was=was)
    notify(application.expert.user, "Your application was declined. The reason is on its page.", APPLY_URL, now)


def _record(
    application: Application, kind: VerdictKind, *, by: User, reason: str, checks: Sequence[str], now: datetime
) -> None:
    """Keep one operator's word beside the checks they ticked."""
    Verdict.objects.create(application=application, operator=by, kind=kind, reason=reason, checks=list(checks), at=now)


@action
def reopen_application(application: Application, *, now: datetime) -> None:
    """Open a declined application again, once the cooling-off is over."""
    if not can_apply_again(application, now):
        raise Refused("You can apply again 30 days after the decision.")
    was = move(application, ApplicationState.DRAFT, moves=APPLICATION_MOVES, now=now, decided_by=None, decided_at=None)
    audit(application.expert.user, "application.reopened", application, at=now, was=was)
