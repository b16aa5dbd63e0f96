"""The gate: no live signature, no content; no access row, no content."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.context import Door, door
from accounts.models import User
from agreements import actions, gate, queries
from agreements.models import Agreement, AgreementVersion, ContentAccess
from kernel.errors import Refused
from tests.agreements.factories import NEXT_TEXT, TEXT, a_lab, a_signature, a_version, an_agreement, sealed
from tests.experts.factories import NOW, a_user, an_operator

pytestmark = pytest.mark.django_db(transaction=True)


def look(viewer: User, agreement: Agreement, pinned: AgreementVersion | None = None) -> list[bytes]:
    return gate.open_content(
        viewer,
        agreement=agreement,
        pinned=pinned,
        subject="sub_1",
        within="tsk_1",
        purpose="work",
        at=NOW,
        contents=[sealed(), sealed("second")],
    )


def test_a_signer_sees_the_content_and_the_row_says_who_what_why_when_and_where() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(version, cyd)
    token = door.set(Door(ip="192.0.2.9", request_id="r-1"))

    contents = look(cyd, version.agreement, version)

    door.reset(token)
    assert contents == [b"CANARY-7391", b"second"]
    row = {name: value for name, value in ContentAccess.objects.values().get().items() if name != "id"}
    assert row == {
        "viewer": cyd.public_id,
        "subject": "sub_1",
        "within": "tsk_1",
        "purpose": "work",
        "agreement_version": version.pk,
        "at": NOW,
        "ip": "192.0.2.9",
        "request_id": "r-1",
        "count": 2,
    }


def test_one_statement_asks_and_records(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(version, cyd)

    with django_assert_num_queries(1):
        contents = look(cyd, version.agreement, version)

    assert len(contents) == 2


def test_somebody_who_has_not_signed_is_refused_and_nothing_is_recorded() -> None:
    version = a_version(an_agreement())

    with pytest.raises(gate.NotSigned, match="Sign the confidentiality agreement for Saltmarsh") as caught:
        look(a_user(), version.agreement, version)

    assert (caught.value.code, caught.value.status) == ("nda_unsigned", 409)
    assert ContentAccess.objects.count() == 0


def test_a_signature_of_another_agreement_does_not_open_this_one() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(a_version(an_agreement()), cyd)

    with pytest.raises(gate.NotSigned):
        look(cyd, version.agreement, version)


def test_an_older_version_than_the_pinned_one_is_refused() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    a_signature(first, cyd)
    second = a_version(first.agreement, NEXT_TEXT)

    with pytest.raises(gate.NotSigned):
        look(cyd, first.agreement, second)


def test_a_newer_version_than_the_pinned_one_is_accepted() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    second = a_version(first.agreement, NEXT_TEXT)
    a_signature(second, cyd)

    assert look(cyd, first.agreement, first) == [b"CANARY-7391", b"second"]


def test_the_pinned_version_goes_on_counting_after_a_newer_one_is_published() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    a_signature(first, cyd)
    a_version(first.agreement, NEXT_TEXT)

    assert len(look(cyd, first.agreement, first)) == 2


def test_without_a_pin_the_newest_version_is_asked_for() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    a_signature(first, cyd)
    before = len(look(cyd, first.agreement))
    a_version(first.agreement, NEXT_TEXT)

    with pytest.raises(gate.NotSigned):
        look(cyd, first.agreement)

    assert before == 2


def test_an_urgent_version_stops_even_pinned_claims() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    a_signature(first, cyd)
    a_version(first.agreement, NEXT_TEXT, urgent=True)
    a_version(first.agreement, TEXT + "Third.")

    with pytest.raises(gate.NotSigned):
        look(cyd, first.agreement, first)


def test_a_revoked_signature_is_refused_at_once() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    signature = a_signature(version, cyd)
    before = len(look(cyd, version.agreement, version))
    actions.revoke_signature(signature, by=cyd, reason="I stop", now=NOW)

    with pytest.raises(gate.NotSigned):
        look(cyd, version.agreement, version)

    assert (before, ContentAccess.objects.count()) == (2, 1)


def test_a_disabled_account_is_refused_at_once() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(version, cyd)
    User.objects.filter(pk=cyd.pk).update(is_active=False)

    with pytest.raises(gate.NotSigned):
        look(cyd, version.agreement, version)


def test_a_withdrawn_agreement_opens_nothing_new() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(version, cyd)
    actions.withdraw_version(version, by=None, now=NOW)

    with pytest.raises(gate.NotSigned):
        look(cyd, version.agreement)


def test_a_pin_of_another_agreement_is_a_mistake() -> None:
    version, other = a_version(an_agreement()), a_version(an_agreement())

    with pytest.raises(ValueError, match="another agreement"):
        look(a_user(), version.agreement, other)


def test_nothing_is_served_when_the_access_row_cannot_be_written() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    a_signature(version, cyd)

    with pytest.raises(gate.AccessNotWritten) as caught:
        gate.open_content(
            cyd,
            agreement=version.agreement,
            pinned=version,
            subject="x" * 41,  # Longer than the log's column: the database refuses the row.
            purpose="work",
            at=NOW,
            contents=[sealed()],
        )

    assert (caught.value.status, ContentAccess.objects.count()) == (503, 0)


def test_a_lab_reads_its_own_content_as_a_stream_after_one_row_that_counts_it() -> None:
    lab = a_lab()

    stream = gate.open_for_lab(
        lab, by="key_1", subject="exr_1", purpose="export", at=NOW, contents=(sealed(str(n)) for n in range(3)), count=3
    )
    rows_before_reading = ContentAccess.objects.values_list("viewer", "subject", "count").get()

    assert rows_before_reading == ("key_1", "exr_1", 3)
    assert list(stream) == [b"0", b"1", b"2"]


def test_a_labs_stream_is_refused_when_the_row_cannot_be_written() -> None:
    lab = a_lab()

    with pytest.raises(gate.AccessNotWritten):
        gate.open_for_lab(lab, by="key_1", subject="x" * 41, purpose="export", at=NOW, contents=[sealed()], count=1)

    assert ContentAccess.objects.count() == 0


def test_an_operator_opens_content_only_after_signing_the_house_agreement_and_with_a_purpose() -> None:
    tess = an_operator("trust", name="Tess Moreau")
    house = actions.install_house_agreement(by=None, now=NOW)
    purpose = "Case cas_1: was the answer copied?"
    refusals = []
    for reason in (purpose, "why not"):
        with pytest.raises(Refused) as caught:
            gate.open_for_operator(tess, subject="sub_1", purpose=reason, at=NOW, contents=[sealed()])
        refusals.append(caught.value.detail)
        a_signature(house, tess)

    opened = gate.open_for_operator(tess, subject="sub_1", purpose=purpose, at=NOW, contents=[sealed()])

    assert opened == [b"CANARY-7391"]
    assert refusals == [
        "Sign the confidentiality agreement for Guildhall operators to go on.",
        "Say why you look, in at least 10 characters: it is kept with the access.",
    ]
    assert ContentAccess.objects.values_list("viewer", "purpose").get() == (tess.public_id, purpose)


def test_the_house_agreement_opens_nothing_for_somebody_who_is_no_operator() -> None:
    actions.install_house_agreement(by=None, now=NOW)

    with pytest.raises(gate.NotSigned):
        gate.open_for_operator(a_user(), subject="sub_1", purpose="I am curious", at=NOW, contents=[sealed()])


def test_a_search_finds_who_saw_a_task_in_any_part_and_what_a_person_saw() -> None:
    cyd, dov, version = a_user(), a_user("Dov Lindgren"), a_version(an_agreement())
    for user in (cyd, dov):
        a_signature(version, user)
        look(user, version.agreement, version)

    by_task, by_part = queries.accesses("tsk_1"), queries.accesses("sub_1")
    by_mail, by_id = queries.accesses(dov.email.upper()), queries.accesses(dov.public_id)

    assert [row.name for row in by_task.rows] == ["Dov Lindgren", "Cyd Marlowe"]
    assert by_part == by_task
    assert ([row.name for row in by_mail.rows], by_mail.person) == (["Dov Lindgren"], dov)
    assert by_id == by_mail
    assert queries.accesses("tsk_2").rows == []
    assert queries.accesses("usr_nonsense").rows == []
