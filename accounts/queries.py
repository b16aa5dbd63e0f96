"""Show what happened and what waits, scoped to the viewer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet

from accounts.models import AuditEvent, Mail, Notification, OutboxItem, RoleGrant, User
from accounts.outbox import TRIALS, registry


def notices_of(user: User) -> QuerySet[Notification]:
    """List a person's inbox, newest first."""
    return Notification.objects.filter(user=user)


def unread_notices(user: User) -> int:
    """Count a person's unread inbox lines."""
    return Notification.objects.filter(user=user, read_at=None).count()


def has_totp(user: User) -> bool:
    """Has this person set up one-time codes?"""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def people() -> QuerySet[User]:
    """List everybody with an operator's role, whether they have one-time codes, and their grants."""
    codes = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    return (
        User.objects.filter(role_grants__isnull=False)
        .annotate(has_totp=Exists(codes))
        .prefetch_related("role_grants__granted_by", "role_grants__revoked_by")
        .order_by("name", "email")
        .distinct()
    )


def live_grants() -> QuerySet[RoleGrant]:
    """List the role grants that stand."""
    return RoleGrant.objects.filter(revoked_at=None).select_related("user", "granted_by")


def holders_of(role: str) -> QuerySet[User]:
    """List active users who hold an operator role."""
    return User.objects.filter(is_active=True, role_grants__role=role, role_grants__revoked_at=None).distinct()


def recent_mail(limit: int = 50) -> QuerySet[Mail]:
    """List the newest letters, for the demo's mail page."""
    return Mail.objects.all()[:limit]


def open_jobs() -> QuerySet[OutboxItem]:
    """List rows that are still to be done, oldest first."""
    return OutboxItem.objects.filter(done_at=None, dead_at=None).order_by("run_after", "id")


def is_dead(kind: str, key: str) -> bool:
    """Tell whether the work that became due under this key was given up."""
    return OutboxItem.objects.filter(kind=kind, key=key, dead_at__isnull=False).exists()


def dead_jobs() -> QuerySet[OutboxItem]:
    """List dead letters, newest first."""
    return OutboxItem.objects.filter(dead_at__isnull=False).order_by("-dead_at", "-id")


def oldest_due_seconds() -> float:
    """Tell for how long the oldest free due row has waited, what labs try out apart; 0 when none does."""
    trials = [job.kind for job in registry.values() if job.queue == TRIALS]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(EXTRACT(EPOCH FROM app_now() - MIN(run_after)), 0) FROM accounts_outboxitem"
            " WHERE done_at IS NULL AND dead_at IS NULL AND run_after <= app_now() AND kind <> ALL (%s)"
            " AND (locked_until IS NULL OR locked_until < clock_timestamp())",
            [trials],
        )
        (seconds,) = cursor.fetchone()
    return float(seconds)


def events_about(object_id: str) -> QuerySet[AuditEvent]:
    """List what happened to one object, oldest first."""
    return AuditEvent.objects.filter(object_id=object_id).order_by("id")


def is_verified(user: User) -> bool:
    """Has this person shown that the e-mail address is theirs?"""
    return bool(EmailAddress.objects.filter(user=user, verified=True).exists())


def has_verified(user: User, email: str) -> bool:
    """Has this person shown that this very address is theirs?"""
    return bool(EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists())


def is_expert(user: User) -> bool:
    """Does this person work here, or apply to?"""
    return hasattr(user, "expert")


def is_lab_member(user: User) -> bool:
    """Does this person act for a lab?"""
    return user.lab_memberships.exists()


def passkey_count(user: User) -> int:
    """Count a person's passkeys."""
    return int(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).count())


def recovery_codes_left(user: User) -> int:
    """Count a person's unused recovery codes."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def sign_ins_of(user: User, limit: int = 10) -> QuerySet[AuditEvent]:
    """List a person's latest sign-ins and failures."""
    verbs = ["user.signed_in", "user.sign_in_failed", "user.signed_out"]
    return AuditEvent.objects.filter(object_id=user.public_id, verb__in=verbs).order_by("-id")[:limit]


def open_jobs_by_kind() -> list[Mapping[str, object]]:
    """Count open rows by kind, with the time since which the oldest has been due."""
    rows = OutboxItem.objects.filter(done_at=None, dead_at=None)
    counted = rows.values("kind").annotate(count=Count("id"), since=Min("run_after"), attempts=Max("attempts"))
    return [dict(row) for row in counted.order_by("kind")]


def troubled_jobs() -> QuerySet[OutboxItem]:
    """List open rows that failed before and will be tried again."""
    return open_jobs().filter(attempts__gt=0, last_error__gt="")


@dataclass(frozen=True)
class CurrentCode:
    """The one-time code of a person at this moment: shown by the demo's mail page only."""

    user: User
    code: str


def current_codes() -> list[CurrentCode]:
    """Give everybody's current one-time code, where the mode has a mail page."""
    if not settings.HAS_MAIL_PAGE:
        return []
    adapter = get_adapter()
    counter = int(time.time()) // 30
    rows = Authenticator.objects.filter(type=Authenticator.Type.TOTP).select_related("user").order_by("user__email")
    return [
        CurrentCode(row.user, format_hotp_value(hotp_value(adapter.decrypt(row.data["secret"]), counter)))
        for row in rows
    ]
