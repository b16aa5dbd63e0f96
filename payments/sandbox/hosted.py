"""The pages that Stripe would host: onboarding, the expert's own dashboard, and a lab's invoice."""

from __future__ import annotations

import html
from dataclasses import dataclass

from payments.sandbox.resources.accounts import change_account, find_account
from payments.sandbox.resources.invoices import pay_invoice
from payments.sandbox.wire import Body, read_form
from payments.sandbox.world import World

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body{{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f6f7f9;color:#1b1f24}}
@media (prefers-color-scheme:dark){{body{{background:#15181c;color:#e6e8eb}}main{{background:#1d2127!important}}}}
main{{max-width:30rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:12px}}
button{{font:inherit;padding:.6rem 1rem;margin:.5rem .5rem 0 0;border-radius:8px;border:1px solid #8884}}
p.note{{font-size:.875rem}}
</style></head><body><main><p class="note">Local Stripe sandbox. No real money moves here.</p>
{content}</main></body></html>
"""
COMPLETED: Body = {"transfers": "active", "payouts": True, "due": [], "details": True, "reason": None}
NUMBERS = {"US": "us_ssn", "CA": "ca_sin", "GB": "gb_nino", "FR": "fr_nir", "DE": "de_stn"}


@dataclass(frozen=True)
class HostedAnswer:
    """A page, or a redirect when ``location`` is set."""

    status: int
    content: str = ""
    location: str = ""


def show(world: World, method: str, path: str, body: str) -> HostedAnswer | None:
    """Return a hosted page, or nothing when the path is none of ours."""
    kind, _, identifier = path.partition("/")
    with world.lock:
        if kind == "onboard":
            return _onboard(world, method, identifier, body)
        if kind == "invoice":
            return _invoice(world, method, identifier, body)
        if kind == "express" and method == "GET":
            return _dashboard(world, identifier)
    return None


def _onboard(world: World, method: str, identifier: str, body: str) -> HostedAnswer:
    record = world.records.get(identifier)
    if record is None or record.body["object"] != "account_link.state":
        return HostedAnswer(404, _page("Not found", "<h1>This link is not known.</h1>"))
    link = record.body
    if link["is_used"] or link["expires"] < world.now():
        return HostedAnswer(303, location=link["refresh_url"] or "/")
    if method == "GET":
        return HostedAnswer(200, _onboarding_page(link["account"]))
    link["is_used"] = True
    completes = read_form(body).get("outcome") == "complete"
    change_account(world, link["account"], _completed(world, link["account"]) if completes else {"details": True})
    world.emit_thin("v2.core.account_link.returned", link["account"])
    return HostedAnswer(303, location=link["return_url"] or "/")


def _completed(world: World, account: str) -> Body:
    """Return an account to which everything was given, with the tax number that its country has."""
    kind = NUMBERS.get(find_account(world, account)["country"])
    return {**COMPLETED, "numbers": [kind] if kind else []}


def _onboarding_page(account: str) -> str:
    content = (
        f"<h1>Get paid</h1><p>Account <code>{html.escape(account)}</code></p>"
        "<p>Stripe would ask here for your identity and your bank.</p>"
        '<form method="post"><button name="outcome" value="complete">Give everything and finish</button>'
        '<button name="outcome" value="incomplete">Leave without finishing</button></form>'
    )
    return _page("Onboarding", content)


def _invoice(world: World, method: str, identifier: str, body: str) -> HostedAnswer:
    invoice = world.get("invoice", identifier)
    if method == "GET":
        return HostedAnswer(200, _invoice_page(invoice, ""))
    is_paid = pay_invoice(world, identifier, str(read_form(body).get("method", "")))
    return HostedAnswer(200, _invoice_page(invoice, "" if is_paid else "<p>The card was declined.</p>"))


def _invoice_page(invoice: Body, problem: str) -> str:
    amount = f"{invoice['amount_due'] / 100:,.2f} {invoice['currency'].upper()}"
    fields = "".join(
        f"<p>{html.escape(str(each['name']))}: {html.escape(str(each['value']))}</p>"
        for each in invoice["custom_fields"] or []
    )
    ways = (
        '<form method="post"><button name="method" value="pm_card_visa">Pay by card</button>'
        '<button name="method" value="pm_card_bypassPending">Pay, settled at once</button>'
        '<button name="method" value="pm_card_chargeDeclined">Pay by a card that is declined</button></form>'
    )
    paid = f"<p>This invoice is {html.escape(invoice['status'])}.</p>"
    content = f"<h1>{amount}</h1><p>Invoice {html.escape(str(invoice['number']))}</p>{fields}{problem}"
    return _page("Invoice", content + (ways if invoice["status"] == "open" else paid))


def _dashboard(world: World, identifier: str) -> HostedAnswer:
    account = find_account(world, identifier)
    rows = "".join(
        f"<li>{html.escape(each['id'])}: {each['amount']} {html.escape(each['currency'])}, {each['status']}</li>"
        for each in world.newest("balance_transaction", account["id"])
    )
    return HostedAnswer(200, _page("Your payments", f"<h1>Your payments</h1><ul>{rows}</ul>"))


def _page(title: str, content: str) -> str:
    return PAGE.format(title=html.escape(title), content=content)
