"""Bound sessions: twelve hours at most, and shorter when nobody is there."""

import time

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from accounts.models import User
from accounts.rules import is_operator

BEGAN, SEEN, ENROLLED = "began_at", "seen_at", "enrolled_here"
LONGEST_SECONDS = 12 * 3600
IDLE_SECONDS = 30 * 60
IDLE_OPERATOR_SECONDS = 15 * 60
NOTE_EVERY_SECONDS = 60  # A sign of life is written at most this often: it costs a statement.


def begin_session(request: HttpRequest) -> None:
    """Note that a session begins now; true time, for moving the demo's clock must sign nobody out."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def is_session_over(request: HttpRequest, user: User) -> bool:
    """Has the session lasted too long, or rested too long? A session that goes on is noted as alive."""
    now = int(time.time())
    began, seen = request.session.get(BEGAN), request.session.get(SEEN)
    if began is None or seen is None:
        begin_session(request)
        return False
    idle = IDLE_OPERATOR_SECONDS if is_operator(user) else IDLE_SECONDS
    if now - began > LONGEST_SECONDS or now - seen > idle:
        return True
    if now - seen > NOTE_EVERY_SECONDS:
        request.session[SEEN] = now
    return False


def is_strong(request: HttpRequest, user: User) -> bool:
    """Was this session opened with a second factor, or was one set up in it?"""
    records = get_authentication_records(request, user)
    return bool(request.session.get(ENROLLED)) or any(record["method"] == "mfa" for record in records)


def note_enrolment(request: HttpRequest) -> None:
    """Remember that the second factor was set up in this very session."""
    request.session[ENROLLED] = True
