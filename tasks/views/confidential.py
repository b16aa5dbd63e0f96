"""Marks of a page that shows a lab's content: never stored, never named to another site, quietly watermarked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.models import User

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def confidential(view: Callable[P, R]) -> Callable[P, R]:
    """Keep the answer out of every cache and its address out of every other site's referrer.

    Not ``no-referrer``: under it browsers send forms with ``Origin: null``, which the CSRF check rightly refuses.
    """

    @wraps(view)
    def serve(*args: P.args, **kwargs: P.kwargs) -> R:
        response = view(*args, **kwargs)
        response["Cache-Control"] = "no-store, private"
        response["Referrer-Policy"] = "same-origin"
        return response

    return serve


def viewer(request: HttpRequest) -> User:
    """Return who is signed in; the door has asked for that already."""
    assert isinstance(request.user, User)
    return request.user


def watermark(user: User, now: datetime) -> str:
    """Return who reads this and when, short enough to stand beside the work."""
    return f"{user.initials}-{user.public_id[-4:]} {timezone.localtime(now):%H:%M}"
