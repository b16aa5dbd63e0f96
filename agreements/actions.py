"""The only writers of agreements and signatures; a published text is never written again."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.audit import Actor, audit
from accounts.models import User
from accounts.notices import notify
from accounts.outbox import due
from agreements import house as house_text
from agreements.models import Agreement, AgreementVersion, Signature
from agreements.rules import can_revoke, can_sign, is_same_name
from agreements.states import SIGNATURE_MOVES, VERSION_MOVES, Mode, SignatureState, VersionState
from kernel.db import action
from kernel.errors import FieldError, Invalid, LostRace, Refused
from kernel.states import move
from labs.models import Lab


class NotPublished(Refused):
    """The version is not the one that can be signed."""

    code = "version_not_published"


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text as the database checks it, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@action
def draft_agreement(
    lab: Lab | None, *, title: str, code_name: str, by: Actor | None, now: datetime, mode: str = Mode.LIVE
) -> Agreement:
    """Open an agreement for a lab, or without one the house's own; it has no text yet."""
    agreement = Agreement.objects.create(lab=lab, mode=mode, title=title, code_name=code_name, created_at=now)
    audit(by, "agreement.drafted", agreement, at=now)
    return agreement


@action
def draft_version(
    agreement: Agreement, *, text: str, by: Actor | None, now: datetime, note: str = "", urgent: bool = False
) -> AgreementVersion:
    """Write the next version as a draft, in place of a draft that was there."""
    return _write(agreement, text=text, note=note, urgent=urgent, by=by, now=now)


def _write(
    agreement: Agreement, *, text: str, note: str, urgent: bool, by: Actor | None, now: datetime
) -> AgreementVersion:
    """Write or rewrite the draft that follows the newest version."""
    locked = Agreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
    newest = AgreementVersion.objects.filter(agreement=locked).order_by("-number").first()
    last = newest.number if newest else 0
    version, _ = AgreementVersion.objects.update_or_create(
        agreement=locked,
        number=last if newest and newest.state == VersionState.DRAFT else last + 1,
        defaults={
            "text": text,
            "text_sha256": hash_of(text),
            "note": note,
            "urgent": urgent,
            "created_at": now,
            "state": VersionState.DRAFT,
            "state_changed_at": now,
        },
    )
    audit(by, "agreement_version.drafted", version, at=now, number=version.number)
    return version


@action
def publish_version(version: AgreementVersion, *, by: Actor | None, now: datetime) -> None:
    """Publish a draft and supersede the version before it; new claims need a signature of this one."""
    _publish(version, by=by, now=now)


def _publish(version: AgreementVersion, *, by: Actor | None, now: datetime) -> None:
    """Publish a draft inside the caller's transaction."""
    Agreement.objects.select_for_update(of=("self",)).get(pk=version.agreement_id)
    before = AgreementVersion.objects.filter(agreement=version.agreement_id, state=VersionState.PUBLISHED).first()
    if before and before.pk != version.pk:
        was = move(before, VersionState.SUPERSEDED, moves=VERSION_MOVES, now=now)
        audit(by, "agreement_version.superseded", before, at=now, was=was)
    was = move(version, VersionState.PUBLISHED, moves=VERSION_MOVES, now=now, published_at=now)
    audit(by, "agreement_version.published", version, at=now, was=was, number=version.number)
    if version.urgent and before:
        due("tasks.urgent_version", version=version.pk)


@action
def install_house_agreement(*, by: Actor | None, now: datetime, mode: str = Mode.LIVE) -> AgreementVersion:
    """Publish the operators' own agreement if there is none yet; return the version in force."""
    house, is_new = Agreement.objects.get_or_create(
        lab=None,
        mode=mode,
        defaults={"title": house_text.TITLE, "code_name": house_text.CODE_NAME, "created_at": now},
    )
    published = AgreementVersion.objects.filter(agreement=house, state=VersionState.PUBLISHED).first()
    if published:
        return published
    if is_new:
        audit(by, "agreement.drafted", house, at=now)
    version = _write(house, text=house_text.TEXT, note="", urgent=False, by=by, now=now)
    _publish(version, by=by, now=now)
    return version


@action
def withdraw_version(version: AgreementVersion, *, by: Actor | None, now: datetime) -> None:
    """Withdraw a published version: nobody can sign it any more, and nothing new can be claimed under it."""
    was = move(version, VersionState.WITHDRAWN, moves=VERSION_MOVES, now=now)
    audit(by, "agreement_version.withdrawn", version, at=now, was=was)


@action
def sign_version(
    version: AgreementVersion,
    *,
    user: User,
    typed_name: str,
    consent: bool,
    ip: str | None,
    user_agent: str,
    now: datetime,
) -> Signature:
    """Sign a published version under the signer's own name; an earlier signature of the agreement is superseded."""
    _require_signable(version, user=user, typed_name=typed_name, consent=consent)
    current = AgreementVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if current.state != VersionState.PUBLISHED:
        raise NotPublished("This version can no longer be signed; open the newest one.")
    earlier = Signature.objects.filter(user=user, agreement=current.agreement_id, state=SignatureState.LIVE).first()
    if earlier and earlier.version_id == current.pk:
        return earlier
    if earlier:
        was = move(earlier, SignatureState.SUPERSEDED, moves=SIGNATURE_MOVES, now=now)
        audit(user, "signature.superseded", earlier, at=now, was=was)
    signature = _insert(current, user=user, typed_name=typed_name, ip=ip, user_agent=user_agent, now=now)
    audit(user, "signature.made", signature, at=now, version=current.public_id)
    if earlier:
        due("tasks.signature_renewed", signature=signature.pk)
    return signature


def _require_signable(version: AgreementVersion, *, user: User, typed_name: str, consent: bool) -> None:
    """Refuse a signer who may not sign, did not consent, or typed somebody else's name."""
    if not can_sign(user, version.agreement):
        raise PermissionDenied("This agreement is signed by operators only.")
    errors = []
    if not consent:
        errors.append(FieldError("consent", "required", "Tick the box once you have read the whole agreement."))
    if not is_same_name(typed_name, user.get_full_name()):
        errors.append(
            FieldError("typed_name", "mismatch", f"Type your name as your account has it: {user.get_full_name()}.")
        )
    if errors:
        raise Invalid(errors)


def _insert(
    version: AgreementVersion, *, user: User, typed_name: str, ip: str | None, user_agent: str, now: datetime
) -> Signature:
    """Insert the signature row with the hash of the text signed; of two at once, one wins."""
    try:
        with transaction.atomic():
            return Signature.objects.create(
                user=user,
                agreement_id=version.agreement_id,
                version=version,
                typed_name=typed_name,
                text_sha256=version.text_sha256,
                signed_at=now,
                ip=ip,
                user_agent=user_agent[:400],
                state=SignatureState.LIVE,
                state_changed_at=now,
            )
    except IntegrityError as error:
        raise LostRace("You have just signed this agreement.") from error


@action
def revoke_signature(signature: Signature, *, by: User, reason: str, now: datetime) -> None:
    """End a signature: content is refused from the next request on, and its claims are closed and paid."""
    if not can_revoke(by, signature):
        raise PermissionDenied("Only the signer or a trust operator ends a signature.")
    if not reason.strip():
        raise Invalid([FieldError("reason", "required", "Write the reason.")])
    was = move(signature, SignatureState.REVOKED, moves=SIGNATURE_MOVES, now=now, revoke_reason=reason)
    audit(by, "signature.revoked", signature, at=now, was=was)
    due("tasks.signature_revoked", signature=signature.pk)
    if by.pk != signature.user_id:
        name = signature.agreement.code_name
        notify(signature.user, f"Your signature for {name} was ended by an operator.", "/agreements/", now)


@action
def note_access_search(*, by: User, text: str, now: datetime) -> None:
    """Record that a trust operator asked who saw what: whoever watches is watched."""
    audit(by, "access.searched", by, at=now, text=text)
