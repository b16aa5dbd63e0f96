"""From the first form to a decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import Notification
from experts import actions, queries, rules
from experts.models import Application, TierGrant, Verdict
from experts.queries import application_of
from experts.states import ApplicationState, CredentialState, ExpertState
from kernel.errors import Refused
from tests.experts.factories import NOW, STATEMENT, a_credential, an_application, an_expert, an_operator, domain

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_empty_application_names_everything_that_is_missing() -> None:
    application = application_of(an_expert(languages=[]))
    assert application is not None

    with pytest.raises(Refused) as caught:
        actions.submit_application(application, now=NOW)

    assert caught.value.status == 422
    assert caught.value.detail == (
        "Say which languages you work in. Choose at least one domain and the tier you ask for."
        " Add at least one credential, so that somebody can check it at its source."
        " Write a few sentences about your work: at least 80 characters."
    )


def test_an_answer_is_promised_in_three_business_days() -> None:
    friday = datetime(2026, 11, 6, 15, 20, tzinfo=UTC)

    assert rules.promised_by(friday) == datetime(2026, 11, 11, 15, 20, tzinfo=UTC)


def test_a_person_registers_once() -> None:
    cyd = an_expert()

    with pytest.raises(Refused, match="already have"):
        actions.register_expert(user=cyd.user, country="US", languages=["en"], now=NOW)

    assert Application.objects.count() == 1


def test_an_approval_below_tier_four_makes_the_expert_active_at_once() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)

    is_done = actions.approve_application(
        application, by=vic, reason="Clear case", now=NOW, tiers={domain(): 3}, checks=["sources"]
    )

    expert = application.expert
    expert.refresh_from_db()
    assert (is_done, application.state, expert.state) == (True, ApplicationState.APPROVED, ExpertState.ACTIVE)
    assert queries.tier_of(expert, domain()) == 3
    assert Notification.objects.filter(user=expert.user).count() == 1


def test_an_approval_at_tier_four_waits_for_a_second_operator() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    application = an_application(tier=4, by=vic)

    is_done = actions.approve_application(application, by=vic, reason="Clear case", now=NOW, tiers={domain(): 4})
    waiting = (is_done, application.state, queries.tier_of(application.expert, domain()))
    actions.confirm_application(application, by=wes, reason="I agree", now=NOW)

    assert waiting == (False, ApplicationState.IN_REVIEW, None)
    assert application.state == ApplicationState.APPROVED
    assert queries.tier_of(application.expert, domain()) == 4
    assert list(Verdict.objects.order_by("pk").values_list("operator", "kind")) == [
        (vic.pk, "approve"),
        (wes.pk, "second"),
    ]


def test_the_first_operator_cannot_confirm_their_own_approval() -> None:
    vic = an_operator("vetting")
    application = an_application(tier=4, by=vic)
    actions.approve_application(application, by=vic, reason="Clear case", now=NOW, tiers={domain(): 4})

    with pytest.raises(PermissionDenied):
        actions.confirm_application(application, by=vic, reason="Again", now=NOW)
    with pytest.raises(Refused, match="second, different operator"):
        actions.approve_application(application, by=vic, reason="Again", now=NOW)

    application.refresh_from_db()
    assert application.state == ApplicationState.IN_REVIEW
    assert Verdict.objects.count() == 1


def test_an_application_is_taken_before_it_is_decided() -> None:
    vic = an_operator("vetting")
    application = an_application()

    with pytest.raises(Refused, match="Take this application"):
        actions.approve_application(application, by=vic, reason="Clear", now=NOW, tiers={domain(): 3})

    assert TierGrant.objects.count() == 0


def test_nobody_decides_on_themselves() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    own = actions.register_expert(user=vic, country="US", languages=["en"], now=NOW)
    a_credential(own)
    application = application_of(own)
    assert application is not None
    actions.fill_application(application, statement=STATEMENT, requests=[(domain(), 3)], now=NOW)
    actions.submit_application(application, now=NOW)
    actions.take_application(application, by=wes, now=NOW)

    with pytest.raises(PermissionDenied):
        actions.approve_application(application, by=vic, reason="I am good", now=NOW, tiers={domain(): 3})

    assert list(queries.applications_seen_by(vic)) == []
    assert list(queries.applications_seen_by(wes)) == [application]


def test_more_wanted_goes_back_and_comes_again() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)
    actions.ask_for_more(application, by=vic, reason="Which clinic?", now=NOW)
    label = application.state
    actions.fill_application(application, statement=STATEMENT * 2, requests=[(domain(), 2)], now=NOW)

    actions.submit_application(application, now=NOW)

    assert label == ApplicationState.MORE_WANTED
    assert [(row.label, row.asks) for row in queries.queue(vic, NOW).rows] == [("Answered", "Psychiatry, asks tier 2")]


def test_an_application_under_review_cannot_be_rewritten() -> None:
    application = an_application(by=an_operator("vetting"))

    with pytest.raises(Refused, match="cannot be changed"):
        actions.fill_application(application, statement="Other", requests=[], now=NOW)

    application.refresh_from_db()
    assert (application.statement, application.requests.count()) == (STATEMENT, 1)


def test_a_declined_application_opens_again_after_thirty_days() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)
    actions.decline_application(application, by=vic, reason="No licence found", now=NOW)

    with pytest.raises(Refused, match="30 days"):
        actions.reopen_application(application, now=NOW + timedelta(days=29))
    actions.reopen_application(application, now=NOW + timedelta(days=30))

    assert application.state == ApplicationState.DRAFT


def test_declining_takes_back_a_tier_that_waited() -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    application = an_application(tier=4, by=vic)
    actions.approve_application(application, by=vic, reason="Clear case", now=NOW, tiers={domain(): 4})

    actions.decline_application(application, by=wes, reason="The licence was lost in May", now=NOW)

    assert TierGrant.objects.pending().count() == 0
    assert application.state == ApplicationState.DECLINED


def test_a_credential_counts_once_its_source_confirms_it_and_until_it_expires() -> None:
    vic, cyd = an_operator("vetting"), an_expert()
    credential = a_credential(cyd, expires_on=NOW.date())
    actions.check_credential(credential, by=vic, now=NOW)
    before = queries.verified_credential_classes(cyd, NOW.date())

    actions.verify_credential(credential, by=vic, where="NYSED register", finding="Registered, no actions", now=NOW)

    tomorrow = NOW.date() + timedelta(days=1)
    assert before == set()
    assert queries.verified_credential_classes(cyd, NOW.date()) == {"physician_licence"}
    assert queries.jurisdictions(cyd, NOW.date()) == {"US-NY"}
    assert queries.verified_credential_classes(cyd, tomorrow) == set()
    assert (credential.checked_by, credential.checked_at, credential.checked_where) == (vic, NOW, "NYSED register")


def test_a_verdict_without_its_place_is_refused() -> None:
    vic = an_operator("vetting")
    credential = a_credential(an_expert())
    actions.check_credential(credential, by=vic, now=NOW)

    with pytest.raises(Refused):
        actions.verify_credential(credential, by=vic, where=" ", finding="Found", now=NOW)

    credential.refresh_from_db()
    assert credential.state == CredentialState.CHECKING


def test_credentials_past_their_last_day_expire_with_a_notice() -> None:
    vic, cyd = an_operator("vetting"), an_expert()
    for number, last_day in (("1", NOW.date()), ("2", NOW.date() - timedelta(days=1)), ("3", None)):
        credential = a_credential(cyd, number=number, expires_on=last_day)
        actions.check_credential(credential, by=vic, now=NOW)
        actions.verify_credential(credential, by=vic, where="NYSED", finding="Fine", now=NOW)
    Notification.objects.all().delete()

    expired = actions.expire_credentials(now=NOW)

    assert expired == 1
    assert dict(cyd.credentials.values_list("number", "state")) == {"1": "VERIFIED", "2": "EXPIRED", "3": "VERIFIED"}
    assert Notification.objects.get().text == "Physician licence from NYSED has expired."


def test_a_shared_employer_and_a_number_claimed_twice_are_shown_as_signals() -> None:
    vic = an_operator("vetting")
    dov = an_application(name="Dov Lindgren", by=vic)
    actions.approve_application(dov, by=vic, reason="Clear", now=NOW, tiers={domain(): 3})
    actions.change_profile(
        dov.expert,
        country="US",
        languages=["en"],
        headline="",
        bio="",
        employer="Riverside Clinic",
        network="",
        now=NOW,
    )
    cyd = an_expert(employer="riverside clinic")
    a_credential(cyd)

    assert [signal.title for signal in queries.signals(cyd)] == [
        "Shares an employer with 1 expert.",
        "A credential is claimed twice.",
    ]


def test_being_away_stops_and_starts_again() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)
    actions.approve_application(application, by=vic, reason="Clear", now=NOW, tiers={domain(): 3})
    expert = application.expert
    actions.set_availability(expert, weekly_hours=5, is_away=True, now=NOW)
    away = expert.state

    actions.set_availability(expert, weekly_hours=30, is_away=False, now=NOW)

    assert (away, expert.state, expert.weekly_hours) == (ExpertState.AWAY, ExpertState.ACTIVE, 30)


def test_nothing_is_confirmed_where_nothing_waits() -> None:
    vic = an_operator("vetting")
    application = an_application(by=vic)

    with pytest.raises(Refused, match="Nothing on this application waits"):
        actions.confirm_application(application, by=vic, reason="Fine", now=NOW)

    assert Verdict.objects.count() == 0


def test_an_expert_at_work_stays_active_when_a_later_application_is_approved() -> None:
    vic = an_operator("vetting")
    first = an_application(by=vic)
    actions.approve_application(first, by=vic, reason="Clear", now=NOW, tiers={domain(): 2})
    expert = first.expert
    second = Application.objects.create(
        expert=expert, created_at=NOW, submitted_at=NOW, state="IN_REVIEW", state_changed_at=NOW
    )

    actions.approve_application(second, by=vic, reason="Also clear", now=NOW, tiers={domain("law"): 2})

    expert.refresh_from_db()
    assert (second.state, expert.state) == (ApplicationState.APPROVED, ExpertState.ACTIVE)


def test_a_credential_that_its_source_no_longer_confirms_stops_counting() -> None:
    vic, cyd = an_operator("vetting"), an_expert()
    credential = a_credential(cyd)
    actions.check_credential(credential, by=vic, now=NOW)
    actions.verify_credential(credential, by=vic, where="NYSED", finding="Fine", now=NOW)

    actions.revoke_credential(credential, by=vic, reason="Licence surrendered in May", now=NOW)

    assert (credential.state, credential.finding) == (CredentialState.REVOKED, "Licence surrendered in May")
    assert queries.verified_credential_classes(cyd, NOW.date()) == set()


def test_there_is_room_for_forty_credentials() -> None:
    cyd = an_expert()
    for number in range(40):
        a_credential(cyd, number=str(number))

    with pytest.raises(Refused, match="room for 40"):
        a_credential(cyd, number="40")

    assert cyd.credentials.count() == 40
