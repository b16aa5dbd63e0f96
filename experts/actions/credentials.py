"""Record proofs and the verdicts on them: who checked what, where, and what was found."""

from __future__ import annotations

from datetime import date, datetime

from accounts.audit import audit
from accounts.models import User
from accounts.notices import notify
from experts.actions.effects import tell_routing
from experts.actions.grants import require_reason, require_vetting
from experts.models import Credential, Expert
from experts.states import CREDENTIAL_MOVES, CredentialState
from kernel.db import action
from kernel.errors import LostRace, Refused
from kernel.states import move

CREDENTIALS_MAX = 40


@action
def add_credential(
    expert: Expert,
    *,
    credential_class: str,
    issuer: str,
    now: datetime,
    title: str = "",
    jurisdiction: str = "",
    number: str = "",
    expires_on: date | None = None,
) -> Credential:
    """Record a credential as the expert claims it; it counts for nothing until somebody verifies it."""
    if Credential.objects.filter(expert=expert).count() >= CREDENTIALS_MAX:
        raise Refused(f"There is room for {CREDENTIALS_MAX} credentials; remove one that was not checked yet.")
    credential = Credential.objects.create(
        expert=expert,
        credential_class=credential_class,
        title=title,
        issuer=issuer,
        jurisdiction=jurisdiction,
        number=number,
        expires_on=expires_on,
        added_at=now,
        state=CredentialState.CLAIMED,
        state_changed_at=now,
    )
    audit(expert.user, "credential.added", credential, at=now)
    return credential


@action
def drop_credential(credential: Credential, *, now: datetime) -> None:
    """Remove a credential that nobody has begun to check."""
    audit(credential.expert.user, "credential.dropped", credential, at=now)
    gone, _ = Credential.objects.filter(pk=credential.pk, state=CredentialState.CLAIMED).delete()
    if not gone:
        raise LostRace("Somebody has begun to check this credential, so it stays on record.")


@action
def check_credential(credential: Credential, *, by: User, now: datetime) -> None:
    """Say that an operator has begun to check a credential at its source."""
    require_vetting(by, credential.expert)
    was = move(credential, CredentialState.CHECKING, moves=CREDENTIAL_MOVES, now=now, checked_by=by)
    audit(by, "credential.checking", credential, at=now, was=was)


@action
def verify_credential(credential: Credential, *, by: User, where: str, finding: str, now: datetime) -> None:
    """Record that the source confirms a credential: who looked, where, and what it says."""
    _give_verdict(credential, CredentialState.VERIFIED, by=by, where=where, finding=finding, now=now)


@action
def refuse_credential(credential: Credential, *, by: User, where: str, finding: str, now: datetime) -> None:
    """Record that the source does not confirm a credential: who looked, where, and what it says."""
    _give_verdict(credential, CredentialState.REFUSED, by=by, where=where, finding=finding, now=now)


def _give_verdict(
    credential: Credential, verdict: CredentialState, *, by: User, where: str, finding: str, now: datetime
) -> None:
    """Move a credential that is being checked to its verdict and tell the expert."""
    require_vetting(by, credential.expert)
    require_reason(where)
    require_reason(finding)
    was = move(
        credential,
        verdict,
        moves=CREDENTIAL_MOVES,
        now=now,
        checked_by=by,
        checked_at=now,
        checked_where=where,
        finding=finding,
    )
    audit(by, f"credential.{verdict.lower()}", credential, at=now, was=was)
    label = credential.get_credential_class_display()
    notify(credential.expert.user, f"{label} from {credential.issuer}: {verdict.lower()}.", "/expert/profile/", now)
    tell_routing(credential.expert)


@action
def revoke_credential(credential: Credential, *, by: User, reason: str, now: datetime) -> None:
    """Take back a verified credential, because its source no longer confirms it."""
    require_vetting(by, credential.expert)
    require_reason(reason)
    was = move(credential, CredentialState.REVOKED, moves=CREDENTIAL_MOVES, now=now, finding=reason)
    audit(by, "credential.revoked", credential, at=now, was=was)
    tell_routing(credential.expert)


@action
def expire_credentials(*, now: datetime, limit: int = 200) -> int:
    """Expire verified credentials whose last day has passed; return how many."""
    lapsed = (
        Credential.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(state=CredentialState.VERIFIED, expires_on__lt=now.date())
        .select_related("expert__user")[:limit]
    )
    expired = list(lapsed)
    for credential in expired:
        was = move(credential, CredentialState.EXPIRED, moves=CREDENTIAL_MOVES, now=now)
        audit(None, "credential.expired", credential, at=now, was=was)
        label = credential.get_credential_class_display()
        notify(credential.expert.user, f"{label} from {credential.issuer} has expired.", "/expert/profile/", now)
        tell_routing(credential.expert)
    return len(expired)
