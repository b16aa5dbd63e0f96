"""What may be seen of labs, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, When
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from accounts.models import AuditEvent, User
from accounts.rules import is_operator
from labs import rules
from labs.models import ApiKey, Event, Lab, LabState, Member, Role

ACTING_LAB = "acting_lab"
DESK_ROWS = 200


def memberships_of(user: User | AnonymousUser) -> QuerySet[Member]:
    """List the labs this person acts for, oldest membership first."""
    rows = Member.objects.select_related("lab").order_by("added_at", "id")
    return rows.filter(user=user) if isinstance(user, User) else rows.none()


def labs_of(user: User | AnonymousUser) -> QuerySet[Lab]:
    """List the labs this person acts for."""
    rows = Lab.objects.order_by("members__added_at", "id")
    return rows.filter(members__user=user) if isinstance(user, User) else rows.none()


def acting_membership(request: HttpRequest) -> Member | None:
    """Return the membership the console acts under: the chosen lab, else the first."""
    memberships = list(memberships_of(request.user))
    chosen = request.session.get(ACTING_LAB)
    return next((row for row in memberships if row.lab.public_id == chosen), memberships[0] if memberships else None)


def acting_lab(request: HttpRequest) -> Lab | None:
    """Return the lab the console acts for, or None for someone without one."""
    membership = acting_membership(request)
    return membership.lab if membership else None


def labs_seen_by_operator(user: User | AnonymousUser) -> QuerySet[Lab]:
    """List all labs for an operator, applications first; nothing for anyone else."""
    if not is_operator(user):
        return Lab.objects.none()
    applications_first = Case(When(state=LabState.APPLICANT, then=0), default=1)
    return Lab.objects.order_by(applications_first, "-created_at", "-id")


def is_member(user: User, lab: Lab) -> bool:
    """Tell whether this person acts for the lab."""
    return Member.objects.filter(user=user, lab=lab).exists()


@dataclass(frozen=True)
class DeskRow:
    """A lab on the operators' desk, with the form to decide on it where this operator may."""

    lab: Lab
    owner: User | None
    people: int
    is_waiting: bool
    form: object | None


def desk_rows(user: User, *, refused: UUID | None, form: object) -> list[DeskRow]:
    """List the labs for the desk; the form that was just refused stays with its lab."""
    own = set(memberships_of(user).values_list("lab", flat=True))
    labs = labs_seen_by_operator(user).prefetch_related("members__user")
    return [
        DeskRow(
            lab=lab,
            owner=next((member.user for member in lab.members.all() if member.role == Role.OWNER), None),
            people=len(lab.members.all()),
            is_waiting=lab.state == LabState.APPLICANT,
            form=form if rules.can_decide(user, lab, lab.pk in own) and refused in (None, lab.pk) else None,
        )
        for lab in labs[:DESK_ROWS]
    ]


@dataclass(frozen=True)
class KeyRow:
    """A key on its page: how it stands, and what may be done with it."""

    key: ApiKey
    state: str
    is_usable: bool


def key_rows(lab: Lab, now: datetime) -> list[KeyRow]:
    """List the lab's keys as they stand."""
    return [KeyRow(key, _key_state(key, now), rules.is_usable(key, now)) for key in keys_of(lab)]


def key_standing(key: ApiKey, now: datetime) -> str:
    """Say whether a key is active, expired or revoked."""
    if key.revoked_at is not None:
        return "revoked"
    return "active" if rules.is_usable(key, now) else "expired"


def _key_state(key: ApiKey, now: datetime) -> str:
    standing = key_standing(key, now)
    return key.mode.upper() if standing == "active" else standing.upper()


def keys_of(lab: Lab) -> QuerySet[ApiKey]:
    """List the lab's keys without their hashes, usable ones first."""
    return (
        ApiKey.objects.filter(lab=lab)
        .select_related("lab", "created_by")
        .defer("secret_sha256")
        .order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "-id")
    )


def members_of(lab: Lab) -> QuerySet[Member]:
    """List the lab's people, oldest first."""
    return Member.objects.filter(lab=lab).select_related("user", "lab").order_by("added_at", "id")


def signer_of_terms(lab: Lab) -> User | None:
    """Return who accepted the terms for the lab: the person who applied."""
    applied = AuditEvent.objects.filter(object_id=lab.public_id, verb="lab.registered").first()
    return User.objects.filter(pk=User.parse_id(applied.actor)).first() if applied and applied.actor else None


def owners_of(lab: Lab) -> list[User]:
    """List who answers for the lab."""
    return [row.user for row in members_of(lab).filter(role="owner")]


def find_key(mode: str, key_id: str) -> ApiKey | None:
    """Return the key with its lab, whether usable or not."""
    return ApiKey.objects.select_related("lab").filter(mode=mode, key_id=key_id).first()


def events_of(lab: Lab, mode: str) -> QuerySet[Event]:
    """List the feed in its final order: only what no running transaction can still precede."""
    oldest_running = RawSQL("txid_snapshot_xmin(txid_current_snapshot())", (), output_field=BigIntegerField())
    return Event.objects.filter(lab=lab, mode=mode, transaction__lt=oldest_running).order_by("transaction", "id")


def events_after(events: QuerySet[Event], transaction: int, pk: bytes) -> QuerySet[Event]:
    """Go on after a place in the feed."""
    return events.filter(Q(transaction__gt=transaction) | Q(transaction=transaction, pk__gt=UUID(bytes=pk)))
