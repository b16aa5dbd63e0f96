"""Know who is at the door, end old sessions, keep refusals, and ask operators for their second factor."""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.middleware import get_user
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.audit import Actor, audit_refusal
from accounts.backends import at_hand
from accounts.context import Door, door
from accounts.models import User
from accounts.queries import has_totp
from accounts.rules import is_operator
from accounts.sessions import is_session_over, is_strong
from kernel.http import as_busy, client_ip, show_refusal

GetResponse = Callable[[HttpRequest], HttpResponse]
ROLES_BY_PATH = (("/desk/", "operator"), ("/lab/", "lab"), ("/api/", "key"))
log = structlog.get_logger(__name__)


class RequestContextMiddleware:
    """Give the audit log its context, end sessions that are over, and record refused access."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within the visitor's context."""
        request_id = structlog.contextvars.get_contextvars().get("request_id") or uuid4().hex
        role = next((role for prefix, role in ROLES_BY_PATH if request.path.startswith(prefix)), "")
        token = door.set(Door(acting_role=role, ip=client_ip(request), request_id=str(request_id)[:64]))
        try:
            return self._answer(request, str(request_id))
        finally:
            door.reset(token)
            timezone.deactivate()

    def _answer(self, request: HttpRequest, request_id: str) -> HttpResponse:
        try:
            _meet_person(request)
        except DatabaseError as error:
            busy = as_busy(error)
            if busy is None:
                raise
            return show_refusal(request, busy)
        response = self.get_response(request)
        response.headers.setdefault("X-Request-ID", request_id)
        if _is_worth_keeping(request, response.status_code):
            _record_refusal(request, response.status_code)
        return response


class OperatorTotpMiddleware:
    """Send an operator without one-time codes to set them up before any other page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """Interrupt an operator's request until this session has a second factor."""
        name = (request.resolver_match.view_name if request.resolver_match else "") or ""
        if name in OPEN_PAGES or name.startswith(("account_", "mfa_")) or request.path.startswith("/api/"):
            return None
        user = request.user
        if not isinstance(user, User) or not is_operator(user) or is_strong(request, user):
            return None
        page = "mfa_reauthenticate" if has_totp(user) else "mfa_activate_totp"
        return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': request.get_full_path()})}")


OPEN_PAGES = frozenset({"healthz", "readyz", "accounts:mail"})


def _meet_person(request: HttpRequest) -> None:
    """Before the view, sign out whoever's session is over, and show times in the zone of whoever's goes on."""
    if request.path.startswith("/api/") or SESSION_KEY not in request.session:
        return
    with at_hand(getattr(request.session, "person", None)):
        user = get_user(request)
    if not isinstance(user, User):
        return
    request.user = user  # The person themselves: Django's lazy stand-in is asked some fifty times a request.
    if is_session_over(request, user):
        logout(request)
        return
    with suppress(ZoneInfoNotFoundError, ValueError):  # A zone may leave the system's list; times are in UTC then.
        timezone.activate(ZoneInfo(user.time_zone))


def _is_worth_keeping(request: HttpRequest, status: int) -> bool:
    """Tell whether somebody asked for what they may not have, or, at a desk, for what a rule refuses."""
    at_desk = status == HTTPStatus.CONFLICT and request.path.startswith("/desk/")
    return at_desk or status == HTTPStatus.FORBIDDEN or (status == HTTPStatus.NOT_FOUND and _names_a_row(request))


def _names_a_row(request: HttpRequest) -> bool:
    return bool(request.resolver_match and request.resolver_match.kwargs)


def _record_refusal(request: HttpRequest, status: int) -> None:
    """Keep the refusal if it is known whose it was; a log that is busy must not hide the answer."""
    key = getattr(request, "api_key", None)
    actor: Actor | None = key or (request.user if isinstance(request.user, User) else None)
    if actor is None:
        return
    try:
        audit_refusal(actor, method=request.method or "", path=request.path, status=status)
    except DatabaseError as error:
        log.warning("audit.refusal_lost", error=type(error).__name__)
