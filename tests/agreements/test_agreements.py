"""Agreements and signatures: what can be published, signed and ended, and what never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection

from accounts.models import AuditEvent, OutboxItem
from agreements import actions, queries, reading
from agreements.models import AgreementVersion, ContentAccess, Signature
from agreements.states import SignatureState, VersionState
from kernel.errors import Invalid, LostRace, Refused
from tests.agreements.factories import NEXT_TEXT, TEXT, a_signature, a_version, an_agreement
from tests.experts.factories import NOW, a_user, an_operator

pytestmark = pytest.mark.django_db(transaction=True)


def test_publishing_supersedes_the_version_before() -> None:
    agreement = an_agreement()
    first = a_version(agreement)

    second = a_version(agreement, NEXT_TEXT)

    first.refresh_from_db()
    assert (first.state, second.state, second.number) == (VersionState.SUPERSEDED, VersionState.PUBLISHED, 2)
    assert queries.newest_version(agreement) == second


def test_a_draft_is_rewritten_in_place_until_it_is_published() -> None:
    agreement = an_agreement()
    draft = actions.draft_version(agreement, text="One", by=None, now=NOW)

    again = actions.draft_version(agreement, text="Two", by=None, now=NOW)

    assert (again.pk, again.number, again.text) == (draft.pk, 1, "Two")
    assert queries.newest_version(agreement) is None


def test_a_signature_holds_name_hash_time_address_and_browser() -> None:
    cyd, version = a_user(), a_version(an_agreement())

    signature = a_signature(version, cyd)

    assert signature.text_sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    stored = Signature.objects.values("typed_name", "signed_at", "ip", "user_agent", "state", "version_id").get()
    assert stored == {
        "typed_name": "Cyd Marlowe",
        "signed_at": NOW,
        "ip": "192.0.2.7",
        "user_agent": "Firefox",
        "state": "LIVE",
        "version_id": version.pk,
    }
    assert AuditEvent.objects.filter(verb="signature.made", object_id=signature.public_id).count() == 1


@pytest.mark.parametrize(
    ("typed", "consent", "pointers"),
    [
        ("Dov Lindgren", True, ["typed_name"]),
        ("", True, ["typed_name"]),
        ("Cyd Marlowe", False, ["consent"]),
        ("C. Marlowe", False, ["consent", "typed_name"]),
    ],
)
def test_a_wrong_name_or_no_consent_signs_nothing(typed: str, consent: bool, pointers: list[str]) -> None:
    cyd, version = a_user(), a_version(an_agreement())

    with pytest.raises(Invalid) as caught:
        actions.sign_version(version, user=cyd, typed_name=typed, consent=consent, ip=None, user_agent="", now=NOW)

    assert [error.pointer for error in caught.value.errors] == pointers
    assert Signature.objects.count() == 0


def test_case_and_spacing_of_the_typed_name_do_not_matter() -> None:
    cyd, version = a_user("Cyd  Márlowe"), a_version(an_agreement())

    signature = actions.sign_version(
        version, user=cyd, typed_name=" cyd MÁRLOWE ", consent=True, ip=None, user_agent="x" * 900, now=NOW
    )

    assert (signature.state, len(signature.user_agent)) == (SignatureState.LIVE, 400)


def test_signing_again_gives_the_signature_that_is_there() -> None:
    cyd, version = a_user(), a_version(an_agreement())
    first = a_signature(version, cyd)

    assert a_signature(version, cyd) == first
    assert Signature.objects.count() == 1


def test_signing_a_newer_version_supersedes_the_earlier_signature() -> None:
    cyd, first = a_user(), a_version(an_agreement())
    a_signature(first, cyd)
    second = a_version(first.agreement, NEXT_TEXT)
    needs_new = queries.signed_newest(cyd.pk, first.agreement_id)

    a_signature(second, cyd)

    assert (needs_new, queries.signed_newest(cyd.pk, first.agreement_id)) == (False, True)
    assert list(Signature.objects.order_by("version__number").values_list("state", flat=True)) == [
        "SUPERSEDED",
        "LIVE",
    ]


def test_a_version_that_is_not_published_cannot_be_signed() -> None:
    cyd, agreement = a_user(), an_agreement()
    draft = actions.draft_version(agreement, text=TEXT, by=None, now=NOW)
    old = a_version(an_agreement())
    a_version(old.agreement, NEXT_TEXT)

    for version in (draft, old):
        with pytest.raises(Refused, match="can no longer be signed"):
            a_signature(version, cyd)

    assert Signature.objects.count() == 0


def test_only_operators_sign_the_house_agreement() -> None:
    house = actions.install_house_agreement(by=None, now=NOW)
    again = actions.install_house_agreement(by=None, now=NOW)

    with pytest.raises(PermissionDenied):
        a_signature(house, a_user())

    assert again == house
    assert a_signature(house, an_operator("finance")).state == SignatureState.LIVE


def test_a_signer_or_a_trust_operator_ends_a_signature_and_tasks_are_told() -> None:
    version, cyd = a_version(an_agreement()), a_user()
    dov, tess = a_user("Dov Lindgren"), an_operator("trust", name="Tess Moreau")
    own, other = a_signature(version, cyd), a_signature(version, dov)

    actions.revoke_signature(own, by=cyd, reason="I stop", now=NOW)
    actions.revoke_signature(other, by=tess, reason="Breach", now=NOW)

    assert [own.state, other.state] == ["REVOKED", "REVOKED"]
    assert list(OutboxItem.objects.filter(kind="tasks.signature_revoked").values_list("payload", flat=True)) == [
        {"signature": str(own.pk)},
        {"signature": str(other.pk)},
    ]


def test_nobody_else_ends_a_signature() -> None:
    signature = a_signature(a_version(an_agreement()), a_user())

    for other in (a_user("Dov Lindgren"), an_operator("vetting", "finance", "owner")):
        with pytest.raises(PermissionDenied):
            actions.revoke_signature(signature, by=other, reason="No", now=NOW)

    assert Signature.objects.get().state == SignatureState.LIVE


def test_a_signature_ends_once() -> None:
    cyd = a_user()
    signature = a_signature(a_version(an_agreement()), cyd)
    stale = Signature.objects.get()
    actions.revoke_signature(signature, by=cyd, reason="I stop", now=NOW)

    with pytest.raises(LostRace):
        actions.revoke_signature(stale, by=cyd, reason="I stop", now=NOW)


def _rewrite(signature: Signature) -> None:
    AgreementVersion.objects.filter(pk=signature.version_id).update(
        text=NEXT_TEXT, text_sha256=actions.hash_of(NEXT_TEXT)
    )


def _rewrite_by_sql(signature: Signature) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE agreements_agreementversion SET text = text || ' And a cow.'")


def _redraft(signature: Signature) -> None:
    AgreementVersion.objects.filter(pk=signature.version_id).update(state="DRAFT", published_at=None)


def _drop_version(signature: Signature) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM agreements_agreementversion")


def _backdate(signature: Signature) -> None:
    Signature.objects.filter(pk=signature.pk).update(signed_at=NOW - timedelta(days=9))


def _drop_signature(signature: Signature) -> None:
    Signature.objects.filter(pk=signature.pk).delete()


def _sign_with_another_hash(signature: Signature) -> None:
    Signature.objects.create(
        user=a_user("Dov Lindgren"),
        agreement_id=signature.agreement_id,
        version_id=signature.version_id,
        typed_name="Dov Lindgren",
        text_sha256="0" * 64,
        signed_at=NOW,
        state="LIVE",
        state_changed_at=NOW,
    )


def _change_access(signature: Signature) -> None:
    ContentAccess.objects.create(viewer="usr_1", subject="tsk_1", purpose="work", at=NOW)
    ContentAccess.objects.update(viewer="usr_2")


def _drop_access(signature: Signature) -> None:
    ContentAccess.objects.create(viewer="usr_1", subject="tsk_1", purpose="work", at=NOW)
    ContentAccess.objects.all().delete()


def _empty_access(signature: Signature) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE agreements_contentaccess")


@pytest.mark.parametrize(
    "write",
    [
        _rewrite,
        _rewrite_by_sql,
        _redraft,
        _drop_version,
        _backdate,
        _drop_signature,
        _sign_with_another_hash,
        _change_access,
        _drop_access,
        _empty_access,
    ],
)
def test_the_database_itself_refuses(write: Callable[[Signature], None]) -> None:
    signature = a_signature(a_version(an_agreement()), a_user())
    before = _rows()

    with pytest.raises(DatabaseError):
        write(signature)

    assert _rows() == before


def _rows() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (AgreementVersion, Signature)]


def test_a_draft_with_a_wrong_hash_is_refused_by_the_database() -> None:
    draft = actions.draft_version(an_agreement(), text=TEXT, by=None, now=NOW)

    with pytest.raises(DatabaseError, match="agreement_version_hash_is_of_text"):
        AgreementVersion.objects.filter(pk=draft.pk).update(text="Other")


def test_clauses_are_told_apart_and_changes_are_marked_in_the_words() -> None:
    plain, changed = reading.clauses(TEXT), reading.clauses(NEXT_TEXT, TEXT)

    assert [(clause.title, clause.is_changed) for clause in plain] == [
        ("1. What is confidential", False),
        ("2. How long it lasts", False),
    ]
    assert [clause.is_changed for clause in changed] == [False, True]
    assert changed[1].body == (
        "<p>The duties last for <del>five</del> <ins>three</ins> years from the date of signature. </p>"
    )


def test_markup_in_a_changed_clause_is_shown_and_never_run() -> None:
    (clause,) = reading.clauses("## A\n\n<script>alert(1)</script> new", "## A\n\nold")

    assert "<script>" not in clause.body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in clause.body


def test_a_signature_does_not_end_without_a_reason() -> None:
    cyd = a_user()
    signature = a_signature(a_version(an_agreement()), cyd)

    with pytest.raises(Invalid) as caught:
        actions.revoke_signature(signature, by=cyd, reason="  ", now=NOW)

    assert [error.pointer for error in caught.value.errors] == ["reason"]
    assert Signature.objects.get().state == SignatureState.LIVE


def test_a_house_agreement_whose_text_was_withdrawn_is_published_anew() -> None:
    first = actions.install_house_agreement(by=None, now=NOW)
    actions.withdraw_version(first, by=None, now=NOW)

    second = actions.install_house_agreement(by=None, now=NOW)

    assert (second.agreement_id, second.number, second.state) == (first.agreement_id, 2, VersionState.PUBLISHED)


def test_an_earlier_clause_that_is_gone_and_text_before_the_first_clause_are_told_apart() -> None:
    before = "Preamble.\n\n## A\n\nOne.\n\nTwo.\n"
    after = "Preamble.\n\n## A\n\nOne.\n\nThree words more.\n\n## B\n\nNew.\n"

    clauses = reading.clauses(after, before)

    assert [(clause.title, clause.is_changed) for clause in clauses] == [("", False), ("A", True), ("B", True)]
    assert clauses[1].body == "<p>One.</p>\n<p><del>Two.</del> <ins>Three words more.</ins> </p>"
