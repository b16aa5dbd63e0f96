"""Webhooks over REST: endpoints, their secrets, what was delivered, and once more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    SafeCharField,
    SafeChoiceField,
    SafeNameField,
    StrictSerializer,
    WordsField,
    keyset_page,
    page_of,
    query,
    read_choice,
)
from labs.doors.paging import refuse_unknown_parameters
from labs.models import DeliveryState, EndpointState, Mode, Scope, WebhookDelivery, WebhookEndpoint, WhyDisabled
from labs.webhooks import actions, queries, rules, signing

MINE: dict[str, str | None] = dict.fromkeys(("GET", "POST", "PATCH", "DELETE"), Scope.WEBHOOKS_WRITE)
TYPES = "Which events it is told of; none chosen means all, those of later versions too."


class EndpointIn(StrictSerializer):
    """A new endpoint."""

    url = SafeCharField(max_length=rules.MOST_URL, min_length=1, help_text="https, port 443 or 8443, a public host.")
    description = SafeNameField(max_length=200, required=False, allow_blank=True)
    types = WordsField(required=False, help_text=TYPES)


class EndpointChanges(EndpointIn):
    """What may change of an endpoint."""

    state = SafeChoiceField(choices=EndpointState.choices, required=False)


class EndpointOut(serializers.Serializer[Any]):
    """An endpoint."""

    id = serializers.CharField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    types = serializers.ListField(child=serializers.CharField())
    mode = serializers.ChoiceField(choices=Mode.choices)
    state = serializers.ChoiceField(choices=EndpointState.choices)
    disabled_because = serializers.CharField(allow_null=True, help_text=f"One of: {', '.join(WhyDisabled.values)}.")
    failing_since = serializers.DateTimeField(allow_null=True)
    old_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EndpointWithSecret(EndpointOut):
    """An endpoint and its secret, which is shown now and not again."""

    secret = serializers.CharField()


class AttemptOut(serializers.Serializer[Any]):
    """One request and what came of it."""

    started_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True, help_text="The first KiB.")


class DeliveryOut(serializers.Serializer[Any]):
    """An event on its way to an endpoint; attempts are newest first."""

    id = serializers.CharField()
    endpoint = serializers.CharField()
    event = serializers.CharField(help_text="The webhook-id of every attempt.")
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    replays = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    attempts = AttemptOut(many=True)


class WebhookView(LabView):
    """An address about endpoints of the key's lab, in the key's mode."""

    scopes = MINE

    def endpoint(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint of the lab's own."""
        return get_object_or_404(queries.endpoints_of(self.lab, self.key.mode), pk=endpoint_id)

    def delivery(self, endpoint_id: UUID, delivery_id: UUID) -> WebhookDelivery:
        """Return a delivery to an endpoint of the lab's own."""
        return get_object_or_404(queries.deliveries_of(self.endpoint(endpoint_id)), pk=delivery_id)


class SecretView(WebhookView):
    """An address whose answer holds a secret: not stored, but made anew for an Idempotency-Key that comes again."""

    keeps_answers = False
    made_status = 200

    def rebuilt(self, object_id: str) -> Response:
        """Answer with the endpoint as it is now."""
        endpoint = self.endpoint(WebhookEndpoint.parse_id(object_id))
        return Response(with_secret(endpoint, signing.opened(endpoint)), status=self.made_status)


class Endpoints(SecretView):
    """The lab's endpoints."""

    made_status = 201

    @extend_schema(
        operation_id="list_webhooks", tags=["webhooks"], parameters=[*PAGING],
        responses={200: page_of(EndpointOut), **READ},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """List the endpoints of the key's mode, newest first."""
        rows = queries.endpoints_of(self.lab, self.key.mode)
        return Response(keyset_page(request, rows, lambda page: map(shown_endpoint, page)))

    @extend_schema(
        operation_id="create_webhook", tags=["webhooks"], parameters=[IDEMPOTENCY], request=EndpointIn,
        responses={201: EndpointWithSecret, **WRITE},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Make an endpoint; its secret is in this answer and in no later one."""
        refuse_unknown_parameters(request, ())
        values = self.body(EndpointIn)
        kinds = values.pop("types", ())
        mode, by = self.key.mode, self.key
        endpoint, secret = actions.create_endpoint(self.lab, mode=mode, kinds=kinds, by=by, now=app_now(), **values)
        return Response(with_secret(endpoint, secret), status=201)


class OneEndpoint(WebhookView):
    """One endpoint."""

    @extend_schema(operation_id="get_webhook", tags=["webhooks"], responses={200: EndpointOut, **READ})
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """Show an endpoint."""
        refuse_unknown_parameters(request, ())
        return Response(shown_endpoint(self.endpoint(endpoint_id)))

    @extend_schema(
        operation_id="update_webhook", tags=["webhooks"], request=EndpointChanges,
        responses={200: EndpointOut, **WRITE},
    )  # fmt: skip
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        """Change an endpoint. Disabling gives up what waits; enabling forgets that it failed."""
        refuse_unknown_parameters(request, ())
        endpoint = self.endpoint(endpoint_id)
        values = self.body(EndpointChanges, partial=True)
        kinds = values.pop("types", None)
        changed = actions.change_endpoint(endpoint, kinds=kinds, by=self.key, now=app_now(), **values)
        return Response(shown_endpoint(changed))

    @extend_schema(operation_id="delete_webhook", tags=["webhooks"], request=None, responses={204: None, **WRITE})
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Take an endpoint away, with its secret and its log."""
        refuse_unknown_parameters(request, ())
        actions.remove_endpoint(self.endpoint(endpoint_id), by=self.key, now=app_now())
        return Response(status=204)


class TestEndpoint(WebhookView):
    """Try an endpoint."""

    @extend_schema(
        operation_id="test_webhook", tags=["webhooks"], parameters=[IDEMPOTENCY], request=Nothing,
        responses={202: DeliveryOut, **WRITE},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Send the endpoint a `webhook.test` event, whatever it listens to; the delivery says what came of it."""
        refuse_unknown_parameters(request, ())
        self.body(Nothing)
        delivery = actions.send_trial(self.endpoint(endpoint_id), by=self.key, now=app_now())
        return Response(shown_delivery(delivery), status=202)


class RotateSecret(SecretView):
    """Change an endpoint's secret."""

    @extend_schema(
        operation_id="rotate_webhook_secret", tags=["webhooks"], parameters=[IDEMPOTENCY], request=Nothing,
        responses={200: EndpointWithSecret, **WRITE},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Make a new secret. For 24 hours each delivery is signed with both, so that none is missed."""
        refuse_unknown_parameters(request, ())
        self.body(Nothing)
        endpoint, secret = actions.rotate_secret(self.endpoint(endpoint_id), by=self.key, now=app_now())
        return Response(with_secret(endpoint, secret))


class Deliveries(WebhookView):
    """What was sent to an endpoint."""

    @extend_schema(
        operation_id="list_webhook_deliveries", tags=["webhooks"],
        parameters=[*PAGING, query("state", "Only deliveries in this state.", choices=DeliveryState.values)],
        responses={200: page_of(DeliveryOut), **READ},
    )  # fmt: skip
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """List the deliveries of the last 90 days, newest first, each with its attempts."""
        rows = queries.deliveries_of(self.endpoint(endpoint_id))
        state = read_choice(request, "state", DeliveryState.values)
        rows = rows if state is None else rows.filter(state=state)
        return Response(keyset_page(request, rows, lambda page: map(shown_delivery, page), filters=("state",)))


class OneDelivery(WebhookView):
    """One delivery."""

    @extend_schema(operation_id="get_webhook_delivery", tags=["webhooks"], responses={200: DeliveryOut, **READ})
    def get(self, request: Request, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """Show a delivery with its attempts."""
        refuse_unknown_parameters(request, ())
        return Response(shown_delivery(self.delivery(endpoint_id, delivery_id)))


class ReplayDelivery(WebhookView):
    """Send a delivery again."""

    @extend_schema(
        operation_id="replay_webhook_delivery", tags=["webhooks"], parameters=[IDEMPOTENCY], request=Nothing,
        responses={202: DeliveryOut, **WRITE},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """Send the event once more, under the same webhook-id; one that waits for its next attempt goes now."""
        refuse_unknown_parameters(request, ())
        self.body(Nothing)
        delivery = self.delivery(endpoint_id, delivery_id)
        return Response(shown_delivery(actions.replay_delivery(delivery, by=self.key, now=app_now())), status=202)


def shown_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return an endpoint as it is answered."""
    row = {
        "id": endpoint.public_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "types": endpoint.kinds,
        "mode": endpoint.mode,
        "state": endpoint.state,
        "disabled_because": endpoint.disabled_because or None,
        "failing_since": endpoint.failing_since,
        "old_secret_until": endpoint.old_secret_until,
        "created_at": endpoint.created_at,
    }
    return dict(EndpointOut(row).data)


def with_secret(endpoint: WebhookEndpoint, secret: str) -> dict[str, Any]:
    """Return an endpoint with its secret."""
    return shown_endpoint(endpoint) | {"secret": secret}


def shown_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery as it is answered."""
    row = {
        "id": delivery.public_id,
        "endpoint": WebhookEndpoint(pk=delivery.endpoint_id).public_id,
        "event": delivery.event.public_id,
        "type": delivery.event.kind,
        "state": delivery.state,
        "replays": delivery.replays,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
        "attempts": delivery.log.all(),
    }
    return dict(DeliveryOut(row).data)
