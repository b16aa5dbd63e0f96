"""Marks of a page that shows a lab's content: never stored, never named to another site, quietly watermarked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.models import User
from tasks.models import File

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


def as_file(response: HttpResponse, file: File, *, is_inline: bool) -> HttpResponse:
    """Make an answer a file that no page can be made of: of the type it was cleaned as, in a sandbox, kept nowhere."""
    end = file.media_type.partition("/")[2].replace("jpeg", "jpg")
    disposition = "inline" if is_inline else "attachment"
    response["Content-Type"] = file.media_type
    response["Content-Disposition"] = f'{disposition}; filename="{file.public_id}.{end}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def viewer(request: HttpRequest) -> User:
    """Return who is signed in; the door has asked for that already."""
    assert isinstance(request.user, User)
    return request.user


def watermark(user: User, now: datetime) -> str:
    """Return who reads this and when, short enough to stand beside the work."""
    return f"{user.initials}-{user.public_id[-4:]} {timezone.localtime(now):%H:%M}"
