"""The application, the profile and the vetting desk, as people meet them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from experts import actions, queries
from experts.models import Application, Credential, Expert, TierGrant, TierRequest
from experts.queries import application_of
from tests.experts.factories import (
    NOW,
    STATEMENT,
    a_credential,
    a_tier,
    a_user,
    an_application,
    an_expert,
    an_operator,
    domain,
    signed_in,
)

pytestmark = pytest.mark.django_db(transaction=True)
ABOUT = {
    "headline": "Psychiatrist",
    "country": "US",
    "languages": ["en", "de"],
    "employer": "",
    "network": "",
    "bio": "",
}
CREDENTIAL = {
    "credential_class": "physician_licence",
    "title": "",
    "issuer": "NYSED",
    "jurisdiction": "US-NY",
    "number": "281447",
    "expires_on": "2028-08-31",
}


def asked(*rows: tuple[str, str], statement: str = STATEMENT) -> dict[str, str]:
    """Return the fields of the form that asks for domains."""
    fields = {"ask-TOTAL_FORMS": str(len(rows)), "ask-INITIAL_FORMS": "0", "statement": statement}
    for number, (domain_id, tier) in enumerate(rows):
        fields |= {f"ask-{number}-domain": domain_id, f"ask-{number}-tier": tier}
    return fields


def decision(name: str, **fields: Any) -> dict[str, Any]:
    """Return the fields of a decision with every check made."""
    checks = ["name", "current", "depth", "fit", "sources"]
    return {"decision": name, "reason": "Clear case", "checks": checks, f"tier_{domain().pk}": "3", **fields}


def test_a_stranger_becomes_an_applicant_and_sends_an_application_in_the_browser() -> None:
    client, user = _new()
    psychiatry = str(domain().pk)

    answers = [
        client.post("/apply/about/", ABOUT),
        client.post("/apply/ask/", asked((psychiatry, "4"))),
        client.post("/expert/credentials/", CREDENTIAL),
        client.post("/apply/send/"),
    ]

    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/apply/")] * 4
    application = Application.objects.get()
    assert (application.expert.user, application.state) == (user, "SUBMITTED")
    assert list(TierRequest.objects.values_list("domain__slug", "tier")) == [("psychiatry", 4)]
    assert "answer promised by" in client.get("/apply/").text


def test_the_page_says_what_is_missing() -> None:
    client, _ = _new()
    client.post("/apply/about/", ABOUT)

    page, refused = client.get("/apply/"), client.post("/apply/send/")

    assert "Choose at least one domain and the tier you ask for." in page.text
    assert "Add at least one credential" in page.text
    assert refused.status_code == 422
    assert Application.objects.get().state == "DRAFT"


def _new() -> tuple[Client, User]:
    user = a_user()
    return signed_in(user), user


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("headline", "x" * 121, "at most 120 characters"),
        ("headline", "", "This field is required."),
        ("headline", "Doc\x00tor", "must not hold NUL"),
        ("headline", "Doc\u202etor", "Take out line breaks, control"),
        ("employer", "A\u200bB", "Take out line breaks, control"),
        ("country", "XX", "not one of the available choices"),
        ("country", "\x00", "not one of the available choices"),
        ("languages", ["en", "klingon"], "not one of the available choices"),
        ("languages", [], "Choose at least one language."),
        ("bio", "x" * 4001, "at most 4,000 characters"),
        ("bio", "a\x00b", "NUL"),
    ],
)
def test_bad_input_about_a_person_is_told_beside_its_field_and_nothing_is_stored(
    field: str, value: object, sentence: str
) -> None:
    client, _ = _new()

    answer = client.post("/apply/about/", {**ABOUT, field: value})

    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert sentence in answer.text
    assert Expert.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credential_class", "wizard"),
        ("issuer", ""),
        ("issuer", "N\x00Y"),
        ("issuer", "x" * 201),
        ("number", "x" * 81),
        ("jurisdiction", "US\u2066NY"),
        ("expires_on", "31/02/2028"),
        ("expires_on", "0001-01-01"),
        ("expires_on", "9999-12-31"),
        ("expires_on", "\x00"),
    ],
)
def test_a_bad_credential_is_told_beside_its_field_and_not_stored(field: str, value: str) -> None:
    cyd = an_expert()

    answer = signed_in(cyd.user).post("/expert/credentials/", {**CREDENTIAL, field: value})

    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert Credential.objects.count() == 0


def test_bad_requests_are_told_beside_their_rows_and_nothing_is_stored() -> None:
    cyd, here = an_expert(), str(domain().pk)
    client = signed_in(cyd.user)
    bad = [
        asked((here, "6")),
        asked((here, "")),
        asked(("", "3")),
        asked((here, "3"), (here, "4")),
        asked(("999999", "3")),
        asked(("\x00", "3")),
        asked((here, "3"), statement="x" * 4001),
        asked((here, "3"), statement="a\x00b"),
        asked(*[(here, "3")] * 6),
        {"ask-TOTAL_FORMS": "x", "ask-INITIAL_FORMS": "\x00", "statement": STATEMENT},
        {"ask-TOTAL_FORMS": "99999999", "ask-INITIAL_FORMS": "0", "statement": STATEMENT},
    ]

    statuses = [client.post("/apply/ask/", fields).status_code for fields in bad]

    assert statuses == [422] * len(bad)
    assert TierRequest.objects.count() == 0


def test_only_an_unchecked_credential_of_ones_own_can_be_removed() -> None:
    cyd, dov, vic = an_expert(), an_expert("Dov Lindgren"), an_operator("vetting")
    free, others, checked = a_credential(cyd), a_credential(dov), a_credential(cyd, number="2")
    actions.check_credential(checked, by=vic, now=NOW)
    client = signed_in(cyd.user)

    answers = [client.post(f"/expert/credentials/{row.public_id}/drop/") for row in (free, others, checked)]

    assert [answer.status_code for answer in answers] == [302, 404, 409]
    assert set(Credential.objects.all()) == {others, checked}


def test_the_profile_shows_tiers_with_who_and_why_and_takes_choices() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    a_tier(cyd, "psychiatry", 3, by=vic)
    client = signed_in(cyd.user)

    page = client.get("/expert/profile/")
    client.post("/expert/profile/availability/", {"weekly_hours": "12"})
    client.post("/expert/profile/content/", {"flags": ["violence", "self_harm"]})

    assert "“Known for it” Vic Osei" in page.text
    cyd.refresh_from_db()
    assert (cyd.weekly_hours, cyd.content_flags_accepted) == (12, ["self_harm", "violence"])


@pytest.mark.parametrize("hours", ["-1", "81", "NaN", "1e3", "", "\x00", "9" * 400])
def test_impossible_hours_are_told_beside_their_field(hours: str) -> None:
    cyd = an_expert()

    answer = signed_in(cyd.user).post("/expert/profile/availability/", {"weekly_hours": hours})

    assert answer.status_code == 422
    cyd.refresh_from_db()
    assert cyd.weekly_hours == 20


def test_an_unknown_content_flag_is_refused() -> None:
    cyd = an_expert()

    answer = signed_in(cyd.user).post("/expert/profile/content/", {"flags": ["cats"]})

    assert answer.status_code == 422


def test_an_operator_takes_checks_and_approves_at_the_desk() -> None:
    vic = an_operator("vetting")
    application = an_application()
    client, base = signed_in(vic), f"/desk/vetting/{application.public_id}/"
    credential = Credential.objects.get()
    verdict = {"verdict": "verify", "where": "NYSED register", "finding": "Registered, no actions"}

    first = client.get("/desk/vetting/")
    client.post(f"{base}take/")
    client.post(f"{base}credentials/{credential.public_id}/check/")
    client.post(f"{base}credentials/{credential.public_id}/verdict/", verdict)
    answer = client.post(f"{base}decide/", decision("approve"))

    assert first["Location"] == base
    assert answer.status_code == 302
    application.refresh_from_db()
    credential.refresh_from_db()
    assert (application.state, credential.state, credential.finding) == (
        "APPROVED",
        "VERIFIED",
        "Registered, no actions",
    )
    assert queries.tier_of(application.expert, domain()) == 3
    assert "Clear case" in client.get(base).text


def test_tier_four_is_confirmed_by_another_operator_at_the_desk() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    application = an_application(tier=4, by=vic)
    base = f"/desk/vetting/{application.public_id}/"
    first, second = signed_in(vic), signed_in(wes)
    first.post(f"{base}decide/", decision("approve", **{f"tier_{domain().pk}": "4"}))
    own_view = first.get(base).text

    refused = first.post(f"{base}decide/", decision("confirm"))
    done = second.post(f"{base}decide/", decision("confirm"))

    assert "You were the first here, so another operator confirms." in own_view
    assert (refused.status_code, done.status_code) == (403, 302)
    assert queries.tier_of(application.expert, domain()) == 4


def test_an_approval_wants_every_check_a_reason_and_a_tier() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)
    client, address = signed_in(vic), f"/desk/vetting/{application.public_id}/decide/"
    bad = [
        decision("approve", checks=["name"]),
        decision("approve", reason=""),
        decision("approve", reason="a\x00b"),
        decision("approve", reason="x" * 2001),
        decision("approve", **{f"tier_{domain().pk}": ""}),
        decision("approve", **{f"tier_{domain().pk}": "6"}),
        decision("burn"),
        decision("approve", checks=["name", "sources", "magic", "fit", "depth", "current"]),
    ]

    statuses = [client.post(address, fields).status_code for fields in bad]

    assert statuses == [422] * len(bad)
    assert TierGrant.objects.count() == 0


def test_more_and_decline_need_no_checks() -> None:
    vic = an_operator("vetting")
    one, two = an_application(by=vic), an_application(name="Dov Lindgren", by=vic)
    client = signed_in(vic)

    for application, name in ((one, "more"), (two, "decline")):
        client.post(f"/desk/vetting/{application.public_id}/decide/", {"decision": name, "reason": "Which clinic?"})

    assert [Application.objects.get(pk=row.pk).state for row in (one, two)] == ["MORE_WANTED", "DECLINED"]
    assert "Which clinic?" in signed_in(one.expert.user).get("/apply/").text


def test_tiers_and_marks_are_granted_and_taken_back_outside_a_decision() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    application = an_application(by=vic)
    client, base = signed_in(vic), f"/desk/vetting/{application.public_id}/"
    law, why = str(domain("law").pk), "Chairs a board"

    client.post(f"{base}tiers/", {"domain": law, "tier": "4", "reason": why})
    client.post(f"{base}marks/", {"domain": law, "reason": why})
    grant, mark = queries.grants_of(application.expert).get(), queries.marks_of(application.expert).get()
    own = client.post(f"{base}tiers/{grant.public_id}/confirm/")
    signed_in(wes).post(f"{base}tiers/{grant.public_id}/confirm/")
    held = queries.tier_of(application.expert, domain("law"))
    unexplained = client.post(f"{base}tiers/{grant.public_id}/revoke/", {"reason": ""})
    client.post(f"{base}tiers/{grant.public_id}/revoke/", {"reason": "Left the bar"})
    client.post(f"{base}marks/{mark.public_id}/revoke/", {"reason": "Left the bar"})

    assert (own.status_code, held, unexplained.status_code) == (403, 4, 422)
    assert queries.tier_of(application.expert, domain("law")) is None
    assert not queries.has_reviewer_mark(application.expert, domain("law"))


def test_an_operators_own_application_does_not_exist_at_their_desk() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    own = actions.register_expert(user=vic, country="US", languages=["en"], now=NOW)
    a_credential(own)
    application = application_of(own)
    assert application is not None
    actions.fill_application(application, statement=STATEMENT, requests=[(domain(), 3)], now=NOW)
    actions.submit_application(application, now=NOW)
    address = f"/desk/vetting/{application.public_id}/"

    assert signed_in(wes).get(address).status_code == 200
    assert signed_in(vic).get(address).status_code == 404
    assert signed_in(vic).post(f"{address}take/").status_code == 404
    assert "Nobody waits" in signed_in(vic).get("/desk/vetting/").text


def test_the_desk_is_found_by_name_and_survives_odd_searches() -> None:
    vic = an_operator("vetting")
    an_application()
    client = signed_in(vic)

    found = client.get("/desk/vetting/", {"q": "marlowe"})
    odd = [client.get("/desk/vetting/", {"q": text}).status_code for text in ("%", "\x00", "x" * 5000, "\u202e")]

    assert "Cyd Marlowe" in found.text
    assert odd == [200] * 4


def test_the_queue_costs_the_same_for_one_and_for_three() -> None:
    client = signed_in(an_operator("vetting"))
    application = an_application()
    address = f"/desk/vetting/{application.public_id}/"
    _statements(client, address)  # The first page of a session also writes the session.
    one = _statements(client, address)

    an_application(name="Dov Lindgren")
    an_application(name="Eve Santos")

    assert _statements(client, address) == one


def test_the_profile_costs_the_same_for_one_and_for_three() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    client = signed_in(cyd.user)
    a_credential(cyd)
    a_tier(cyd, "law", 2, by=vic)
    _statements(client, "/expert/profile/")  # The first page of a session also writes the session.
    one = _statements(client, "/expert/profile/")

    for number, slug in (("2", "medicine"), ("3", "writing")):
        a_credential(cyd, number=number)
        a_tier(cyd, slug, 2, by=vic)

    assert _statements(client, "/expert/profile/") == one


def _statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
