"""Change accounts: who exists, what they may do, and what they have read."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import timezone

from accounts import outbox
from accounts.audit import audit
from accounts.models import Notification, OutboxItem, Role, RoleGrant, Session, User
from accounts.notices import notify
from accounts.session_store import stored_key
from kernel.db import action
from kernel.errors import Refused

MOST_REPLAYS = 1_000


class AlreadyHeld(Refused):
    """The person already holds the role."""

    code = "already_held"


@action
def create_user(
    *, email: str, name: str, password: str | None, now: datetime, time_zone: str = "UTC", is_staff: bool = False
) -> User:
    """Make an account whose e-mail address counts as verified: for set-up, seeding and invitations."""
    user = User.objects.create_user(email, password, name=name, time_zone=time_zone, is_staff=is_staff, date_joined=now)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    audit(None, "user.created", user, at=now)
    return user


@action
def grant_role(user: User, role: str, *, by: User | None, reason: str, now: datetime) -> RoleGrant:
    """Give ``user`` an operator's role; ``by`` is nobody only when the house is set up."""
    if by is not None and by.pk == user.pk:
        raise Refused("Nobody gives a role to themselves. Ask another owner.")
    if RoleGrant.objects.filter(user=user, role=role, revoked_at=None).exists():
        raise AlreadyHeld(f"{user} already holds this role.")
    grant = RoleGrant.objects.create(user=user, role=Role(role), granted_by=by, reason=reason, granted_at=now)
    audit(by, "role.granted", user, at=now, role=role, grant=grant.pk)
    notify(user, f"You were given the role {Role(role).label}.", "/home/", now)
    user.refresh_from_db(fields=["operator_roles"])
    return grant


@action
def revoke_role(grant: RoleGrant, *, by: User, now: datetime) -> None:
    """Take a role back; it acts on the person's next request."""
    if by.pk == grant.user_id:
        raise Refused("Nobody changes their own roles. Ask another owner.")
    changed = RoleGrant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=now, revoked_by=by)
    if not changed:
        raise Refused("This role was taken back before.")
    audit(by, "role.revoked", grant.user, at=now, role=grant.role, grant=grant.pk)
    notify(grant.user, f"Your role {Role(grant.role).label} has ended.", "/home/", now)


@action
def change_profile(user: User, *, name: str, time_zone: str, now: datetime) -> None:
    """Change how a person is called and in which zone they read times."""
    user.name, user.time_zone = name, time_zone
    user.save(update_fields=["name", "time_zone"])
    audit(user, "user.profile_changed", user, at=now)


@action
def deactivate_user(user: User, *, by: User, reason: str, now: datetime) -> None:
    """Close an account: its next request is that of a stranger."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    audit(by, "user.deactivated", user, at=now, reason=reason)


@action
def enrol_totp(user: User, *, now: datetime, secret: str | None = None) -> str:
    """Set up one-time codes and recovery codes without a page, for set-up and seeding; return the secret."""
    secret = secret or generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    audit(None, "user.totp_enrolled", user, at=now)
    return secret


@action
def read_notices(user: User, *, now: datetime) -> int:
    """Mark all of a person's inbox as read."""
    return Notification.objects.filter(user=user, read_at=None).update(read_at=now)


@action
def replay_job(item: OutboxItem, *, by: User, now: datetime) -> None:
    """Give a dead letter five new attempts."""
    if not outbox.replay(item.pk):
        raise Refused("This job is not dead: it was replayed or done before.")
    audit(by, "job.replayed", item, at=now, kind=item.kind)


@action
def replay_dead_jobs(*, by: User, now: datetime) -> int:
    """Give every dead letter five new attempts; return how many there were."""
    count = 0
    for item in OutboxItem.objects.filter(dead_at__isnull=False).order_by("id")[:MOST_REPLAYS]:
        if outbox.replay(item.pk):
            audit(by, "job.replayed", item, at=now, kind=item.kind)
            count += 1
    return count


@action
def end_sessions(user: User, *, keep: str, now: datetime) -> int:
    """Sign ``user`` out everywhere but in the session ``keep``."""
    ended, _ = Session.objects.filter(user=user).exclude(session_key=stored_key(keep)).delete()
    audit(user, "user.sessions_ended", user, at=now, count=ended)
    return ended


@action
def forget_ended_sessions() -> int:
    """Delete the sessions whose time is over; true time, as cookies go by it."""
    count, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return count


@action
def forget_authenticators(user: User, *, by: User, reason: str, now: datetime) -> int:
    """Take away a person's one-time codes, after somebody made sure who asks; they set up new ones at sign-in."""
    count, _ = Authenticator.objects.filter(user=user).delete()
    audit(by, "user.totp_reset", user, at=now, reason=reason)
    return int(count)
