"""Who calls, and what happened: the parts of the API that are about the lab itself."""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.errors import FieldError, Invalid
from labs import queries
from labs.doors import PAGING, READ, LabView, answer, query, refuse_unknown_parameters
from labs.doors.paging import read_limit
from labs.doors.problems import NOT_FOUND
from labs.doors.throttles import BURST, RATE_PER_SECOND
from labs.events import EVENT_KINDS, shown
from labs.models import Event, LabState, Mode


class LimitsOut(serializers.Serializer[Any]):
    """What one key and one request may do."""

    requests_per_second = serializers.IntegerField()
    burst = serializers.IntegerField()
    task_bytes = serializers.IntegerField()
    lines_per_request = serializers.IntegerField()
    bytes_per_request = serializers.IntegerField()
    tasks_per_json_body = serializers.IntegerField()


class MeOut(serializers.Serializer[Any]):
    """Who the key speaks for."""

    lab = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=LabState.choices)
    mode = serializers.ChoiceField(choices=Mode.choices)
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # As a field it replaces the property of this name.
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    limits = LimitsOut()


class EventOut(serializers.Serializer[Any]):
    """A line in the feed, which is also the body of a webhook: ids and states, never content."""

    id = serializers.CharField()
    type = serializers.ChoiceField(choices=list(EVENT_KINDS.items()))
    timestamp = serializers.DateTimeField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    data = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]  # As a field it replaces the property of this name.


class EventsOut(serializers.Serializer[Any]):
    """A stretch of the feed, oldest first; ask again with ``after`` set to ``last``."""

    data = EventOut(many=True)  # type: ignore[assignment]  # As a field it replaces the property of this name.
    last = serializers.CharField(allow_null=True)


class Me(LabView):
    """The caller."""

    scopes = {"GET": None}

    @extend_schema(operation_id="get_me", tags=["me"], responses={200: MeOut, **READ})
    def get(self, request: Request) -> Response:
        """Show which lab, mode and scopes the key has, and the limits."""
        refuse_unknown_parameters(request, ())
        limits = {
            "requests_per_second": RATE_PER_SECOND,
            "burst": BURST,
            "task_bytes": 1_000_000,
            "lines_per_request": 100_000,
            "bytes_per_request": 512 * 1024 * 1024,
            "tasks_per_json_body": 1_000,
        }
        shown = {
            "lab": self.lab.public_id,
            "name": self.lab.name,
            "state": self.lab.state,
            "mode": self.key.mode,
            "key": self.key.public_id,
            "label": self.key.label,
            "scopes": self.key.scopes,
            "expires_at": self.key.expires_at,
            "limits": limits,
        }
        return Response(MeOut(shown).data)


class Events(LabView):
    """The feed."""

    scopes = {"GET": None}

    @extend_schema(
        operation_id="list_events",
        tags=["events"],
        parameters=[PAGING[0], query("after", "`last` of the answer before; without it the feed starts at its start.")],
        responses={200: EventsOut, **READ},
    )
    def get(self, request: Request) -> Response:
        """List what happened, oldest first; nothing is ever inserted before what was already shown."""
        refuse_unknown_parameters(request, {"limit", "after"})
        after = request.query_params.get("after")
        rows = queries.events_of(self.lab, self.key.mode)
        if after is not None:
            rows = queries.events_after(rows, *_position(after))
        found = list(rows[: read_limit(request)])
        last = _place(found[-1]) if found else after
        return Response({"data": [shown(event) for event in found], "last": last})


class Nowhere(LabView):
    """Every address of the API that is none."""

    scopes = {}

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Answer as for what is not yours."""
        return answer(404, "not_found", NOT_FOUND)


def _place(event: Event) -> str:
    return base64.urlsafe_b64encode(event.transaction.to_bytes(8, "big") + event.pk.bytes).decode().rstrip("=")


def _position(text: str) -> tuple[int, bytes]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 24 or raw[0] > 127:
        raise Invalid([FieldError("?after", "invalid", "This is not a place in the feed. Start without one.")])
    return int.from_bytes(raw[:8], "big"), raw[8:]
