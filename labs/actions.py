"""The only writers of labs, their people and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_name, clean_text
from kernel.states import move
from labs import rules
from labs.models import ApiKey, Lab, LabState, Member, Mode, Role, Scope
from labs.networks import clean_networks
from labs.secrets import new_key_text
from labs.states import LAB_MOVES

TERMS_VERSION = "2026-11"
MAX_LIVE_KEYS = 50
ROTATION = timedelta(hours=24)


class LabNotActive(Refused):
    """The lab is not (or no longer) approved for this."""

    code = "lab_not_active"


@action
def register_lab(
    *,
    owner: User,
    name: str,
    contact_email: str,
    country: str,
    website: str = "",
    purpose: str = "",
    is_code_name_only: bool = False,
    now: datetime,
) -> Lab:
    """Make a lab that waits for approval, with ``owner`` as its first person."""
    lab = Lab.objects.create(
        name=clean_name(name, name="name"),
        contact_email=contact_email.strip().lower(),
        country=country.upper(),
        website=website,
        purpose=clean_text(purpose, name="purpose", max_length=2_000),
        is_code_name_only=is_code_name_only,
        terms_version=TERMS_VERSION,
        terms_accepted_at=now,
        created_at=now,
        state=LabState.APPLICANT,
        state_changed_at=now,
    )
    Member.objects.create(lab=lab, user=owner, role=Role.OWNER, added_by=owner, added_at=now)
    audit(owner, "lab.registered", lab, at=now, terms=TERMS_VERSION)
    due("labs.tell_operators_of_application", lab=str(lab.pk))
    return lab


@action
def approve_lab(lab: Lab, *, by: User, reason: str, now: datetime) -> Lab:
    """Let the lab post work and pay for it."""
    reason = clean_text(reason, name="reason", max_length=1_000, min_length=3)
    was = move(lab, LabState.ACTIVE, moves=LAB_MOVES, now=now, approved_at=lab.approved_at or now)
    audit(by, "lab.approved", lab, at=now, was=was, reason=reason)
    due("labs.tell_owners_of_approval", lab=str(lab.pk))
    return lab


@action
def decline_lab(lab: Lab, *, by: User, reason: str, now: datetime) -> Lab:
    """Close an application with the reason that its owner is told."""
    if lab.state != LabState.APPLICANT:
        raise Refused("Only an application can be declined; freeze a lab that is at work.")
    reason = clean_text(reason, name="reason", max_length=1_000, min_length=20)
    was = move(lab, LabState.CLOSED, moves=LAB_MOVES, now=now)
    audit(by, "lab.declined", lab, at=now, was=was, reason=reason)
    due("labs.tell_owners_of_decline", lab=str(lab.pk))
    return lab


@action
def freeze_lab(lab: Lab, *, by: User, reason: str, now: datetime) -> Lab:
    """Stop the lab's keys from writing until an operator lifts it."""
    reason = clean_text(reason, name="reason", max_length=1_000, min_length=20)
    was = move(lab, LabState.FROZEN, moves=LAB_MOVES, now=now)
    audit(by, "lab.frozen", lab, at=now, was=was, reason=reason)
    return lab


def join_lab(lab: Lab, *, user: User, role: str, by: User, now: datetime) -> Member:
    """Let ``user`` act for the lab: a step of accepting an invitation; someone who does already stays as they are."""
    require_transaction()
    member, is_new = Member.objects.get_or_create(
        lab=lab, user=user, defaults={"role": role, "added_by": by, "added_at": now}
    )
    if is_new:
        audit(by, "lab.member_added", member, at=now, lab=lab.public_id, user=user.public_id, role=role)
    return member


@action
def change_role(member: Member, *, role: str, by: User, now: datetime) -> Member:
    """Make a member an owner, or an owner a member; the last owner stays one."""
    if role not in Role.values:
        raise Invalid([FieldError("role", "unknown", f"Choose one of: {', '.join(Role.values)}.")])
    _keep_an_owner(member)
    was, member.role = member.role, role
    member.save(update_fields=["role"])
    audit(by, "lab.role_changed", member, at=now, lab=member.lab.public_id, was=was, role=role)
    return member


@action
def remove_member(member: Member, *, by: User, now: datetime) -> None:
    """Take a person off the lab; the last owner stays."""
    _keep_an_owner(member)
    audit(by, "lab.member_removed", member, at=now, lab=member.lab.public_id, user=member.user.public_id)
    member.delete()


@action
def create_api_key(
    lab: Lab,
    *,
    mode: str,
    label: str,
    scopes: Sequence[str],
    by: User | ApiKey | None,
    now: datetime,
    expires_at: datetime | None = None,
    allowed_networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, which is kept nowhere; without networks it works from anywhere."""
    _check_key(lab, mode=mode, scopes=scopes, expires_at=expires_at, now=now)
    networks = clean_networks(allowed_networks)
    text, parts = new_key_text(mode)
    key = ApiKey.objects.create(
        lab=lab,
        mode=mode,
        label=clean_name(label, name="label", max_length=100),
        key_id=parts.key_id,
        secret_sha256=parts.secret_sha256,
        scopes=sorted(set(scopes)),
        created_by=by if isinstance(by, User) else None,
        created_at=now,
        expires_at=expires_at,
        allowed_networks=networks,
    )
    audit(by, "api_key.created", key, at=now, lab=lab.public_id, mode=mode, scopes=" ".join(key.scopes))
    if mode == Mode.TEST:
        due("payments.grant_play_money", key=lab.public_id, lab=lab.pk)  # Once for ever: with the first key.
    return key, text


@action
def rotate_api_key(key: ApiKey, *, by: User | ApiKey | None, now: datetime) -> tuple[ApiKey, str]:
    """Make a key's successor and return it with its text; the old key works for one more day."""
    if not rules.is_usable(key, now):
        raise Refused("This key has ended already. Make a new one.")
    ends_at = min(key.expires_at or now + ROTATION, now + ROTATION)
    text, parts = new_key_text(key.mode)
    lifetime = key.expires_at - key.created_at if key.expires_at else None
    successor = ApiKey.objects.create(
        lab=key.lab,
        mode=key.mode,
        label=key.label,
        key_id=parts.key_id,
        secret_sha256=parts.secret_sha256,
        scopes=key.scopes,
        created_by=by if isinstance(by, User) else None,
        created_at=now,
        expires_at=now + lifetime if lifetime else None,
        allowed_networks=key.allowed_networks,
    )
    ApiKey.objects.filter(pk=key.pk).update(expires_at=ends_at)
    key.expires_at = ends_at
    audit(by, "api_key.rotated", key, at=now, lab=key.lab.public_id, successor=successor.public_id)
    return successor, text


@action
def bind_api_key(key: ApiKey, *, allowed_networks: Sequence[str], by: User | ApiKey, now: datetime) -> ApiKey:
    """Let the key be used from these networks alone, from the next request on; none means from anywhere."""
    if not rules.is_usable(key, now):
        raise Refused("This key has ended already. Make a new one.")
    key.allowed_networks = clean_networks(allowed_networks)
    ApiKey.objects.filter(pk=key.pk).update(allowed_networks=key.allowed_networks)
    audit(by, "api_key.bound", key, at=now, lab=key.lab.public_id, networks=" ".join(key.allowed_networks))
    return key


@action
def revoke_api_key(key: ApiKey, *, by: User | ApiKey | None, now: datetime) -> ApiKey:
    """Stop the key from the next request on."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        raise Refused("This key is revoked already.")
    key.revoked_at = now
    audit(by, "api_key.revoked", key, at=now, lab=key.lab.public_id)
    return key


def note_key_use(key: ApiKey, *, ip: str | None, now: datetime) -> None:
    """Write the key's last use, at most once a minute; two requests at once write it once."""
    if key.last_used_at is not None and now - key.last_used_at < timedelta(seconds=60):
        return
    ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at).update(last_used_at=now, last_used_ip=ip)


def _keep_an_owner(member: Member) -> None:
    owners = list(Member.objects.select_for_update().filter(lab=member.lab_id, role=Role.OWNER).order_by("pk"))
    if [owner.pk for owner in owners] == [member.pk]:
        raise Refused("A lab keeps at least one owner. Make someone else an owner first.")


def _check_key(lab: Lab, *, mode: str, scopes: Sequence[str], expires_at: datetime | None, now: datetime) -> None:
    errors = []
    if mode not in Mode.values:
        errors.append(FieldError("mode", "unknown", "Choose live or test."))
    if not scopes:
        errors.append(FieldError("scopes", "required", "Choose at least one thing that the key may do."))
    if unknown := sorted(set(scopes) - set(Scope.values)):
        errors.append(FieldError("scopes", "unknown", f"No such scope: {', '.join(unknown)}."))
    if expires_at is not None and expires_at <= now:
        errors.append(FieldError("expires_at", "past", "A key cannot expire before it is made."))
    if errors:
        raise Invalid(errors)
    if mode == Mode.LIVE and not rules.is_open_for_business(lab):
        raise LabNotActive("Live keys work once the lab is approved. A test key can be made today.")
    if ApiKey.objects.filter(lab=lab, mode=mode, revoked_at__isnull=True).count() >= MAX_LIVE_KEYS:
        raise Refused(f"A lab holds at most {MAX_LIVE_KEYS} keys of a mode. Revoke one first.")
