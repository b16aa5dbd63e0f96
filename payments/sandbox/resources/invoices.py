"""Invoices: drafted, opened, sent, paid on a hosted page, or made void."""

from __future__ import annotations

from payments.sandbox.errors import ApiError
from payments.sandbox.resources.funding import CARDS, check_currency, succeed
from payments.sandbox.routes import Call, route
from payments.sandbox.wire import Body, text_map
from payments.sandbox.world import World

DAY = 24 * 3600


@route(
    "POST",
    "/v1/invoices",
    required="customer",
    optional="auto_advance collection_method currency custom_fields days_until_due description footer payment_settings"
    " pending_invoice_items_behavior",
    integers="days_until_due",
)
def create_invoice(call: Call) -> Body:
    """Begin a draft."""
    customer = call.world.get("customer", call.text("customer"), param="customer")
    now = call.world.now()
    return call.world.put(
        {
            "id": call.world.new_id("in"),
            "object": "invoice",
            "amount_due": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "collection_method": call.text("collection_method", "charge_automatically"),
            "created": now,
            "currency": check_currency(call.text("currency", "usd")),
            "custom_fields": call.params.get("custom_fields"),
            "customer": customer["id"],
            "customer_email": customer["email"],
            "due_date": now + DAY * call.integer("days_until_due", 30),
            "hosted_invoice_url": None,
            "livemode": False,
            "metadata": text_map(call.params.get("metadata")),
            "number": None,
            "payments": {"object": "list", "data": [], "has_more": False, "url": "/v1/invoice_payments"},
            "status": "draft",
            "total": 0,
        }
    )


@route("GET", "/v1/invoices/{}")
def retrieve_invoice(call: Call) -> Body:
    """Return an invoice."""
    return _invoice(call)


@route(
    "POST", "/v1/invoiceitems", required="customer", optional="invoice amount currency description", integers="amount"
)
def create_invoice_item(call: Call) -> Body:
    """Put a line on a draft."""
    invoice = call.world.get("invoice", call.text("invoice"), param="invoice")
    _want(invoice, "draft")
    amount = call.integer("amount")
    for name in ("amount_due", "amount_remaining", "total"):
        invoice[name] += amount
    return call.world.put(
        {
            "id": call.world.new_id("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": check_currency(call.text("currency", "usd")),
            "customer": call.text("customer"),
            "date": call.world.now(),
            "description": call.params.get("description"),
            "invoice": invoice["id"],
            "livemode": False,
            "metadata": text_map(call.params.get("metadata")),
        }
    )


@route("POST", "/v1/invoices/{}/finalize", optional="auto_advance")
def finalize_invoice(call: Call) -> Body:
    """Open a draft for payment."""
    invoice = _invoice(call)
    _want(invoice, "draft")
    world = call.world
    number = world.new_id("GH").removeprefix("GH_sbx").lstrip("0")
    url = f"{world.base_url}/_sandbox/invoice/{invoice['id']}"
    invoice.update(status="open", number=f"SBX-{number}", hosted_invoice_url=url)
    world.emit("invoice.finalized", invoice)
    return invoice


@route("POST", "/v1/invoices/{}/send")
def send_invoice(call: Call) -> Body:
    """Mail an open invoice."""
    invoice = _invoice(call)
    _want(invoice, "open")
    call.world.emit("invoice.sent", invoice)
    return invoice


@route("POST", "/v1/invoices/{}/void")
def void_invoice(call: Call) -> Body:
    """Take an open invoice back."""
    invoice = _invoice(call)
    _want(invoice, "open")
    invoice["status"] = "void"
    call.world.emit("invoice.voided", invoice)
    return invoice


def pay_invoice(world: World, identifier: str, method: str) -> bool:
    """Pay an open invoice as its page would; tell whether the payment went through."""
    invoice = world.get("invoice", identifier)
    if invoice["status"] != "open" or method not in CARDS:
        return False
    intent = world.put(
        {
            "id": world.new_id("pi"),
            "object": "payment_intent",
            "amount": invoice["amount_due"],
            "amount_received": 0,
            "created": world.now(),
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "payment_method": method,
            "status": "requires_confirmation",
            "transfer_group": None,
        }
    )
    succeed(world, intent, is_pending=not CARDS[method])
    payment = {"type": "payment_intent", "payment_intent": intent["id"]}
    invoice["payments"]["data"].append(
        {"id": world.new_id("inpay"), "object": "invoice_payment", "status": "paid", "payment": payment,
         "amount_paid": invoice["amount_due"], "invoice": invoice["id"], "currency": invoice["currency"]}
    )  # fmt: skip
    invoice.update(status="paid", amount_paid=invoice["amount_due"], amount_remaining=0)
    world.emit("invoice.paid", invoice)
    return True


def _invoice(call: Call) -> Body:
    return call.world.get("invoice", call.ids[0], param="invoice")


def _want(invoice: Body, status: str) -> None:
    if invoice["status"] != status:
        message = f"This invoice is {invoice['status']}, so this is not possible."
        raise ApiError(400, message, code="invoice_not_editable", param="invoice")
