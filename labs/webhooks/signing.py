"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, under a secret that starts whsec_."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime

from kernel.sealing import open_secret, seal_secret
from labs.models import WebhookEndpoint

START = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh secret as the lab will see it."""
    return START + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of a delivery."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(b64decode(secret.removeprefix(START)), content, hashlib.sha256)
    return f"v1,{b64encode(digest).decode()}"


def signed_headers(secrets_: list[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a delivery; each secret that is valid now signs it."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets_),
    }


def seal(endpoint: WebhookEndpoint, secret: str) -> str:
    """Seal a secret of this endpoint."""
    return seal_secret(secret, about=_about(endpoint))


def opened(endpoint: WebhookEndpoint) -> str:
    """Return the endpoint's newest secret."""
    return open_secret(endpoint.secret, about=_about(endpoint))


def valid_secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign now: the newest, and the one before until its time is over."""
    is_double = endpoint.old_secret and endpoint.old_secret_until is not None and endpoint.old_secret_until > now
    sealed = [endpoint.secret, *([endpoint.old_secret] if is_double else [])]
    return [open_secret(each, about=_about(endpoint)) for each in sealed]


def _about(endpoint: WebhookEndpoint) -> str:
    return f"{endpoint.public_id}/secret"
