"""Money out: transfers to connected accounts, their lists, and their reversals."""

from __future__ import annotations

from payments.sandbox.errors import ApiError, insufficient_balance, missing_resource
from payments.sandbox.pages import page
from payments.sandbox.resources.accounts import KIND
from payments.sandbox.resources.funding import check_currency
from payments.sandbox.routes import PAGING, Call, route
from payments.sandbox.wire import Body, text_map
from payments.sandbox.world import PLATFORM

REACHED = frozenset(
    "US CA GB CH AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905 - a list of texts would fill the screen
)
NOT_CAPABLE = (
    "Your destination account needs to have at least one of the following capabilities enabled:"
    " transfers, crypto_transfers, legacy_payments"
)


@route(
    "POST",
    "/v1/transfers",
    required="currency destination",
    optional="amount description source_transaction source_type transfer_group",
    integers="amount",
)
def create_transfer(call: Call) -> Body:
    """Move money from the platform to a connected account, at once."""
    currency = check_currency(call.text("currency"))
    destination = _payable_destination(call)
    charge = _source_charge(call)
    amount = call.integer("amount", charge["amount"] if charge else 0)
    is_pending = _check_cover(call, amount, currency, charge)
    transfer = _new_transfer(call, amount, currency, destination["id"])
    transfer["balance_transaction"] = call.world.book(
        PLATFORM, "transfer", -amount, currency, transfer["id"], is_pending=is_pending
    )
    call.world.book(
        destination["id"], "payment", amount, currency, transfer["destination_payment"], is_pending=is_pending
    )
    call.world.put(_payment_of(transfer), owner=destination["id"])
    if charge:
        call.world.hidden(charge["id"])["transferred"] += amount
    call.world.put(transfer)
    call.world.emit("transfer.created", transfer)
    return transfer


def _payable_destination(call: Call) -> Body:
    record = call.world.records.get(call.text("destination"))
    if record is None or record.body["object"] != KIND:
        raise missing_resource("destination", call.text("destination"), "destination", status=400)
    account = record.body
    if account["closed"]:
        raise ApiError(400, "The destination account has been closed.", code="account_closed", param="destination")
    if account["country"] not in REACHED:
        message = (
            f"Funds can't be sent to accounts located in {account['country']} because it's restricted"
            " outside of your platform's region."
        )
        raise ApiError(400, message, code="transfers_not_allowed", param="destination")
    if account["transfers"] != "active":
        raise ApiError(400, NOT_CAPABLE, code="insufficient_capabilities_for_transfer")
    return account


def _source_charge(call: Call) -> Body | None:
    if "source_transaction" not in call.params:
        return None
    return call.world.get("charge", call.text("source_transaction"), param="source_transaction")


def _check_cover(call: Call, amount: int, currency: str, charge: Body | None) -> bool:
    """Return whether the money is still pending, or refuse what is not covered."""
    if amount < 1:
        raise ApiError(400, "Missing required param: amount.", code="parameter_missing", param="amount")
    if charge is None:
        if call.world.purse(PLATFORM, currency)["available"] < amount:
            raise insufficient_balance()
        return False
    left = charge["amount"] - charge["amount_refunded"] - call.world.hidden(charge["id"])["transferred"]
    if amount > left:
        message = "You cannot transfer more than the remaining amount of the source charge."
        raise ApiError(400, message, code="balance_insufficient", param="amount")
    entry = call.world.get("balance_transaction", charge["balance_transaction"])
    return bool(entry["status"] == "pending")


def _new_transfer(call: Call, amount: int, currency: str, destination: str) -> Body:
    identifier = call.world.new_id("tr")
    return {
        "id": identifier,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": call.world.now(),
        "currency": currency,
        "description": call.params.get("description"),
        "destination": destination,
        "destination_payment": call.world.new_id("py"),
        "livemode": False,
        "metadata": text_map(call.params.get("metadata")),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{identifier}/reversals",
        },
        "reversed": False,
        "source_transaction": call.params.get("source_transaction"),
        "source_type": call.text("source_type", "card"),
        "transfer_group": call.params.get("transfer_group"),
    }


def _payment_of(transfer: Body) -> Body:
    """Return the charge as which a transfer comes in at its destination."""
    return {
        "id": transfer["destination_payment"],
        "object": "charge",
        "amount": transfer["amount"],
        "created": transfer["created"],
        "currency": transfer["currency"],
        "source_transfer": transfer["id"],
        "status": "succeeded",
    }


@route("GET", "/v1/transfers", optional=f"transfer_group destination {PAGING}", integers="limit")
def list_transfers(call: Call) -> Body:
    """Return transfers, newest first, of a group or to a destination."""
    wanted = {name: call.params[name] for name in ("transfer_group", "destination") if name in call.params}
    found = (each for each in call.world.newest("transfer") if all(each[name] == wanted[name] for name in wanted))
    return page(call, found)


@route("GET", "/v1/transfers/{}")
def retrieve_transfer(call: Call) -> Body:
    """Return a transfer."""
    return call.world.get("transfer", call.ids[0], param="transfer")


@route("POST", "/v1/transfers/{}", optional="description")
def update_transfer(call: Call) -> Body:
    """Change a transfer's description or metadata."""
    transfer = call.world.get("transfer", call.ids[0], param="transfer")
    transfer["metadata"].update(text_map(call.params.get("metadata")))
    transfer["description"] = call.params.get("description", transfer["description"])
    call.world.emit("transfer.updated", transfer)
    return transfer


@route(
    "POST",
    "/v1/transfers/{}/reversals",
    optional="amount description refund_application_fee",
    integers="amount",
)
def create_reversal(call: Call) -> Body:
    """Take back a transfer or a part of it, while the account's balance covers it."""
    transfer = call.world.get("transfer", call.ids[0], param="transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.integer("amount", left)
    currency, destination = transfer["currency"], transfer["destination"]
    if amount > left or left == 0:
        message = f"Transfer reversal amount ({amount}) is greater than the unreversed amount ({left})."
        raise ApiError(400, message, param="amount")
    if call.world.purse(destination, currency)["available"] < amount:
        message = "The connected account has insufficient funds to cover this reversal."
        raise ApiError(400, message, code="balance_insufficient")
    return _reverse(call, transfer, amount)


def _reverse(call: Call, transfer: Body, amount: int) -> Body:
    world, currency, destination = call.world, transfer["currency"], transfer["destination"]
    reversal = {
        "id": world.new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "created": world.now(),
        "currency": currency,
        "destination_payment_refund": world.new_id("pyr"),
        "metadata": text_map(call.params.get("metadata")),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    reversal["balance_transaction"] = world.book(PLATFORM, "transfer_refund", amount, currency, reversal["id"])
    world.book(destination, "payment_refund", -amount, currency, reversal["destination_payment_refund"])
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, dict(reversal))
    transfer["reversals"]["total_count"] += 1
    world.put(reversal)
    world.emit("transfer.reversed", transfer)
    return reversal


@route("GET", "/v1/transfers/{}/reversals", optional=PAGING, integers="limit")
def list_reversals(call: Call) -> Body:
    """Return a transfer's reversals, newest first."""
    transfer = call.world.get("transfer", call.ids[0], param="transfer")
    return page(call, transfer["reversals"]["data"])
