"""What is known of an expert: tiers by domain, marks, proofs; read by routing and by pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import User
from accounts.rules import is_vetting
from experts.models import (
    Application,
    Case,
    Credential,
    Domain,
    Expert,
    ReviewerMark,
    TierGrant,
    TierRequest,
    Verdict,
    VerdictKind,
)
from experts.states import ApplicationState, CaseState, ExpertState
from kernel.prepared import Prepared

QUEUE_ROWS = 100
FOUND_ROWS = 12


def tiers_by_domain(expert: Expert) -> dict[int, int]:
    """Map each domain id with a grant of its own to the tier in force there."""
    return dict(TierGrant.objects.live().filter(expert=expert).values_list("domain_id", "tier"))


def nearest(path: Sequence[int], tiers: dict[int, int]) -> int | None:
    """Return the tier that counts at the end of ``path``: its own, else the nearest ancestor's."""
    return next((tiers[domain] for domain in reversed(path) if domain in tiers), None)


def tier_of(expert: Expert, domain: Domain) -> int | None:
    """Return the tier that counts in ``domain``: granted there, else in the nearest ancestor, else None."""
    return nearest(domain.path, tiers_by_domain(expert))


def has_reviewer_mark(expert: Expert, domain: Domain) -> bool:
    """Tell whether the expert may review in ``domain``; a mark on an ancestor counts below it."""
    return ReviewerMark.objects.filter(expert=expert, domain__in=domain.path, revoked_at__isnull=True).exists()


def verified_credential_classes(expert: Expert, on: date) -> set[str]:
    """Return the classes of proof that are verified and not expired on ``on``."""
    return set(Credential.objects.counting(on).filter(expert=expert).values_list("credential_class", flat=True))


def credential_classes_by_expert(experts: Collection[UUID], on: date) -> dict[UUID, list[str]]:
    """Return the same for several experts by their keys, sorted, in one query; [] for an expert without any."""
    found: dict[UUID, list[str]] = {expert: [] for expert in experts}
    held = Credential.objects.counting(on).filter(expert__in=experts).order_by("credential_class")
    for expert, credential_class in held.values_list("expert_id", "credential_class").distinct():
        found[expert].append(credential_class)
    return found


def jurisdictions(expert: Expert, on: date) -> set[str]:
    """Return the places where the expert holds a verified, unexpired credential on ``on``."""
    held = Credential.objects.counting(on).filter(expert=expert).exclude(jurisdiction="")
    return set(held.values_list("jurisdiction", flat=True))


EXPERT_OF = Prepared(lambda user: Expert.objects.filter(user=user), user=uuid4())


def cases_in_no_hands() -> int:
    """Count the cases that wait for a person to take them."""
    return Case.objects.filter(state__in=(CaseState.OPEN, CaseState.APPEALED)).count()


def expert_of(user: User) -> Expert | None:
    """Return the user's expert, if they are one."""
    expert = EXPERT_OF.get(user=user.pk)
    if expert is not None:
        expert.user = user
    return expert


def application_of(expert: Expert) -> Application | None:
    """Return the expert's newest application."""
    return Application.objects.filter(expert=expert).select_related("expert__user").order_by("-created_at").first()


def requests_of(application: Application) -> QuerySet[TierRequest]:
    """Return the domains and tiers that an application asks for."""
    return TierRequest.objects.filter(application=application).select_related("domain").order_by("domain__position")


def credentials_of(expert: Expert) -> QuerySet[Credential]:
    """Return the expert's credentials in the order they were added."""
    return Credential.objects.filter(expert=expert).select_related("checked_by", "expert__user")


def grants_of(expert: Expert) -> QuerySet[TierGrant]:
    """Return the tiers in force or waiting for a second person, with the people."""
    return (
        TierGrant.objects.filter(expert=expert, revoked_at__isnull=True)
        .select_related("domain", "granted_by", "second_by", "expert__user")
        .order_by("domain__position", "tier")
    )


def marks_of(expert: Expert) -> QuerySet[ReviewerMark]:
    """Return the reviewer marks in force, with who gave them."""
    return (
        ReviewerMark.objects.filter(expert=expert, revoked_at__isnull=True)
        .select_related("domain", "granted_by", "expert__user")
        .order_by("domain__position")
    )


def verdicts_on(application: Application) -> QuerySet[Verdict]:
    """Return what operators said on an application, oldest first."""
    return Verdict.objects.filter(application=application).select_related("operator").order_by("at", "pk")


def domain_choices() -> list[tuple[str, str]]:
    """Return all domains for a select, children under their parents' names."""
    rows = Domain.objects.select_related("parent")
    return [(str(row.pk), f"{row.parent.name}: {row.name}" if row.parent else row.name) for row in rows]


def applications_seen_by(user: User) -> QuerySet[Application]:
    """Return every application a vetting operator may open: all but drafts and their own."""
    if not is_vetting(user):
        return Application.objects.none()
    return (
        Application.objects.exclude(submitted_at__isnull=True)
        .exclude(expert__user=user)
        .select_related("expert__user", "taken_by", "decided_by")
    )


def waiting_count(user: User | AnonymousUser) -> int:
    """Return how many applications wait for this operator."""
    return _waiting(user).count() if isinstance(user, User) else 0


def _waiting(user: User) -> QuerySet[Application]:
    """Return the applications that wait for an operator."""
    return applications_seen_by(user).filter(state__in=(ApplicationState.SUBMITTED, ApplicationState.IN_REVIEW))


@dataclass(frozen=True)
class QueueRow:
    """One line of the vetting queue, ready to render."""

    application: Application
    name: str
    asks: str
    age: str
    label: str
    tone: str


@dataclass(frozen=True)
class Queue:
    """The vetting queue: its rows, and how long the oldest has waited."""

    rows: list[QueueRow]
    oldest: str


def queue(user: User, now: datetime) -> Queue:
    """Return the applications that wait for an operator, oldest first."""
    waiting = _waiting(user)
    rows = [
        _queue_row(application, now) for application in _with_queue_parts(waiting).order_by("submitted_at")[:QUEUE_ROWS]
    ]
    return Queue(rows, rows[0].age if rows else "")


def found(user: User, text: str, now: datetime) -> list[QueueRow]:
    """Return applications by name or e-mail, or the latest decided ones, for looking back."""
    seen = applications_seen_by(user)
    if text:
        seen = seen.filter(Q(expert__user__name__icontains=text) | Q(expert__user__email__icontains=text))
    else:
        seen = seen.filter(decided_at__isnull=False)
    return [
        _queue_row(application, now) for application in _with_queue_parts(seen).order_by("-submitted_at")[:FOUND_ROWS]
    ]


def _with_queue_parts(applications: QuerySet[Application]) -> QuerySet[Application]:
    """Load, in two statements however many rows, what a line of the queue shows."""
    pending = TierGrant.objects.pending().filter(expert=OuterRef("expert"))
    asked = Verdict.objects.filter(application=OuterRef("pk"), kind=VerdictKind.MORE)
    return applications.annotate(wants_second=Exists(pending), was_asked=Exists(asked)).prefetch_related(
        Prefetch("requests", TierRequest.objects.select_related("domain").order_by("-tier"))
    )


def _queue_row(application: Application, now: datetime) -> QueueRow:
    """Return one line: who, what for, since when, and how it stands."""
    asked = [f"{request.domain.name}, asks tier {request.tier}" for request in application.requests.all()]
    rest = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
    label, tone = _standing(application)
    submitted_at = application.submitted_at or application.created_at
    return QueueRow(
        application,
        application.expert.user.get_full_name(),
        f"{asked[0]}{rest}" if asked else "Asks for no domain",
        age_words(now - submitted_at),
        label,
        tone,
    )


def _standing(application: Application) -> tuple[str, str]:
    """Return an application's standing in two words, and its tone."""
    if application.state == ApplicationState.IN_REVIEW:
        wants_second = getattr(application, "wants_second", False)
        return ("Second look", "gh-wait") if wants_second else ("In review", "gh-motion")
    if application.state == ApplicationState.SUBMITTED:
        return ("Answered", "gh-motion") if getattr(application, "was_asked", False) else ("New", "gh-idle")
    decided = {
        ApplicationState.APPROVED: ("Approved", "gh-settled"),
        ApplicationState.DECLINED: ("Declined", "gh-stopped"),
        ApplicationState.MORE_WANTED: ("Asked for more", "gh-wait"),
    }
    return decided.get(ApplicationState(application.state), ("Reopened", "gh-idle"))


def age_words(age: timedelta) -> str:
    """Write how long something has waited: 2 d 4 h, 22 h, 9 min."""
    hours, minutes = max(age.days, 0) * 24 + age.seconds // 3600, age.seconds % 3600 // 60
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h" if hours else f"{minutes} min"


@dataclass(frozen=True)
class Signal:
    """Something an operator should weigh: evidence, never a verdict."""

    title: str
    text: str


def signals(expert: Expert) -> list[Signal]:
    """Return what the records say about an applicant that a person should weigh."""
    shared = []
    for field, words in (("employer", "an employer"), ("network", "a network")):
        value = getattr(expert, field)
        if not value:
            continue
        names = _colleagues(expert, field, value)
        if names:
            shared.append(
                Signal(
                    f"Shares {words} with {len(names)} expert{'s' * (len(names) > 1)}.",
                    f"{value}, also {', '.join(names)}. Consequence if approved: none of them reviews another.",
                )
            )
    return shared + _twice_claimed(expert)


def _colleagues(expert: Expert, field: str, value: str) -> list[str]:
    """Return the names of active experts who say the same of themselves."""
    others = Expert.objects.filter(**{f"{field}__iexact": value}, state=ExpertState.ACTIVE).exclude(pk=expert.pk)
    return list(others.order_by("user__name").values_list("user__name", flat=True)[:5])


def _twice_claimed(expert: Expert) -> list[Signal]:
    """Return a signal for each credential number that another account claims from the same issuer."""
    twin = Credential.objects.filter(number=OuterRef("number"), issuer__iexact=OuterRef("issuer")).exclude(
        expert=expert
    )
    claimed = Credential.objects.filter(Exists(twin), expert=expert).exclude(number="")
    return [
        Signal("A credential is claimed twice.", f"Number {row.number} from {row.issuer} is on another account too.")
        for row in claimed
    ]
