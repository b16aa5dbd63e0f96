"""The pages to read, sign, keep and search."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from agreements import actions
from agreements.models import ContentAccess, Signature
from tests.agreements.factories import NEXT_TEXT, a_signature, a_version, an_agreement
from tests.experts.factories import NOW, an_expert, an_operator, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
NUL_BIDI_AND_LONG = ["Cyd\x00 Marlowe", "Cyd \u202eMarlowe", "Cyd\u200bMarlowe", "C" * 201, "", "\ud800"]


def test_an_expert_reads_the_whole_text_and_signs_it() -> None:
    version, cyd = a_version(an_agreement()), an_expert()
    client = signed_in(cyd.user)
    address = f"/agreements/{version.public_id}/sign/?next=/work/offers/"

    page = client.get(address)
    answer = client.post(
        f"/agreements/{version.public_id}/sign/",
        {"consent": "on", "typed_name": "Cyd Marlowe", "next": "/work/offers/"},
        headers={"User-Agent": "Firefox"},
    )

    assert "five years from the date of signature" in page.text
    assert "2. How long it lasts" in page.text
    assert (answer.status_code, answer["Location"]) == (302, "/work/offers/")
    signature = Signature.objects.get()
    assert (signature.typed_name, signature.ip, signature.user_agent) == ("Cyd Marlowe", "127.0.0.1", "Firefox")


def test_the_labs_name_is_not_on_the_page() -> None:
    version, cyd = a_version(an_agreement()), an_expert()

    page = signed_in(cyd.user).get(f"/agreements/{version.public_id}/sign/")

    assert "Saltmarsh" in page.text
    assert "Northwind" not in page.text


def test_an_address_elsewhere_is_not_followed_after_signing() -> None:
    version, cyd = a_version(an_agreement()), an_expert()

    answer = signed_in(cyd.user).post(
        f"/agreements/{version.public_id}/sign/",
        {"consent": "on", "typed_name": "Cyd Marlowe", "next": "https://evil.example/"},
    )

    assert answer["Location"] == "/agreements/"


@pytest.mark.parametrize("typed", [*NUL_BIDI_AND_LONG, "Somebody Else"])
def test_a_bad_name_is_told_beside_its_field_and_signs_nothing(typed: str) -> None:
    version, cyd = a_version(an_agreement()), an_expert()
    fields = {"consent": "on", "typed_name": typed.encode("utf-8", "surrogatepass")}

    answer = signed_in(cyd.user).post(f"/agreements/{version.public_id}/sign/", fields)

    assert answer.status_code == 422
    assert "Nothing was saved." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert Signature.objects.count() == 0


def test_without_consent_nothing_is_signed() -> None:
    version, cyd = a_version(an_agreement()), an_expert()

    answer = signed_in(cyd.user).post(f"/agreements/{version.public_id}/sign/", {"typed_name": "Cyd Marlowe"})

    assert answer.status_code == 422
    assert "Tick this once you have read the whole agreement." in answer.text


def test_a_draft_does_not_exist_for_experts() -> None:
    draft = actions.draft_version(an_agreement(), text="Secret draft", by=None, now=NOW)

    assert signed_in(an_expert().user).get(f"/agreements/{draft.public_id}/sign/").status_code == 404


def test_a_newer_version_shows_what_changed_since_the_one_signed() -> None:
    first, cyd = a_version(an_agreement()), an_expert()
    a_signature(first, cyd.user)
    second = a_version(first.agreement, NEXT_TEXT)
    client = signed_in(cyd.user)

    page, mine = client.get(f"/agreements/{second.public_id}/sign/"), client.get("/agreements/")

    assert "<del>five</del> <ins>three</ins>" in page.text
    assert "Changed since version 1" in page.text
    assert "Version 2 waits for you." in mine.text


def test_an_expert_ends_their_own_signature_and_nobody_elses() -> None:
    version, cyd, dov = a_version(an_agreement()), an_expert(), an_expert("Dov Lindgren")
    signature = a_signature(version, cyd.user)
    address = f"/agreements/signatures/{signature.public_id}/revoke/"

    refused = signed_in(dov.user).post(address, {"reason": "Not mine"})
    empty = signed_in(cyd.user).post(address, {"reason": ""})
    done = signed_in(cyd.user).post(address, {"reason": "I stop"})

    assert (refused.status_code, empty.status_code, done.status_code) == (404, 422, 302)
    signature.refresh_from_db()
    assert (signature.state, signature.revoke_reason) == ("REVOKED", "I stop")


def test_trust_operators_search_and_the_search_is_recorded() -> None:
    cyd, tess = an_expert(), an_operator("trust", name="Tess Moreau")
    ContentAccess.objects.create(viewer=cyd.user.public_id, subject="tsk_1", purpose="work", at=NOW)

    page = signed_in(tess).get("/desk/access/", {"q": "tsk_1"})

    assert "Cyd Marlowe" in page.text
    assert cyd.user.public_id in page.text
    assert _searches() == [(tess.public_id, {"text": "tsk_1"})]


def _searches() -> list[tuple[str, object]]:
    return list(AuditEvent.objects.filter(verb="access.searched").values_list("actor", "details"))


@pytest.mark.parametrize("q", ["tsk\x00_1", "tsk\u202e_1", "tsk\u200b_1", "x" * 255])
def test_a_bad_search_is_told_beside_its_field(q: str) -> None:
    client = signed_in(an_operator("trust"))

    answer = client.get("/desk/access/", {"q": q})

    assert answer.status_code == 422


def test_only_trust_operators_search() -> None:
    people = [an_expert().user, an_operator("vetting", "finance", "owner")]

    assert [signed_in(user).get("/desk/access/?q=tsk_1").status_code for user in people] == [403, 403]
    assert Client().get("/desk/access/?q=tsk_1").status_code == 302


def test_the_list_of_signatures_costs_the_same_for_one_and_for_three() -> None:
    cyd = an_expert().user
    client = signed_in(cyd)
    a_signature(a_version(an_agreement()), cyd)
    _statements(client)  # The first page of a session also writes the session.
    one = _statements(client)
    a_signature(a_version(an_agreement()), cyd)
    a_signature(a_version(an_agreement()), cyd)

    assert _statements(client) == one
    assert client.get("/agreements/").text.count("Confidentiality agreement for Saltmarsh") == 3


def _statements(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/agreements/").status_code == 200
    return len(captured)
