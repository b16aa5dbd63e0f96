"""Play money: given with the first test key, paid in by API as real money is, and never a step towards Stripe."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import OutboxItem
from accounts.outbox import drain
from labs.models import Event, Lab
from payments import actions
from payments.checks import breaches
from payments.models import Funding
from payments.queries import fundings_of, lab_funds
from tests.labs.factories import ApiClient, make_client
from tests.payments.factories import NOW, a_lab

pytestmark = pytest.mark.django_db

BODY = {"amount": {"amount_minor": 500_00, "currency": "XTS"}, "method": "invoice", "po_number": "PO 7"}


@pytest.fixture
def lab() -> Lab:
    return a_lab()


@pytest.fixture
def client(lab: Lab) -> ApiClient:
    return make_client(lab, mode="test")


def errors(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.content
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def test_what_a_test_key_pays_in_is_there_at_once(lab: Lab, client: ApiClient) -> None:
    answer = client.post("/fundings", BODY)

    made = answer.json()
    assert (answer.status_code, made["state"], made["hosted_url"]) == (201, "SETTLED", None)
    assert (made["amount"], made["po_number"]) == (BODY["amount"], "PO 7")
    assert lab_funds(lab, "XTS").available.minor == 500_00
    assert client.get(f"/fundings/{made['id']}").json() == client.get("/fundings").json()["data"][0] == made
    assert breaches() == []


def test_the_lab_is_told_of_it_in_its_test_world(lab: Lab, client: ApiClient) -> None:
    made = client.post("/fundings", BODY).json()

    told = Event.objects.get(kind="funds.received")

    assert (told.mode, told.data) == ("test", {"funding": made["id"], "amount_minor": 500_00})


def test_the_same_idempotency_key_pays_in_once(lab: Lab, client: ApiClient) -> None:
    first, again = (client.post("/fundings", BODY, key="k") for _ in range(2))

    assert first.content == again.content
    assert lab_funds(lab, "XTS").available.minor == 500_00


def test_nothing_of_it_goes_to_stripe(lab: Lab, client: ApiClient) -> None:
    client.post("/fundings", BODY)

    asked = OutboxItem.objects.filter(kind__startswith="payments.").values_list("kind", flat=True)

    assert set(asked) == {"payments.grant_play_money", "payments.issue_receipt"}
    assert Funding.objects.get().stripe_id == ""
    drain()


def test_a_live_key_and_the_funds_page_show_none_of_it(lab: Lab, client: ApiClient) -> None:
    made = client.post("/fundings", BODY).json()
    live = make_client(lab)

    assert (live.get("/fundings").json()["data"], live.get(f"/fundings/{made['id']}").status_code) == ([], 404)
    assert fundings_of(lab) == []


@pytest.mark.parametrize(
    ("amount", "named"),
    [
        ({"amount_minor": 500_00, "currency": "USD"}, ("/amount/currency", "wrong_currency")),
        ({"amount_minor": 0, "currency": "XTS"}, ("/amount/amount_minor", "range")),
        ({"amount_minor": 1_000_000_01, "currency": "XTS"}, ("/amount/amount_minor", "range")),
    ],
)
def test_play_money_is_asked_for_as_such_and_within_reason(
    amount: dict[str, object], named: tuple[str, str], lab: Lab, client: ApiClient
) -> None:
    assert errors(client.post("/fundings", BODY | {"amount": amount})) == [named]
    assert lab_funds(lab, "XTS").available.minor == 0


def test_a_first_key_brings_play_money_once_and_before_the_lab_is_approved() -> None:
    lab = a_lab()
    Lab.objects.filter(pk=lab.pk).update(state="APPLICANT")
    lab.refresh_from_db()
    for _ in range(2):
        make_client(lab, mode="test")
    drain()

    actions.grant_play_money(lab, now=NOW)

    assert lab_funds(lab, "XTS").available.minor == 1_000_000_00
