"""Webhooks: addresses of yours that are told what happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guildhall.models import Delivery, DeliveryState, EventType, Webhook, WebhookChanges, WebhookWithSecret
from guildhall.resources.resource import Resource, given
from guildhall.transport import Call


class Webhooks(Resource):
    """Endpoints and the log of what was sent to them."""

    def all(self) -> Iterator[Webhook]:
        """Yield endpoints, newest first."""
        return self._transport.pages("/webhooks")

    def get(self, webhook: str) -> Webhook:
        """Return an endpoint."""
        found: Webhook = self._transport.get(f"/webhooks/{webhook}")
        return found

    def create(
        self,
        *,
        url: str,
        description: str = "",
        types: Sequence[EventType] | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookWithSecret:
        """Make an endpoint; its signing secret is in this answer and in no later one. Without types it is told all."""
        values = given(url=url, description=description or None, types=types)
        made: WebhookWithSecret = self._transport.post("/webhooks", values, key=idempotency_key)
        return made

    def update(self, webhook: str, changes: WebhookChanges) -> Webhook:
        """Change an endpoint, or enable and disable it."""
        changed: Webhook = self._transport.patch(f"/webhooks/{webhook}", changes)
        return changed

    def delete(self, webhook: str) -> None:
        """Remove an endpoint."""
        self._transport.answered(Call("DELETE", f"/webhooks/{webhook}"))

    def test(self, webhook: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send it a ``webhook.test`` event."""
        sent: Delivery = self._transport.post(f"/webhooks/{webhook}:test", key=idempotency_key)
        return sent

    def rotate_secret(self, webhook: str, *, idempotency_key: str | None = None) -> WebhookWithSecret:
        """Take a new secret; the one before stays valid for 24 hours."""
        rotated: WebhookWithSecret = self._transport.post(f"/webhooks/{webhook}:rotate_secret", key=idempotency_key)
        return rotated

    def deliveries(self, webhook: str, *, state: DeliveryState | None = None) -> Iterator[Delivery]:
        """Yield what was sent or is to be, newest first."""
        return self._transport.pages(f"/webhooks/{webhook}/deliveries", {"state": state})

    def delivery(self, webhook: str, delivery: str) -> Delivery:
        """Return one delivery with its attempts."""
        found: Delivery = self._transport.get(f"/webhooks/{webhook}/deliveries/{delivery}")
        return found

    def replay(self, webhook: str, delivery: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send an event once more, under its id."""
        path = f"/webhooks/{webhook}/deliveries/{delivery}:replay"
        sent: Delivery = self._transport.post(path, key=idempotency_key)
        return sent
