"""Two people, or one in two tabs, at the same moment: one wins and the other is told."""

from __future__ import annotations

import pytest

from accounts.models import User
from agreements import gate
from agreements.actions import draft_version, publish_version, revoke_signature
from agreements.models import AgreementVersion, ContentAccess, Signature
from experts import actions
from experts.models import Application, TierGrant
from kernel.errors import Refused
from tests.agreements.factories import a_signature, a_version, an_agreement, sealed
from tests.experts.factories import NOW, a_tier, a_user, an_application, an_expert, an_operator, domain
from tests.races.threads import at_once, failures

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_version_signed_in_eight_tabs_is_signed_once() -> None:
    version, cyd = a_version(an_agreement()), a_user()

    outcomes = at_once(lambda _: a_signature(AgreementVersion.objects.get(pk=version.pk), cyd), range(8))

    assert all(isinstance(outcome, Signature | Refused) for outcome in outcomes)
    assert Signature.objects.filter(user=cyd, state="LIVE").count() == 1
    assert Signature.objects.count() == 1


def test_two_operators_who_confirm_at_once_are_one_second_person() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    grant = a_tier(cyd, "law", 4, by=vic)
    others = [an_operator("vetting", name=name) for name in ("Wes Lund", "Xan Roe", "Yul Orr")]

    outcomes = at_once(lambda by: actions.confirm_tier(TierGrant.objects.get(pk=grant.pk), by=by, now=NOW), others)

    assert len(failures(outcomes)) == 2
    assert all(isinstance(error, Refused) for error in failures(outcomes))
    assert TierGrant.objects.live().filter(expert=cyd).count() == 1


def test_two_operators_who_take_one_application_at_once_are_told_apart() -> None:
    application = an_application()
    operators = [an_operator("vetting"), an_operator("vetting", name="Wes Lund")]

    outcomes = at_once(
        lambda by: actions.take_application(Application.objects.get(pk=application.pk), by=by, now=NOW), operators
    )

    assert [type(error).__name__ for error in failures(outcomes)] in (["LostRace"], ["IllegalMove"])


def test_two_tiers_granted_at_once_leave_one_in_force() -> None:
    cyd, law = an_expert(), domain("law")
    operators = [an_operator("vetting"), an_operator("vetting", name="Wes Lund")]

    def grant(by: User) -> TierGrant:
        return actions.grant_tier(cyd, law, 2, by=by, reason="Known for it", now=NOW)

    outcomes = at_once(grant, operators)

    assert failures(outcomes) == []
    assert TierGrant.objects.live().filter(expert=cyd, domain=law).count() == 1


def test_drafts_published_at_once_leave_one_published() -> None:
    agreement = an_agreement()
    a_version(agreement)
    draft = draft_version(agreement, text="Two", by=None, now=NOW)

    outcomes = at_once(lambda _: publish_version(AgreementVersion.objects.get(pk=draft.pk), by=None, now=NOW), range(4))

    assert all(isinstance(error, Refused) for error in failures(outcomes))
    assert AgreementVersion.objects.filter(agreement=agreement, state="PUBLISHED").count() == 1


def test_content_opened_while_the_signature_is_revoked_has_a_row_for_each_opening() -> None:
    version, cyd = a_version(an_agreement()), a_user()
    signature = a_signature(version, cyd)

    def act(number: int) -> object:
        if number == 4:
            return revoke_signature(signature, by=cyd, reason="I stop", now=NOW)
        return gate.open_content(
            cyd,
            agreement=version.agreement,
            pinned=version,
            subject="tsk_1",
            purpose="work",
            at=NOW,
            contents=[sealed()],
        )

    outcomes = at_once(act, range(8))

    opened = [outcome for outcome in outcomes if isinstance(outcome, list)]
    assert all(isinstance(error, gate.NotSigned) for error in failures(outcomes))
    assert ContentAccess.objects.count() == len(opened)
