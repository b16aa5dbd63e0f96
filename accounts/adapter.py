"""Fit allauth to the house: letters through the outbox, secrets sealed, sign-ins recorded."""

from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts.audit import audit_now
from accounts.mail import post_mail
from accounts.models import SIMULATED_HOST, User
from accounts.rules import is_operator
from accounts.sessions import begin_session
from kernel.http import client_ip
from kernel.sealing import open_secret, seal_secret

ABOUT = "authenticator"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Sign-up, sign-in and their letters."""

    def clean_email(self, email: str) -> str:
        """Refuse the addresses of simulated people: nobody has one."""
        cleaned = str(super().clean_email(email))
        if cleaned.lower().endswith(SIMULATED_HOST):
            raise ValidationError("No letter can reach this address. Use your own.")
        return cleaned

    def format_email_subject(self, subject: str) -> str:
        """Leave subjects as they are written."""
        return str(subject)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Post the letter; a job sends it."""
        letter = self.render_mail(template_prefix, email, {"email": email, **context})
        with transaction.atomic():
            post_mail(to=email, subject=letter.subject, body=str(letter.body), key=f"{template_prefix}-{uuid4().hex}")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Limit attempts by the address that our own proxy saw."""
        return client_ip(request) or "0.0.0.0"  # noqa: S104  # a bucket for visitors without an address

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Start a session under a new key and note when it began."""
        super().login(request, user)
        begin_session(request)
        assert isinstance(user, User)
        audit_now(user, "user.signed_in", user)

    def logout(self, request: HttpRequest) -> None:
        """End the session."""
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            audit_now(user, "user.signed_out", user)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Note a wrong password against the account it was tried on."""
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        if user is not None:
            audit_now(None, "user.sign_in_failed", user)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """One-time codes and passkeys; their secrets are sealed in the database."""

    def encrypt(self, text: str) -> str:
        """Seal a secret under a key of its own, which the master key wraps."""
        return seal_secret(text, about=ABOUT)

    def decrypt(self, encrypted_text: str) -> str:
        """Open what ``encrypt`` sealed."""
        return open_secret(encrypted_text, about=ABOUT)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Leave an operator their one-time codes: no desk opens without."""
        return not (authenticator.type == Authenticator.Type.TOTP and is_operator(authenticator.user))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Name the house, not the host, when a passkey is made."""
        return {**super().get_public_key_credential_rp_entity(), "name": "Guildhall"}
