"""Make people, and sign them in."""

import time
from datetime import datetime
from itertools import count

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.models import RoleGrant, User
from accounts.sessions import BEGAN, SEEN
from kernel.db import app_now

PASSWORD = "correct horse battery"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_numbers = count(1)


def make_user(name: str = "Cyd", *, email: str = "", password: str | None = None, **fields: object) -> User:
    """Store a person whose address is verified; without ``password`` they sign in by ``log_in`` only."""
    address = email or f"{name.lower().replace(' ', '.')}-{next(_numbers)}@example.com"
    user = User.objects.create_user(address, password, name=name, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_operator(*roles: str, name: str = "Ada", password: str | None = None, now: datetime | None = None) -> User:
    """Store an operator with one-time codes who holds ``roles``."""
    user = make_user(name, password=password)
    for role in roles:
        RoleGrant.objects.create(user=user, role=role, reason="Hired", granted_at=now or app_now())
    add_totp(user)
    user.refresh_from_db()
    return user


def add_totp(user: User) -> None:
    """Set up one-time codes with a known secret."""
    TOTP.activate(user, TOTP_SECRET)
    RecoveryCodes.activate(user)


def log_in(client: Client, user: User) -> Client:
    """Give ``client`` a session of ``user``, opened this moment with a second factor if they have one."""
    client.force_login(user)
    session = client.session
    now = int(time.time())
    session[BEGAN] = session[SEEN] = now
    method = "mfa" if Authenticator.objects.filter(user=user).exists() else "password"
    session["account_authentication_methods"] = [{"method": method, "at": now, "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client
