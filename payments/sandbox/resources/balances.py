"""Balances, what moved them, how they are paid out, and the bank payouts themselves."""

from __future__ import annotations

import copy
from typing import Any

from payments.sandbox.errors import ApiError, insufficient_balance
from payments.sandbox.pages import page
from payments.sandbox.resources.accounts import find_account
from payments.sandbox.resources.funding import check_currency
from payments.sandbox.routes import PAGING, Call, route
from payments.sandbox.wire import Body, text_map
from payments.sandbox.world import PLATFORM, World

PAYOUT_MOVES = {"in_transit": "payout.updated", "paid": "payout.paid", "failed": "payout.failed"}
ARRIVAL_SECONDS = {"standard": 2 * 24 * 3600, "instant": 30 * 60}


@route("GET", "/v1/balance")
def retrieve_balance(call: Call) -> Body:
    """Return the caller's balance."""
    return call.world.balance(call.account)


@route("GET", "/v1/balance_transactions", optional=f"type source payout currency {PAGING}", integers="limit")
def list_balance_transactions(call: Call) -> Body:
    """Return what moved the caller's balance, newest first."""
    wanted = {name: call.params[name] for name in ("type", "source", "currency") if name in call.params}
    entries = call.world.newest("balance_transaction", call.account)
    if "payout" in call.params:
        payout = call.params["payout"]
        entries = (each for each in entries if call.world.hidden(each["id"]).get("payout") == payout)
    return page(call, (each for each in entries if all(each[name] == wanted[name] for name in wanted)))


@route("GET", "/v1/balance_transactions/{}")
def retrieve_balance_transaction(call: Call) -> Body:
    """Return one movement of the caller's balance."""
    return call.world.get("balance_transaction", call.ids[0], owner=call.account)


@route("GET", "/v1/balance_settings")
def retrieve_balance_settings(call: Call) -> Body:
    """Return how the caller's balance is paid out."""
    return _settings(call.world, call.account)


@route("POST", "/v1/balance_settings", optional="payments")
def update_balance_settings(call: Call) -> Body:
    """Change how the caller's balance is paid out."""
    settings = _settings(call.world, call.account)
    changes = call.params.get("payments")
    if isinstance(changes, dict):
        _merge(settings["payments"], changes)
    return settings


def _settings(world: World, account: str) -> Body:
    identifier = f"settings_{account}"
    if identifier not in world.records:
        schedule: Body = {"interval": "daily", "weekly_payout_days": None, "monthly_payout_days": None}
        payments = {"debit_negative_balances": False, "payouts": {"schedule": schedule, "status": "enabled"}}
        body = {"id": identifier, "object": "balance_settings", "payments": payments}
        world.put(body, owner=account)
    return world.records[identifier].body


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


@route(
    "POST",
    "/v1/payouts",
    required="amount currency",
    optional="description destination method payout_method source_type statement_descriptor",
    integers="amount",
)
def create_payout(call: Call) -> Body:
    """Pay a part of the caller's balance to its bank."""
    currency = check_currency(call.text("currency"))
    if call.account != PLATFORM and not find_account(call.world, call.account)["payouts"]:
        raise ApiError(400, "Payouts are disabled on this account.", code="payouts_not_allowed")
    if call.world.purse(call.account, currency)["available"] < call.integer("amount"):
        raise insufficient_balance()
    metadata = text_map(call.params.get("metadata"))
    return pay_out(
        call.world,
        call.account,
        call.integer("amount"),
        currency,
        method=call.text("method", "standard"),
        metadata=metadata,
    )


def pay_out(
    world: World,
    account: str,
    amount: int,
    currency: str,
    *,
    method: str = "standard",
    metadata: dict[str, str] | None = None,
) -> Body:
    """Book a bank payout and announce it."""
    payout: Body = {
        "id": world.new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": world.now() + ARRIVAL_SECONDS.get(method, 0),
        "automatic": metadata is None,
        "created": world.now(),
        "currency": currency,
        "destination": "ba_sbx",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata or {},
        "method": method,
        "source_type": "card",
        "status": "pending",
        "type": "bank_account",
    }
    if payout["automatic"]:
        _take_up(world, account, currency, payout["id"])
    payout["balance_transaction"] = world.book(account, "payout", -amount, currency, payout["id"])
    world.put(payout, owner=account)
    world.emit("payout.created", payout, account=_connected(account))
    return payout


def _take_up(world: World, account: str, currency: str, payout: str) -> None:
    """Say of what came in since the last payout that this one pays it."""
    for entry in world.newest("balance_transaction", account):
        if entry["currency"] == currency and entry["type"] != "payout":
            world.hidden(entry["id"]).setdefault("payout", payout)


def move_payout(world: World, identifier: str, status: str, failure_code: str = "account_closed") -> Body:
    """Let the bank take, pay or refuse a payout; refused money returns to the account's balance."""
    record = world.records[identifier]
    payout = record.body
    payout["status"] = status
    if status == "failed":
        payout["failure_code"] = failure_code
        payout["failure_balance_transaction"] = world.book(
            record.owner, "payout_failure", payout["amount"], payout["currency"], identifier
        )
    world.emit(PAYOUT_MOVES[status], payout, account=_connected(record.owner))
    return copy.deepcopy(payout)


def pay_out_everyone(world: World) -> None:
    """Pay every connected account's available balance to its bank, as its schedule would."""
    for account in [each for each in world.balances if each != PLATFORM]:
        if not find_account(world, account)["payouts"]:
            continue
        for currency, purse in world.balances[account].items():
            if purse["available"] > 0:
                pay_out(world, account, purse["available"], currency)


def _connected(account: str) -> str | None:
    return None if account == PLATFORM else account


@route("GET", "/v1/payouts", optional=f"status arrival_date destination {PAGING}", integers="limit")
def list_payouts(call: Call) -> Body:
    """Return the caller's bank payouts, newest first."""
    status = call.params.get("status")
    found = call.world.newest("payout", call.account)
    return page(call, (each for each in found if status in (None, each["status"])))


@route("GET", "/v1/payouts/{}")
def retrieve_payout(call: Call) -> Body:
    """Return one bank payout of the caller's."""
    return call.world.get("payout", call.ids[0], owner=call.account, param="payout")
