"""What the local Stripe remembers: objects, balances, events and its clock, all under one lock."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from payments.sandbox.deliveries import Hook
from payments.sandbox.errors import missing_resource
from payments.sandbox.wire import Body

PLATFORM = "acct_sbxplatform"
API_VERSION = "2026-10-28.endive"
SETTLING_SECONDS = 2 * 24 * 3600


@dataclass
class Record:
    """An object, who owns it, and what Stripe would know but not show."""

    owner: str
    body: Body
    hidden: Body = field(default_factory=dict)


class World:
    """Hold the state; every method expects the caller to hold ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.base_url = ""
        self.on_event: Callable[[Body, str | None], None] = lambda event, account: None
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.records: dict[str, Record] = {}
        self.by_kind: dict[tuple[str, str], list[str]] = {}
        self.balances: dict[str, dict[str, dict[str, int]]] = {}
        self.unsettled: list[str] = []
        self.hooks: list[Hook] = []
        self.offset_seconds = 0
        self.counter = 0
        self.request: Body = {"id": None, "idempotency_key": None}

    # Time and names

    def now(self) -> int:
        """Return the sandbox's time in whole seconds."""
        return int(time.time()) + self.offset_seconds

    def iso_now(self) -> str:
        """Return the sandbox's time as v2 objects spell it."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def new_id(self, prefix: str) -> str:
        """Return a fresh identifier that no one can take for Stripe's own."""
        self.counter += 1
        return f"{prefix}_sbx{self.counter:014d}"

    # Objects

    def put(self, body: Body, *, owner: str = PLATFORM, **hidden: Any) -> Body:
        """Keep an object and return it."""
        self.records[body["id"]] = Record(owner, body, hidden)
        self.by_kind.setdefault((owner, body["object"]), []).append(body["id"])
        return body

    def get(self, kind: str, identifier: str, *, owner: str = PLATFORM, param: str = "id") -> Body:
        """Return an object of the caller's, or refuse with ``resource_missing``."""
        record = self.records.get(identifier)
        if record is None or record.owner != owner or record.body["object"] != kind:
            raise missing_resource(kind.rsplit(".", 1)[-1], identifier, param)
        return record.body

    def hidden(self, identifier: str) -> Body:
        """Return what is remembered of an object but never shown."""
        return self.records[identifier].hidden

    def newest(self, kind: str, owner: str = PLATFORM) -> Iterator[Body]:
        """Yield the owner's objects of a kind, newest first."""
        return (self.records[each].body for each in reversed(self.by_kind.get((owner, kind), [])))

    # Balances: moved by balance transactions and nothing else

    def purse(self, account: str, currency: str) -> dict[str, int]:
        """Return the running balance of an account in a currency."""
        return self.balances.setdefault(account, {}).setdefault(currency, {"available": 0, "pending": 0})

    def book(
        self,
        account: str,
        kind: str,
        amount: int,
        currency: str,
        source: str,
        *,
        fee: int = 0,
        is_pending: bool = False,
    ) -> str:
        """Move a balance by one balance transaction and return its identifier."""
        status = "pending" if is_pending else "available"
        entry = {
            "id": self.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": self.now() + (SETTLING_SECONDS if is_pending else 0),
            "created": self.now(),
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": _fee_details(fee, currency),
            "net": amount - fee,
            "reporting_category": kind,
            "source": source,
            "status": status,
            "type": kind,
        }
        self.put(entry, owner=account)
        if is_pending:
            self.unsettled.append(str(entry["id"]))
        self.purse(account, currency)[status] += amount - fee
        return str(entry["id"])

    def settle(self, *, everything: bool = False) -> None:
        """Make pending money available once its time has come, or at once when asked."""
        now = self.now()
        due = [each for each in self.unsettled if everything or self.records[each].body["available_on"] <= now]
        for identifier in due:
            self._settle_one(self.records[identifier])
        if due:
            self.unsettled = [each for each in self.unsettled if each not in set(due)]
            self.emit("balance.available", self.balance(PLATFORM))

    def _settle_one(self, record: Record) -> None:
        entry = record.body
        entry["status"] = "available"
        purse = self.purse(record.owner, entry["currency"])
        purse["pending"] -= entry["net"]
        purse["available"] += entry["net"]

    def balance(self, account: str) -> Body:
        """Return an account's balance as Stripe shows it."""
        purses = sorted(self.balances.get(account, {}).items()) or [("usd", {"available": 0, "pending": 0})]
        return {
            "object": "balance",
            "livemode": False,
            "available": [_amount(currency, purse["available"]) for currency, purse in purses],
            "pending": [_amount(currency, purse["pending"]) for currency, purse in purses],
            "instant_available": [_amount(currency, purse["available"]) for currency, purse in purses],
            "connect_reserved": [{"amount": 0, "currency": currency} for currency, _ in purses],
        }

    # Events

    def emit(self, kind: str, body: Body, *, account: str | None = None) -> None:
        """Record a snapshot event and hand it to the deliveries."""
        event: Body = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "livemode": False,
            "pending_webhooks": 1,
            "type": kind,
            "data": {"object": copy.deepcopy(body)},
            "request": dict(self.request),
        }
        if account:
            event["account"] = account
        self.put(event, owner=account or PLATFORM)
        self.on_event(event, account)

    def emit_thin(self, kind: str, account: str) -> None:
        """Record a v2 event about a connected account and hand its thin form to the deliveries."""
        event = {
            "id": self.new_id("evt"),
            "object": "v2.core.event",
            "type": kind,
            "created": self.iso_now(),
            "livemode": False,
            "context": None,
            "reason": None,
            "related_object": {
                "id": account,
                "type": "v2.core.account",
                "url": f"/v2/core/accounts/{account}",
            },
        }
        self.put(event)
        self.on_event(event, None)

    # Snapshots

    def dump(self) -> Body:
        """Return all that must survive a restart."""
        records = {identifier: asdict(record) for identifier, record in self.records.items()}
        return {
            "records": records,
            "balances": self.balances,
            "unsettled": self.unsettled,
            "hooks": [asdict(hook) for hook in self.hooks],
            "offset_seconds": self.offset_seconds,
            "counter": self.counter,
        }

    def load(self, saved: Body) -> None:
        """Take up where a dump left off."""
        self.reset()
        self.balances = saved["balances"]
        self.unsettled = saved["unsettled"]
        self.hooks = [Hook(**hook) for hook in saved["hooks"]]
        self.offset_seconds = saved["offset_seconds"]
        self.counter = saved["counter"]
        for identifier, record in saved["records"].items():
            self.records[identifier] = Record(**record)
            self.by_kind.setdefault((record["owner"], record["body"]["object"]), []).append(identifier)


def _amount(currency: str, amount: int) -> Body:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _fee_details(fee: int, currency: str) -> list[Body]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
