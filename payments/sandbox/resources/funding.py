"""Money in: customers, card payments, refunds and top-ups."""

from __future__ import annotations

from payments.sandbox.errors import ApiError, invalid_parameter, missing_resource
from payments.sandbox.pages import page
from payments.sandbox.routes import PAGING, Call, route
from payments.sandbox.wire import Body, text_map
from payments.sandbox.world import PLATFORM, World

CARDS = {"pm_card_visa": False, "pm_card_mastercard": False, "pm_card_bypassPending": True}
DECLINES = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
}
FEE_BPS = 290
FEE_FIXED = 30
CONFIRMABLE = ("requires_payment_method", "requires_confirmation")


@route(
    "POST",
    "/v1/customers",
    optional="address description email name phone preferred_locales shipping tax_exempt",
)
def create_customer(call: Call) -> Body:
    """Create a customer."""
    return call.world.put(
        {
            "id": call.world.new_id("cus"),
            "object": "customer",
            "created": call.world.now(),
            "email": call.params.get("email"),
            "name": call.params.get("name"),
            "metadata": text_map(call.params.get("metadata")),
            "livemode": False,
        }
    )


@route("GET", "/v1/customers/{}")
def retrieve_customer(call: Call) -> Body:
    """Return a customer."""
    return call.world.get("customer", call.ids[0])


@route(
    "POST",
    "/v1/payment_intents",
    required="amount currency",
    optional="automatic_payment_methods capture_method confirm confirmation_method customer description"
    " off_session payment_method payment_method_data payment_method_options receipt_email"
    " return_url setup_future_usage statement_descriptor statement_descriptor_suffix transfer_group",
    integers="amount",
)
def create_payment_intent(call: Call) -> Body:
    """Create a payment intent and confirm it at once when asked."""
    if "customer" in call.params:
        call.world.get("customer", call.text("customer"), param="customer")
    has_method = "payment_method" in call.params
    intent = call.world.put(
        {
            "id": call.world.new_id("pi"),
            "object": "payment_intent",
            "amount": call.integer("amount"),
            "amount_received": 0,
            "cancellation_reason": None,
            "client_secret": call.world.new_id("cs"),
            "created": call.world.now(),
            "currency": check_currency(call.text("currency")),
            "customer": call.params.get("customer"),
            "description": call.params.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": text_map(call.params.get("metadata")),
            "next_action": None,
            "payment_method": call.params.get("payment_method"),
            "payment_method_types": ["card"],
            "status": "requires_confirmation" if has_method else "requires_payment_method",
            "transfer_group": call.params.get("transfer_group"),
        }
    )
    call.world.emit("payment_intent.created", intent)
    return _confirm(call, intent) if call.flag("confirm") else intent


@route(
    "POST",
    "/v1/payment_intents/{}/confirm",
    optional="off_session payment_method return_url receipt_email",
)
def confirm_payment_intent(call: Call) -> Body:
    """Charge the card of a payment intent."""
    return _confirm(call, call.world.get("payment_intent", call.ids[0], param="intent"))


@route("GET", "/v1/payment_intents/{}", optional="client_secret")
def retrieve_payment_intent(call: Call) -> Body:
    """Return a payment intent."""
    return call.world.get("payment_intent", call.ids[0], param="intent")


@route("GET", "/v1/payment_intents", optional=f"customer {PAGING}", integers="limit")
def list_payment_intents(call: Call) -> Body:
    """Return payment intents, newest first."""
    customer = call.params.get("customer")
    found = [each for each in call.world.newest("payment_intent") if customer in (None, each["customer"])]
    return page(call, found)


@route("POST", "/v1/payment_intents/{}/cancel", optional="cancellation_reason")
def cancel_payment_intent(call: Call) -> Body:
    """Cancel a payment intent that has not succeeded."""
    intent = call.world.get("payment_intent", call.ids[0], param="intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected_state(intent)
    intent.update(status="canceled", cancellation_reason=call.params.get("cancellation_reason"))
    call.world.emit("payment_intent.canceled", intent)
    return intent


def _confirm(call: Call, intent: Body) -> Body:
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected_state(intent)
    method = call.params.get("payment_method") or intent["payment_method"]
    if not method:
        raise ApiError(
            400, "You cannot confirm this PaymentIntent: it has no payment method.", code="parameter_missing"
        )
    if method in DECLINES:
        raise _decline(call.world, intent, DECLINES[method])
    if method not in CARDS:
        raise missing_resource("PaymentMethod", method, "payment_method", status=400)
    intent["payment_method"] = method
    succeed(call.world, intent, is_pending=not CARDS[method])
    return intent


def succeed(world: World, intent: Body, *, is_pending: bool) -> None:
    """Charge what a payment intent asks for."""
    charge = {
        "id": world.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_refunded": 0,
        "created": world.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "refunded": False,
        "status": "succeeded",
        "transfer_group": intent["transfer_group"],
    }
    charge["balance_transaction"] = world.book(
        PLATFORM,
        "charge",
        intent["amount"],
        intent["currency"],
        charge["id"],
        fee=card_fee(intent["amount"]),
        is_pending=is_pending,
    )
    world.put(charge, transferred=0)
    intent.update(
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
    )
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)


def card_fee(amount: int) -> int:
    """Return the processing fee of a card charge: 2.9 % and 30 cents, rounded half up."""
    return (amount * FEE_BPS + 5_000) // 10_000 + FEE_FIXED


def check_currency(currency: str) -> str:
    """Return a currency code, or refuse what is not three small letters."""
    if len(currency) != 3 or not currency.isascii() or not currency.islower():
        raise invalid_parameter("currency", f"Invalid currency: {currency}.", code="parameter_invalid")
    return currency


def _decline(world: World, intent: Body, reason: str) -> ApiError:
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": reason,
        "message": "Your card was declined.",
    }
    world.emit("payment_intent.payment_failed", intent)
    return ApiError(402, "Your card was declined.", code="card_declined", kind="card_error", decline_code=reason)


def _unexpected_state(intent: Body) -> ApiError:
    message = f"This PaymentIntent cannot be changed because its status is {intent['status']}."
    return ApiError(400, message, code="payment_intent_unexpected_state")


@route("GET", "/v1/charges/{}")
def retrieve_charge(call: Call) -> Body:
    """Return a charge."""
    return call.world.get("charge", call.ids[0], param="charge")


@route("POST", "/v1/refunds", optional="payment_intent charge amount reason", integers="amount")
def create_refund(call: Call) -> Body:
    """Give back a charge or a part of it."""
    charge = _refunded_charge(call)
    left = charge["amount"] - charge["amount_refunded"]
    amount = call.integer("amount", left)
    if amount > left or left == 0:
        raise ApiError(400, "Refund amount is greater than unrefunded amount on charge.", param="amount")
    if call.world.purse(PLATFORM, charge["currency"])["available"] < amount:
        raise ApiError(
            400, "Insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
        )
    refund = {
        "id": call.world.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": call.world.now(),
        "currency": charge["currency"],
        "metadata": text_map(call.params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": call.params.get("reason"),
        "status": "succeeded",
    }
    refund["balance_transaction"] = call.world.book(PLATFORM, "refund", -amount, charge["currency"], refund["id"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.world.put(refund)
    call.world.emit("charge.refunded", charge)
    call.world.emit("refund.created", refund)
    return refund


def _refunded_charge(call: Call) -> Body:
    identifier = call.text("charge")
    if not identifier:
        intent = call.world.get("payment_intent", call.text("payment_intent"), param="payment_intent")
        identifier = intent["latest_charge"] or ""
    return call.world.get("charge", identifier, param="charge")


@route(
    "POST",
    "/v1/topups",
    required="amount currency",
    optional="description source statement_descriptor transfer_group",
    integers="amount",
)
def create_topup(call: Call) -> Body:
    """Add the platform's own money to its balance, at once."""
    topup: Body = {
        "id": call.world.new_id("tu"),
        "object": "topup",
        "amount": call.integer("amount"),
        "created": call.world.now(),
        "currency": check_currency(call.text("currency")),
        "description": call.params.get("description"),
        "livemode": False,
        "metadata": text_map(call.params.get("metadata")),
        "status": "succeeded",
        "transfer_group": call.params.get("transfer_group"),
    }
    topup["balance_transaction"] = call.world.book(PLATFORM, "topup", topup["amount"], topup["currency"], topup["id"])
    call.world.put(topup)
    call.world.emit("topup.created", topup)
    call.world.emit("topup.succeeded", topup)
    return topup
