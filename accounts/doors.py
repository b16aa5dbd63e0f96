"""Guard views: who is signed in, which role they hold, and that they proved themselves lately."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from kernel.db import app_now

__all__ = [
    "login_required",
    "operator_required",
    "recently_authenticated",
    "request_time",
    "require_recent_auth",
    "signed_in",
]

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
Rule = Callable[[User | AnonymousUser], bool]


def operator_required(rule: Rule) -> Callable[[View[P]], View[P]]:
    """Let a view be reached only by signed-in operators whom ``rule`` lets through; others get 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not rule(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


def require_recent_auth(request: HttpRequest) -> None:
    """Interrupt the request unless the person proved who they are within fifteen minutes; it resumes afterwards."""
    raise_if_reauthentication_required(request, app="accounts")


def recently_authenticated(view: View[P]) -> View[P]:
    """Ask for a password, code or passkey before a view that moves money or roles."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        require_recent_auth(request)
        return view(request, *args, **kwargs)

    return login_required(guarded)


def signed_in(request: HttpRequest) -> User:
    """Return the signed-in user of a view behind ``login_required``."""
    assert isinstance(request.user, User)
    return request.user


def request_time(request: HttpRequest) -> datetime:
    """Return the one clock's time as it was read with the visitor's session, else as it is now."""
    read_at: datetime | None = getattr(request.session, "read_at", None)
    return read_at or app_now()
