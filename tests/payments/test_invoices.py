"""Paying in on a page that Stripe hosts: opened once, credited once and only when the money is confirmed."""

from __future__ import annotations

import io
import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from accounts.outbox import drain
from kernel.money import usd
from labs.models import Lab
from payments import actions
from payments.models import Document, Funding
from payments.queries import lab_funds
from payments.states import FundingState
from tests.accounts.factories import log_in
from tests.bad_input import BAD_INTEGERS, BAD_NAMES, WRONG_TYPES
from tests.labs.factories import ApiClient, make_client, ok
from tests.payments.factories import NOW, a_lab
from tests.stripe_fixture import StripeAtHand, judge_requests

pytestmark = pytest.mark.django_db(transaction=True)

BODY: dict[str, object] = {"amount": {"amount_minor": 500_00, "currency": "USD"}, "method": "card"}


@pytest.fixture
def lab() -> Lab:
    return a_lab()


@pytest.fixture
def client(lab: Lab) -> ApiClient:
    return make_client(lab)


def pay(url: str, method: str = "pm_card_visa") -> str:
    """Press a button of the hosted page and return the page after it."""
    form = urllib.parse.urlencode({"method": method}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, form)) as answer:  # noqa: S310  # Loopback, by the sandbox.
        return str(answer.read().decode())


def balance(lab: Lab) -> int:
    """Return what the lab has paid in."""
    return lab_funds(lab, "USD").prepaid.minor


def test_a_lab_pays_its_invoice_and_is_credited_when_stripe_says_so(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand
) -> None:
    made = ok(client.post("/fundings", BODY | {"method": "invoice", "po_number": "PO-77"}), 201)
    page = pay(made["hosted_url"])
    before = balance(lab)
    stripe_at_hand.deliver(Client())
    drain()
    after = ok(client.get(f"/fundings/{made['id']}"))

    assert (made["state"], made["po_number"], before, balance(lab)) == ("AWAITING_TRANSFER", "PO-77", 0, 500_00)
    assert ("PO: PO-77" in page, "This invoice is paid." in page) == (True, True)
    assert (after["state"], after["invoice_number"]) == ("SUCCEEDED", made["invoice_number"])
    assert ok(client.get("/fundings"))["data"] == [after]


def test_settled_money_is_known_once_stripe_settles_it(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand
) -> None:
    made = ok(client.post("/fundings", BODY), 201)
    pay(made["hosted_url"])
    stripe_at_hand.order("settle")
    stripe_at_hand.deliver(Client())
    stripe_at_hand.deliver(Client())  # Nothing is left; and what came twice would change nothing.
    drain()

    assert ok(client.get(f"/fundings/{made['id']}"))["state"] == "SETTLED"
    assert balance(lab) == 500_00


def test_a_declined_card_leaves_the_page_open(lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand) -> None:
    made = ok(client.post("/fundings", BODY), 201)

    page = pay(made["hosted_url"], "pm_card_chargeDeclined")

    assert ("declined" in page, "Pay by card" in page, balance(lab)) == (True, True, 0)


def test_the_same_key_opens_one_page(client: ApiClient, stripe_at_hand: StripeAtHand) -> None:
    first = ok(client.post("/fundings", BODY, key="once"), 201)
    again = client.post("/fundings", BODY, key="once")

    assert (ok(again, 201), again.headers["Idempotent-Replayed"]) == (first, "true")
    assert len(list(stripe_at_hand.sandbox.world.newest("invoice"))) == 1


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/invoices", "/v1/invoiceitems"])
@pytest.mark.parametrize("fault", ["before_drop", "after_drop", "500_after"])
def test_a_step_that_breaks_is_taken_up_by_the_job_and_nothing_is_doubled(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand, path: str, fault: str
) -> None:
    stripe_at_hand.order("faults", path=path, method="POST", action=fault, times=9)
    made = ok(client.post("/fundings", BODY), 201)
    stripe_at_hand.clear_faults()
    funding = actions.look_up_funding(Funding.parse_id(made["id"]))
    pay(funding.hosted_url)
    stripe_at_hand.deliver(Client())
    drain()

    (invoice,) = stripe_at_hand.sandbox.world.newest("invoice")
    assert (made["state"], made["hosted_url"]) == ("CREATED", None)
    assert (invoice["amount_paid"], balance(lab)) == (500_00, 500_00)


def test_a_lost_event_is_made_up_for_by_asking(lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand) -> None:
    made = ok(client.post("/fundings", BODY), 201)
    pay(made["hosted_url"])

    funding = actions.look_up_funding(Funding.parse_id(made["id"]))

    assert (funding.state, balance(lab)) == (FundingState.SUCCEEDED, 500_00)


def test_a_void_invoice_cancels_the_funding(lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand) -> None:
    made = ok(client.post("/fundings", BODY), 201)
    funding = Funding.objects.get()
    stripe_at_hand.library().v1.invoices.void_invoice(funding.invoice_id)
    stripe_at_hand.deliver(Client())
    drain()

    assert (ok(client.get(f"/fundings/{made['id']}"))["state"], balance(lab)) == ("CANCELLED", 0)


def test_stripes_specification_knows_every_request(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand, settings: Any
) -> None:
    for method in ("card", "invoice"):
        ok(client.post("/fundings", BODY | {"method": method, "po_number": "PO 1"}), 201)
        actions.look_up_funding(Funding.objects.latest("created_at").pk)

    assert judge_requests(settings.STRIPE_RECORD_FILE) == []


def test_other_labs_other_worlds_and_other_scopes_see_none_of_it(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand
) -> None:
    made = ok(client.post("/fundings", BODY), 201)
    others = [make_client(a_lab("Eve's")), make_client(lab, mode="test")]
    reader = make_client(lab, scopes=("funds:read",))

    assert [other.get(f"/fundings/{made['id']}").status_code for other in others] == [404, 404]
    assert [ok(other.get("/fundings"))["data"] for other in others] == [[], []]
    assert [others[1].post("/fundings", BODY).status_code, reader.post("/fundings", BODY).status_code] == [422, 403]


def test_no_bad_value_gets_in(client: ApiClient) -> None:
    amounts = [{"amount_minor": bad, "currency": "USD"} for bad in BAD_INTEGERS.values()]
    amounts += [{"amount_minor": 999, "currency": "USD"}, {"amount_minor": 50_00, "currency": "EUR"},
                {"amount_minor": 50_00, "currency": "XTS"}, {"amount_minor": 50_00}]  # fmt: skip
    bodies = [BODY | {"amount": amount} for amount in [*amounts, *WRONG_TYPES.values()]]
    bodies += [BODY | {"method": value} for value in (*WRONG_TYPES.values(), "charge", "cash", "")]
    bodies += [BODY | {"po_number": value} for value in (*BAD_NAMES.values(), *WRONG_TYPES.values())]
    bodies += [BODY | extra for extra in ({"state": "SETTLED"}, {"lab": "lab_x"}, {"hosted_url": "x"}, {"fee": 1})]

    statuses = {client.send("post", "/fundings", json.dumps(body).encode()).status_code for body in bodies}

    assert (statuses, Funding.objects.count()) == ({422, 400, 413} & statuses, 0)


def test_an_owner_opens_an_invoice_in_the_console(lab: Lab, stripe_at_hand: StripeAtHand) -> None:
    browser = log_in(Client(), lab.members.get().user)
    form = {"amount": "250.00", "way": "invoice", "po_number": "PO-9", "press": "a" * 32}

    for _ in range(2):
        page = browser.post("/lab/funds/pay/", form, follow=True)

    funding = Funding.objects.get()
    assert (funding.amount_minor, funding.created_by) == (250_00, lab.members.get().user)
    assert f'href="{funding.hosted_url}"' in page.content.decode()


def test_the_hosted_form_says_what_is_wrong(lab: Lab) -> None:
    browser = log_in(Client(), lab.members.get().user)

    answer = browser.post("/lab/funds/pay/", {"amount": "1", "way": "cash", "press": "x"})

    assert (answer.status_code, Funding.objects.count()) == (422, 0)


def test_a_lab_that_waits_for_approval_is_told_so() -> None:
    lab = a_lab()
    Lab.objects.filter(pk=lab.pk).update(state="FROZEN")

    with pytest.raises(Exception, match="not approved"):
        actions.start_hosted_funding(
            Lab.objects.get(pk=lab.pk), usd(50_00), way="card", by=lab.members.get().user, now=NOW
        )


def test_an_invoice_that_is_open_to_be_paid_is_issued_as_a_paper_and_one_by_card_is_not(
    lab: Lab, client: ApiClient, stripe_at_hand: StripeAtHand
) -> None:
    made = ok(client.post("/fundings", BODY | {"method": "invoice", "po_number": "PO-77 #$[x]"}), 201)
    ok(client.post("/fundings", BODY), 201)
    drain()
    pay(made["hosted_url"])
    stripe_at_hand.deliver(Client())
    drain()

    papers = Document.objects.filter(lab=lab).order_by("issued_at")
    invoice = papers[0]
    said = PdfReader(io.BytesIO(invoice.pdf)).pages[0].extract_text()
    assert [paper.label for paper in papers] == ["INV-000001", "REC-000001"]
    assert (invoice.amount_minor, invoice.figures["stripe_number"]) == (500_00, made["invoice_number"])
    assert ["PO-77 #$[x]" in said, "Total due" in said, "$500.00" in said] == [True, True, True]
