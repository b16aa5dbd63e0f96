"""The only writers of invitations: made, sent, sent again, withdrawn, accepted."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.urls import reverse

from accounts.audit import audit
from accounts.mail import post_mail
from accounts.models import User
from accounts.outbox import due
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from labs.actions import join_lab
from labs.invitations import rules
from labs.models import Invitation, Lab, Member, Role

LIFETIME = timedelta(days=7)
MOST_OPEN = 50
REST = timedelta(minutes=5)  # Between two letters to the same mailbox.


@action
def invite(lab: Lab, *, email: str, role: str, by: User, now: datetime) -> Invitation:
    """Ask somebody, by letter, to act for the lab; whether they have an account is not told."""
    email = email.strip().lower()
    if role not in Role.values:
        raise Invalid([FieldError("role", "unknown", f"Choose one of: {', '.join(Role.values)}.")])
    if Member.objects.filter(lab=lab, user__email=email).exists():
        raise Invalid([FieldError("email", "taken", "This person already acts for the lab.")])
    standing = Invitation.objects.select_for_update().filter(lab=lab, accepted_at=None, revoked_at=None)
    if any(each.email == email for each in standing):
        raise Invalid([FieldError("email", "taken", "This person is invited already. Send that letter again instead.")])
    if len(standing) >= MOST_OPEN:
        raise Refused(f"A lab has at most {MOST_OPEN} open invitations. Withdraw one first.")
    invitation = Invitation.objects.create(
        lab=lab, email=email, role=role, invited_by=by, created_at=now, expires_at=now + LIFETIME
    )
    audit(by, "invitation.made", invitation, at=now, lab=lab.public_id, role=role)
    due("labs.send_invitation", invitation=invitation.pk)
    return invitation


@action
def invite_again(invitation: Invitation, *, by: User, now: datetime) -> Invitation:
    """Let another letter go, whose week begins now; the link of the one before stops working."""
    invitation = _open_for_change(invitation)
    if invitation.sent_at is not None and now - invitation.sent_at < REST:
        raise Refused("A letter went a moment ago. Wait five minutes before you send another.")
    invitation.expires_at = now + LIFETIME
    invitation.token_sha256 = b""
    invitation.sent_at = None
    invitation.save(update_fields=["expires_at", "token_sha256", "sent_at"])
    audit(by, "invitation.renewed", invitation, at=now, lab=invitation.lab.public_id)
    due("labs.send_invitation", invitation=invitation.pk)
    return invitation


@action
def send_invitation(invitation: Invitation, *, now: datetime) -> None:
    """Post the letter with a fresh link, of which only the hash is kept; nothing for one that was sent or ended."""
    invitation = Invitation.objects.select_for_update(of=("self",)).select_related("invited_by").get(pk=invitation.pk)
    if not rules.is_open(invitation, now) or invitation.sent_at is not None:
        return
    token = secrets.token_urlsafe(32)
    invitation.token_sha256 = hash_of(token)
    invitation.letters += 1
    invitation.sent_at = now
    invitation.save(update_fields=["token_sha256", "letters", "sent_at"])
    address = settings.PUBLIC_URL + reverse("labs:invitation", args=[token])
    by = invitation.invited_by.get_full_name()
    body = (
        f"Hello,\n\n{by} asks you to act for their lab on Guildhall. Sign in, or make an account, with this"
        f" address, and accept within seven days:\n\n{address}\n\nIf you expected nothing of the kind, do nothing.\n"
    )
    key = f"invitation-{invitation.public_id}-{invitation.letters}"
    post_mail(to=invitation.email, subject="You are invited to act for a lab", body=body, key=key)


@action
def withdraw(invitation: Invitation, *, by: User, now: datetime) -> None:
    """End an invitation: its link stops working at once."""
    invitation = _open_for_change(invitation)
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    audit(by, "invitation.withdrawn", invitation, at=now, lab=invitation.lab.public_id)


@action
def accept(invitation: Invitation, *, user: User, now: datetime) -> Member:
    """Make the invited person a member, once; the caller has asked whether this is that person."""
    taken = Invitation.objects.filter(
        pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now, token_sha256=invitation.token_sha256
    )
    if not taken.update(accepted_at=now, accepted_by=user):
        raise Refused("This invitation was used, withdrawn or sent anew. Ask the lab for another.")
    member = join_lab(invitation.lab, user=user, role=invitation.role, by=invitation.invited_by, now=now)
    audit(user, "invitation.accepted", invitation, at=now, lab=invitation.lab.public_id, member=member.public_id)
    return member


def hash_of(token: str) -> bytes:
    """Return what is kept of a link's token; 256 bits of chance need no slow hash."""
    return sha256(token.encode()).digest()


def _open_for_change(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.select_for_update(of=("self",)).select_related("lab").get(pk=invitation.pk)
    if locked.accepted_at is not None or locked.revoked_at is not None:
        raise Refused("This invitation is over: it was accepted or withdrawn.")
    return locked
