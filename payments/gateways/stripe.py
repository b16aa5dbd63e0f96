"""Stripe, and the only file that imports its library: our types go in and out, its errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from stripe import RequestOptions
from stripe.params import TransferListParams

from kernel.db import forbid_transaction
from kernel.money import Money
from payments.gateways.errors import (
    Ambiguous,
    AuthenticationFailed,
    ForgedEvent,
    GatewayError,
    NotExecuted,
    RefusedByStripe,
    reason_of,
)
from payments.gateways.events import read_event, read_signed_event
from payments.gateways.readings import (
    read_balance,
    read_balance_transaction,
    read_payment_intent,
    read_recipient,
    read_transfer,
)
from payments.gateways.recording import record_request
from payments.gateways.types import (
    Balance,
    BalanceTransaction,
    BankPayout,
    GatewayEvent,
    PaymentIntent,
    Recipient,
    Reversal,
    Transfer,
    TransferOrder,
)

P = ParamSpec("P")
R = TypeVar("R")

TOLERANCE_SECONDS = 300
RECIPIENT_PARTS = ["configuration.recipient", "identity", "requirements"]
CHARGE_PARTS = ["latest_charge.balance_transaction"]
LISTED_CHARGE_PARTS = [f"data.{part}" for part in CHARGE_PARTS]


class _RecordingClient(stripe.RequestsClient):
    """The library's own client, which also keeps what was asked."""

    def __init__(self, path: Path, timeout: tuple[float, float]) -> None:
        super().__init__(timeout=timeout)
        self._path = path

    def request(  # type: ignore[override]  # The library's own client differs from its base in the same way.
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        record_request(self._path, method, url, headers, post_data)
        return super().request(method, url, headers, post_data)


def is_live() -> bool:
    """Say whether our key moves real money."""
    return "_live_" in settings.STRIPE_API_KEY[:8]


def _client() -> stripe.StripeClient:
    timeout = (float(settings.STRIPE_CONNECT_TIMEOUT_SECONDS), float(settings.STRIPE_READ_TIMEOUT_SECONDS))
    return _cached_client(
        settings.STRIPE_API_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_NETWORK_RETRIES,
        timeout,
        str(settings.STRIPE_RECORD_FILE),
    )


@lru_cache(maxsize=8)
def _cached_client(
    key: str, base: str, retries: int, timeout: tuple[float, float], record_file: str
) -> stripe.StripeClient:
    if "_live_" in key[:8] and base != settings.STRIPE_OWN_BASE:
        raise ImproperlyConfigured("A live Stripe key must not be sent to anyone but Stripe.")
    http = _RecordingClient(Path(record_file), timeout) if record_file else stripe.RequestsClient(timeout=timeout)
    return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=retries, http_client=http)


def gateway_call(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse to run inside a transaction, and translate Stripe's errors."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        forbid_transaction()
        try:
            return function(*args, **kwargs)
        except stripe.StripeError as error:
            raise classify(error) from error

    return run


def classify(error: stripe.StripeError) -> GatewayError:
    """Say what an error of Stripe's means for the caller."""
    detail, code = error.user_message or str(error), _code(error)
    if isinstance(error, stripe.AuthenticationError):
        return AuthenticationFailed(detail, code=code)
    if isinstance(error, stripe.PermissionError) and code != "account_invalid":
        return AuthenticationFailed(detail, code=code)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 409:
        return NotExecuted(detail, code=code)
    definitive = error.http_status is not None and 400 <= error.http_status < 500
    if not definitive or isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.IdempotencyError):
        return Ambiguous(detail, code=code)
    reason = reason_of(code, param=str(getattr(error, "param", "") or ""), message=str(error))
    return RefusedByStripe(detail, code=code, reason=reason)


def _plain(thing: stripe.StripeObject) -> dict[str, Any]:
    return thing.to_dict(for_json=True)


def _code(error: stripe.StripeError) -> str:
    """Read the code from the body: the library drops it from some classes of error."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    return str(body.get("error", {}).get("code") or error.code or "")


# Money in


@gateway_call
def create_customer(*, name: str, email: str, lab: str, key: str) -> str:
    """Open a customer for a lab and return its id."""
    customer = _client().v1.customers.create(
        params={"name": name, "email": email, "metadata": {"lab_id": lab}}, options={"idempotency_key": key}
    )
    return customer.id


@gateway_call
def create_payment_intent(
    *, amount: Money, customer: str, payment_method: str, funding: str, key: str
) -> PaymentIntent:
    """Charge a lab's card once per key; a decline raises ``RefusedByStripe``."""
    intent = _client().v1.payment_intents.create(
        params={
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "customer": customer,
            "payment_method": payment_method,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "confirm": True,
            "off_session": True,
            "transfer_group": f"funding-{funding}",
            "metadata": {"funding_id": funding},
            "expand": CHARGE_PARTS,
        },
        options={"idempotency_key": key},
    )
    return read_payment_intent(_plain(intent))


@gateway_call
def retrieve_payment_intent(stripe_id: str) -> PaymentIntent:
    """Return the present truth about a payment."""
    return read_payment_intent(
        _plain(_client().v1.payment_intents.retrieve(stripe_id, params={"expand": CHARGE_PARTS}))
    )


@gateway_call
def find_payment_intents(customer: str) -> list[PaymentIntent]:
    """Return every payment of a customer, newest first: the way to look before a charge is repeated."""
    found = _client().v1.payment_intents.list(
        params={"customer": customer, "limit": 100, "expand": LISTED_CHARGE_PARTS}
    )
    return [read_payment_intent(_plain(each)) for each in found.auto_paging_iter()]


@gateway_call
def create_topup(*, amount: Money, description: str, key: str) -> str:
    """Add the platform's own money to the balance and return the top-up's id."""
    topup = _client().v1.topups.create(
        params={"amount": amount.minor, "currency": amount.currency.lower(), "description": description},
        options={"idempotency_key": key},
    )
    return topup.id


# Experts


@gateway_call
def create_recipient(*, name: str, email: str, country: str, expert: str, key: str) -> Recipient:
    """Open an account that can receive transfers once its owner has been onboarded."""
    account = _client().v2.core.accounts.create(
        params={
            "contact_email": email,
            "display_name": name,
            "dashboard": "express",
            "identity": {"country": country.lower(), "entity_type": "individual"},
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "currency": "usd",
                "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
            },
            "metadata": {"expert_id": expert},
            "include": ["configuration.recipient", "identity", "requirements"],
        },
        options={"idempotency_key": key},
    )
    return read_recipient(_plain(account))


@gateway_call
def onboarding_url(account: str, *, refresh_url: str, return_url: str) -> str:
    """Return a fresh single-use link to Stripe's onboarding; never store or mail it."""
    link = _client().v2.core.account_links.create(
        params={
            "account": account,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {  # `configurations` is refused since 2026-09-30.
                    "refresh_url": refresh_url,
                    "return_url": return_url,
                    "collection_options": {"fields": "eventually_due"},
                },
            },
        }
    )
    return link.url


@gateway_call
def recipient_readiness(account: str) -> Recipient:
    """Return whether an account can be paid now, and what it still lacks."""
    return read_recipient(
        _plain(
            _client().v2.core.accounts.retrieve(
                account, params={"include": ["configuration.recipient", "identity", "requirements"]}
            )
        )
    )


@gateway_call
def login_link(account: str) -> str:
    """Return a single-use link to the expert's own Stripe dashboard."""
    return _client().v1.accounts.login_links.create(account).url


# Money out


@gateway_call
def create_transfer(order: TransferOrder) -> Transfer:
    """Pay one item, at most once per key."""
    transfer = _client().v1.transfers.create(
        params={
            "amount": order.amount.minor,
            "currency": order.amount.currency.lower(),
            "destination": order.destination,
            "transfer_group": order.group,
            "description": order.description,
            "metadata": {"payout_item": order.item, "run": order.group, "attempt": str(order.attempt)},
        },
        options={"idempotency_key": order.key},
    )
    return read_transfer(_plain(transfer))


@gateway_call
def find_transfers(group: str, *, destination: str = "") -> list[Transfer]:
    """Return a group's transfers, to one account if given: the only way to look, as metadata cannot be searched."""
    params: TransferListParams = {"transfer_group": group, "limit": 100}
    if destination:
        params["destination"] = destination
    found = _client().v1.transfers.list(params=params)
    return [read_transfer(_plain(each)) for each in found.auto_paging_iter()]


@gateway_call
def retrieve_transfer(stripe_id: str) -> Transfer:
    """Return the present truth about a transfer."""
    return read_transfer(_plain(_client().v1.transfers.retrieve(stripe_id)))


@gateway_call
def list_reversals(transfer: str) -> list[Reversal]:
    """Return what was taken back of a transfer, oldest first."""
    found = _client().v1.transfers.reversals.list(transfer, params={"limit": 100})
    return [Reversal(each.id, each.amount) for each in found.auto_paging_iter()][::-1]


@gateway_call
def reverse_transfer(stripe_id: str, *, amount: Money, reason: str, key: str) -> str:
    """Take a transfer or a part of it back, while the expert's balance covers it; return the reversal's id."""
    reversal = _client().v1.transfers.reversals.create(
        stripe_id,
        params={"amount": amount.minor, "description": reason},
        options={"idempotency_key": key},
    )
    return reversal.id


# Truth


@gateway_call
def retrieve_balance() -> Balance:
    """Return what Stripe holds for the platform."""
    return read_balance(_plain(_client().v1.balance.retrieve()))


@gateway_call
def list_balance_transactions(*, since: datetime) -> list[BalanceTransaction]:
    """Return what moved the platform's balance, newest first, with the objects that each is about."""
    found = _client().v1.balance_transactions.list(
        params={"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.source"]}
    )
    return [read_balance_transaction(_plain(each)) for each in found.auto_paging_iter()]


@gateway_call
def bank_payout(stripe_id: str, *, account: str) -> BankPayout:
    """Return how far a payout from an expert's Stripe balance to their bank is, and what it pays.

    Stripe knows what is in the payouts of a schedule; one that its owner asked for is of no transfer in particular.
    """
    options: RequestOptions = {"stripe_account": account}
    payout = _client().v1.payouts.retrieve(stripe_id, options=options)
    if not payout.automatic:
        return BankPayout(payout.status, ())
    paid = _client().v1.balance_transactions.list(
        params={"payout": stripe_id, "type": "payment", "limit": 100, "expand": ["data.source"]}, options=options
    )
    moved = (read_balance_transaction(_plain(each)) for each in paid.auto_paging_iter())
    return BankPayout(payout.status, tuple(ref for each in moved for ref in each.refs if ref.startswith("tr_")))


@gateway_call
def set_manual_payouts() -> None:
    """Keep Stripe from sweeping labs' and experts' money to the platform's bank."""
    _client().v1.balance_settings.update(params={"payments": {"payouts": {"schedule": {"interval": "manual"}}}})


# Events


@gateway_call
def list_events(*, since: datetime, kinds: Sequence[str], account: str = "") -> list[GatewayEvent]:
    """Return the events of some kinds, oldest first: the platform's, or a connected account's own."""
    options: RequestOptions = {"stripe_account": account} if account else {}
    found = _client().v1.events.list(
        params={"types": list(kinds), "created": {"gte": int(since.timestamp())}, "limit": 100}, options=options
    )
    events = [read_event(_plain(each)) for each in found.auto_paging_iter()][::-1]
    return [replace(each, account=account) for each in events]  # In its own list an event does not say whose it is.


def verify_event(raw: bytes, header: str | None, secrets: Sequence[str], *, is_thin: bool = False) -> GatewayEvent:
    """Return a webhook's event if one of the secrets signed it and it is of the endpoint's kind."""
    if not any(_is_signed(raw, header, secret) for secret in secrets):
        raise ForgedEvent("The signature does not fit the body.", code="signature")
    return read_signed_event(raw, is_thin=is_thin)


def _is_signed(raw: bytes, header: str | None, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(raw, header, secret, TOLERANCE_SECONDS))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
