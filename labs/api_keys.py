"""Keys over REST: a key with the admin scope makes, rotates, binds and ends the keys of its own mode."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs import actions, queries
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    SafeNameField,
    SafeTimeField,
    StrictSerializer,
    WordsField,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
)
from labs.models import ApiKey, Mode, Scope

MINE: dict[str, str | None] = dict.fromkeys(("GET", "POST", "PATCH"), Scope.ADMIN)
NETWORKS = "Networks in CIDR form that it may be used from; none means from anywhere."
KEY_STATES = ("active", "expired", "revoked")


class KeyIn(StrictSerializer):
    """A new key, of the mode of the key that makes it."""

    label = SafeNameField(max_length=100)  # type: ignore[assignment]  # As a field it replaces the property of this name.
    scopes = WordsField(max_items=len(Scope), help_text=f"Any of {', '.join(Scope.values)}.")
    expires_at = SafeTimeField(required=False, allow_null=True, help_text="Without it the key lasts until revoked.")
    allowed_networks = WordsField(required=False, help_text=NETWORKS)


class KeyChanges(StrictSerializer):
    """What may change of a key."""

    allowed_networks = WordsField(help_text=NETWORKS)


class KeyOut(serializers.Serializer[Any]):
    """A key, without its secret."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # As in KeyIn.
    mode = serializers.ChoiceField(choices=Mode.choices)
    begins_with = serializers.CharField(help_text="The part of the key that may be shown again.")
    state = serializers.ChoiceField(choices=KEY_STATES)
    scopes = serializers.ListField(child=serializers.CharField())
    allowed_networks = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_ip = serializers.CharField(allow_null=True)


class KeyWithSecret(KeyOut):
    """A key and the text to send, which is in this answer and in no later one."""

    secret = serializers.CharField(
        allow_null=True,
        help_text="The whole key. Null where an Idempotency-Key comes again: it is kept nowhere, so rotate the key.",
    )


class KeyView(LabView):
    """An address about keys of the caller's lab and mode."""

    scopes = MINE

    def one(self, key_id: UUID) -> ApiKey:
        """Return a key of the lab's own, in the mode of the key that asks."""
        return get_object_or_404(queries.keys_of(self.lab).filter(mode=self.key.mode), pk=key_id)


class SecretView(KeyView):
    """An address whose answer holds a secret, so that it is not stored; a repetition gets the key without it."""

    keeps_answers = False
    made_status = 200

    def rebuilt(self, object_id: str) -> Response:
        """Answer with the key that the first request made."""
        return Response(with_secret(self.one(ApiKey.parse_id(object_id)), None, app_now()), status=self.made_status)


class Keys(SecretView):
    """The lab's keys."""

    made_status = 201

    @extend_schema(
        operation_id="list_keys", tags=["keys"], parameters=[*PAGING], responses={200: page_of(KeyOut), **READ}
    )
    def get(self, request: Request) -> Response:
        """List the keys of this mode, newest first, ended ones too."""
        now = app_now()
        rows = queries.keys_of(self.lab).filter(mode=self.key.mode)
        return Response(keyset_page(request, rows, lambda page: (shown_key(row, now) for row in page)))

    @extend_schema(
        operation_id="create_key", tags=["keys"], parameters=[IDEMPOTENCY], request=KeyIn,
        responses={201: KeyWithSecret, **WRITE},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Make a key of this mode; its secret is in this answer and is kept nowhere."""
        refuse_unknown_parameters(request, ())
        values, now = self.body(KeyIn), app_now()
        key, text = actions.create_api_key(self.lab, mode=self.key.mode, by=self.key, now=now, **values)
        return Response(with_secret(key, text, now), status=201)


class OneKey(KeyView):
    """One key."""

    @extend_schema(operation_id="get_key", tags=["keys"], responses={200: KeyOut, **READ})
    def get(self, request: Request, key_id: UUID) -> Response:
        """Show a key: what it may do, from where, and when it was last used."""
        refuse_unknown_parameters(request, ())
        return Response(shown_key(self.one(key_id), app_now()))

    @extend_schema(operation_id="update_key", tags=["keys"], request=KeyChanges, responses={200: KeyOut, **WRITE})
    def patch(self, request: Request, key_id: UUID) -> Response:
        """Bind a key to networks, from its next request on."""
        refuse_unknown_parameters(request, ())
        key, now = self.one(key_id), app_now()
        return Response(shown_key(actions.bind_api_key(key, by=self.key, now=now, **self.body(KeyChanges)), now))


class RotateKey(SecretView):
    """Replace a key."""

    @extend_schema(
        operation_id="rotate_key", tags=["keys"], parameters=[IDEMPOTENCY], request=Nothing,
        responses={200: KeyWithSecret, **WRITE},
    )  # fmt: skip
    def post(self, request: Request, key_id: UUID) -> Response:
        """Make a key's successor; both work for 24 hours."""
        refuse_unknown_parameters(request, ())
        self.body(Nothing)
        now = app_now()
        successor, text = actions.rotate_api_key(self.one(key_id), by=self.key, now=now)
        return Response(with_secret(successor, text, now))


class RevokeKey(KeyView):
    """End a key."""

    @extend_schema(
        operation_id="revoke_key", tags=["keys"], parameters=[IDEMPOTENCY], request=Nothing,
        responses={200: KeyOut, **WRITE},
    )  # fmt: skip
    def post(self, request: Request, key_id: UUID) -> Response:
        """Stop a key from its next request on; a key may end itself."""
        refuse_unknown_parameters(request, ())
        self.body(Nothing)
        now = app_now()
        return Response(shown_key(actions.revoke_api_key(self.one(key_id), by=self.key, now=now), now))

    def rebuilt(self, object_id: str) -> Response:
        """Answer with the key as it is now."""
        return Response(shown_key(self.one(ApiKey.parse_id(object_id)), app_now()))


def shown_key(key: ApiKey, now: datetime) -> dict[str, Any]:
    """Return a key as it is answered."""
    row = {
        "id": key.public_id,
        "label": key.label,
        "mode": key.mode,
        "begins_with": key.shown_start,
        "state": queries.key_standing(key, now),
        "scopes": key.scopes,
        "allowed_networks": key.allowed_networks,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "last_used_ip": key.last_used_ip,
    }
    return dict(KeyOut(row).data)


def with_secret(key: ApiKey, text: str | None, now: datetime) -> dict[str, Any]:
    """Return a key with the text to send, if it can still be shown."""
    return shown_key(key, now) | {"secret": text}
