"""The sandbox's doors: keys, addresses, parameters, faults, accounts, events, snapshots."""

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from payments.sandbox.server import Sandbox
from tests.stripe_fixture import StripeAtHand


def ask(url: str, method: str = "GET", body: str = "", key: str = "sk_test_x") -> tuple[int, dict[str, str], str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=5)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, address.path + (f"?{address.query}" if address.query else ""), body, headers)
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read().decode()
    connection.close()
    return answer


def error_of(url: str, method: str = "GET", body: str = "", key: str = "sk_test_x") -> tuple[int, str | None]:
    status, _, text = ask(url, method, body, key)
    return status, json.loads(text)["error"].get("code")


def new_account(library: stripe.StripeClient) -> str:
    params: Any = {
        "dashboard": "express",
        "identity": {"country": "us"},
        "defaults": {"responsibilities": {"losses_collector": "application"}},
    }
    return library.v2.core.accounts.create(params=params).id


def onboarding_link(library: stripe.StripeClient, account: str, **more: Any) -> str:
    settings: Any = {"refresh_url": "http://site/refresh", "return_url": "http://site/return", **more}
    use_case: Any = {"type": "account_onboarding", "account_onboarding": settings}
    return library.v2.core.account_links.create(params={"account": account, "use_case": use_case}).url


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc", "pk_test_abc", ""])
def test_only_secret_test_keys_are_let_in(stripe_at_hand: StripeAtHand, key: str) -> None:
    assert error_of(f"{stripe_at_hand.url}/v1/balance", key=key)[0] == 401


def test_v2_takes_no_restricted_keys(stripe_at_hand: StripeAtHand) -> None:
    assert error_of(f"{stripe_at_hand.url}/v2/core/accounts/acct_x", key="rk_test_x")[0] == 403


def test_an_unknown_address_is_404(stripe_at_hand: StripeAtHand) -> None:
    assert error_of(f"{stripe_at_hand.url}/v1/nonsense") == (404, None)


def test_unknown_and_missing_parameters_are_named(stripe_at_hand: StripeAtHand) -> None:
    url = f"{stripe_at_hand.url}/v1/transfers"

    assert error_of(url, "POST", "amount=4&currency=usd") == (400, "parameter_missing")
    assert error_of(url, "POST", "amount=4&currency=usd&destination=a&bogus=1") == (400, "parameter_unknown")
    assert error_of(f"{url}?metadata_of=7") == (400, "parameter_unknown")


def test_another_account_than_ones_own_is_out_of_reach(stripe_at_hand: StripeAtHand) -> None:
    with pytest.raises(stripe.PermissionError) as refused:
        stripe_at_hand.library().v1.balance.retrieve(options={"stripe_account": "acct_other"})

    assert '"code": "account_invalid"' in str(refused.value.http_body)


def test_the_sandbox_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host="0.0.0.0")  # noqa: S104 - the refusal is the point


def test_account_links_refuse_the_removed_parameter(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    account = new_account(library)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        onboarding_link(library, account, configurations=["recipient"])

    assert refused.value.code == "parameter_unknown"


def test_onboarding_makes_an_account_payable_once(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    account = new_account(library)
    link = onboarding_link(library, account)

    shown, _, page = ask(link)
    done, headers, _ = ask(link, "POST", "outcome=complete")
    again = ask(link, "POST", "outcome=complete")[1]

    known = library.v2.core.accounts.retrieve(account, params={"include": ["configuration.recipient"]})
    assert (shown, done) == (200, 303)
    assert account in page
    assert headers["Location"] == "http://site/return"
    assert again["Location"] == "http://site/refresh"
    assert known.configuration.recipient.capabilities.stripe_balance.stripe_transfers.status == "active"  # type: ignore[union-attr]  # asked for


def test_leaving_onboarding_leaves_the_account_restricted(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    account = new_account(library)

    ask(onboarding_link(library, account), "POST", "outcome=incomplete")

    known = library.v2.core.accounts.retrieve(account, params={"include": ["requirements"]})
    assert [entry.description for entry in known.requirements.entries] == ["individual.id_number", "external_account"]  # type: ignore[union-attr]  # asked for


def test_parts_of_an_account_that_were_not_asked_for_are_null(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()

    known = library.v2.core.accounts.retrieve(new_account(library))

    assert (known.configuration, known.identity, known.requirements) == (None, None, None)


def test_a_login_link_waits_for_onboarding(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    account = new_account(library)
    with pytest.raises(stripe.InvalidRequestError):
        library.v1.accounts.login_links.create(account)

    stripe_at_hand.order(f"account/{account}", details=True)
    link = library.v1.accounts.login_links.create(account).url

    assert ask(link)[0] == 200


@pytest.mark.parametrize(
    "action", ["before_timeout", "before_drop", "after_timeout", "after_drop", "malformed", "500_after"]
)
def test_a_fault_hides_whether_the_money_moved(stripe_at_hand: StripeAtHand, action: str) -> None:
    stripe_at_hand.fund(1_000)
    account = stripe_at_hand.payable_account()
    stripe_at_hand.order("faults", path="/v1/transfers$", action=action)

    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        stripe_at_hand.library(timeout=0.2).v1.transfers.create(
            params={"amount": 4, "currency": "usd", "destination": account}
        )

    assert len(stripe_at_hand.transfers()) == (0 if action.startswith("before") else 1)


def test_faults_are_skipped_counted_and_called_off(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    stripe_at_hand.order("faults", path="/v1/balance$", action="429", skip=1, times=5)
    library.v1.balance.retrieve()
    with pytest.raises(stripe.RateLimitError):
        library.v1.balance.retrieve()

    stripe_at_hand.clear_faults()

    assert library.v1.balance.retrieve().object == "balance"


def test_an_unknown_fault_is_refused(stripe_at_hand: StripeAtHand) -> None:
    status, _ = error_of(f"{stripe_at_hand.url}/_sandbox/faults", "POST", json.dumps({"action": "earthquake"}))

    assert status == 400


def test_events_are_listed_by_kind_and_found(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    library.v1.topups.create(params={"amount": 700, "currency": "usd"})

    (event,) = library.v1.events.list(params={"types": ["topup.succeeded"]}).data

    assert library.v1.events.retrieve(event.id).data.object["amount"] == 700


def test_a_thin_event_is_read_in_full_by_v2(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    account = new_account(library)
    (thin,) = [event for event, _ in stripe_at_hand.waiting if event["object"] == "v2.core.event"]

    known = library.v2.core.events.retrieve(thin["id"])

    assert known.related_object.id == account  # type: ignore[attr-defined]  # Every event of an account has one.


class Listener(BaseHTTPRequestHandler):
    statuses: list[int] = []
    seen: list[tuple[str, bytes]] = []
    heard = threading.Event()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.headers["Stripe-Signature"], body))
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if not self.statuses:
            self.heard.set()


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.statuses, Listener.seen = [], []
    Listener.heard.clear()
    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    server.shutdown()
    server.server_close()


def test_a_webhook_is_signed_and_retried_until_it_is_taken(stripe_at_hand: StripeAtHand, listener: str) -> None:
    library = stripe_at_hand.library()
    Listener.statuses[:] = [500, 200]
    endpoint = library.v1.webhook_endpoints.create(params={"url": listener, "enabled_events": ["topup.succeeded"]})

    library.v1.topups.create(params={"amount": 700, "currency": "usd"})
    assert Listener.heard.wait(5)

    event = stripe.Webhook.construct_event(Listener.seen[1][1], Listener.seen[1][0], endpoint.secret)
    assert [body for _, body in Listener.seen] == [Listener.seen[0][1]] * 2
    assert event.type == "topup.succeeded"


def test_deliveries_can_be_doubled_and_lost(stripe_at_hand: StripeAtHand, listener: str) -> None:
    library = stripe_at_hand.library()
    library.v1.webhook_endpoints.create(params={"url": listener, "enabled_events": ["topup.succeeded"]})
    stripe_at_hand.order("delivery", duplicate=1, drop=1, shuffle=True)

    library.v1.topups.create(params={"amount": 1, "currency": "usd"})
    library.v1.topups.create(params={"amount": 2, "currency": "usd"})
    assert Listener.heard.wait(5)
    Listener.heard.clear()
    Listener.heard.wait(0.5)

    assert [json.loads(body)["data"]["object"]["amount"] for _, body in Listener.seen] == [2, 2]


def test_a_restart_remembers_money_objects_and_keys(tmp_path: Path) -> None:
    first = Sandbox(snapshot=tmp_path / "stripe.json").start()
    params: Any = {"amount": 700, "currency": "usd"}
    library = stripe.StripeClient("sk_test_x", base_addresses={"api": first.url})
    made = library.v1.topups.create(params=params, options={"idempotency_key": "float"})
    first.stop()

    second = Sandbox(snapshot=tmp_path / "stripe.json").start()
    library = stripe.StripeClient("sk_test_x", base_addresses={"api": second.url})
    again = library.v1.topups.create(params=params, options={"idempotency_key": "float"})

    assert again.id == made.id
    assert library.v1.balance.retrieve().available[0].amount == 700
    second.stop()
