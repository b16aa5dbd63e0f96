"""Tiers and marks: who may give them, when they count, and that history stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection

from accounts.models import AuditEvent, OutboxItem
from experts import actions, queries
from experts.models import Expert, ReviewerMark, TierGrant
from kernel.errors import LostRace, Refused
from tests.experts.factories import NOW, a_tier, an_expert, an_operator, domain

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_tier_counts_below_its_domain_and_not_above() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    a_tier(cyd, "medicine", 2, by=vic)

    assert {slug: queries.tier_of(cyd, domain(slug)) for slug in ("medicine", "psychiatry", "law")} == {
        "medicine": 2,
        "psychiatry": 2,
        "law": None,
    }


def test_the_nearest_grant_wins_even_when_it_is_lower() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    a_tier(cyd, "medicine", 3, by=vic)
    a_tier(cyd, "psychiatry", 1, by=vic)

    assert queries.tier_of(cyd, domain("psychiatry")) == 1
    assert queries.tier_of(cyd, domain("cardiology")) == 3


def test_tier_four_counts_only_after_a_second_operator() -> None:
    cyd, vic, wes = an_expert(), an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    grant = a_tier(cyd, "psychiatry", 4, by=vic)
    before = queries.tiers_by_domain(cyd)

    actions.confirm_tier(grant, by=wes, now=NOW)

    assert before == {}
    assert queries.tiers_by_domain(cyd) == {domain("psychiatry").pk: 4}


def test_the_first_operator_cannot_be_the_second() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    grant = a_tier(cyd, "psychiatry", 5, by=vic)

    with pytest.raises(PermissionDenied):
        actions.confirm_tier(grant, by=vic, now=NOW)

    assert queries.tiers_by_domain(cyd) == {}


def test_the_lower_tier_stays_in_force_while_the_higher_waits() -> None:
    cyd, vic, wes = an_expert(), an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    a_tier(cyd, "psychiatry", 3, by=vic)
    higher = a_tier(cyd, "psychiatry", 4, by=vic)
    waiting = queries.tier_of(cyd, domain("psychiatry"))

    actions.confirm_tier(higher, by=wes, now=NOW)

    assert waiting == 3
    assert queries.tier_of(cyd, domain("psychiatry")) == 4
    assert TierGrant.objects.filter(revoke_reason="Replaced by tier 4.").count() == 1


def test_a_second_pending_tier_in_the_domain_is_refused() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    a_tier(cyd, "psychiatry", 4, by=vic)

    with pytest.raises(Refused, match="already waits"):
        a_tier(cyd, "psychiatry", 5, by=vic)


def test_nobody_grants_themselves_a_tier() -> None:
    vic = an_operator("vetting")
    own = actions.register_expert(user=vic, country="US", languages=["en"], now=NOW)

    with pytest.raises(PermissionDenied):
        actions.grant_tier(own, domain("law"), 1, by=vic, reason="I am good", now=NOW)


def test_only_vetting_operators_grant() -> None:
    cyd, fay = an_expert(), an_operator("finance", "trust", "owner", name="Fay Reyes")

    with pytest.raises(PermissionDenied):
        actions.grant_tier(cyd, domain("law"), 1, by=fay, reason="Known", now=NOW)


def test_a_grant_without_a_reason_is_refused() -> None:
    cyd, vic = an_expert(), an_operator("vetting")

    with pytest.raises(Refused, match="Write the reason"):
        actions.grant_tier(cyd, domain("law"), 1, by=vic, reason="  ", now=NOW)


def test_a_granted_tier_tells_routing_and_leaves_an_audit_row() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    OutboxItem.objects.all().delete()

    grant = a_tier(cyd, "law", 2, by=vic)

    assert list(OutboxItem.objects.values_list("kind", "payload")) == [
        ("tasks.expert_changed", {"expert": str(cyd.pk)})
    ]
    event = AuditEvent.objects.get(object_id=grant.public_id)
    assert (event.actor, event.verb, event.details) == (vic.public_id, "tier.granted", {"tier": 2, "domain": "law"})


def test_a_revoked_tier_no_longer_counts() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    grant = a_tier(cyd, "law", 2, by=vic)

    actions.revoke_tier(grant, by=vic, reason="Licence lost", now=NOW)

    assert queries.tiers_by_domain(cyd) == {}


def test_a_reviewer_mark_counts_below_its_domain_until_it_is_taken_back() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    mark = actions.grant_reviewer_mark(cyd, domain("medicine"), by=vic, reason="Chairs a board", now=NOW)
    held = queries.has_reviewer_mark(cyd, domain("psychiatry"))

    actions.revoke_reviewer_mark(mark, by=vic, reason="Asked to stop", now=NOW)

    assert held is True
    assert queries.has_reviewer_mark(cyd, domain("psychiatry")) is False


def test_a_mark_given_twice_is_one_mark() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    first = actions.grant_reviewer_mark(cyd, domain("law"), by=vic, reason="Chairs a board", now=NOW)

    again = actions.grant_reviewer_mark(cyd, domain("law"), by=vic, reason="Chairs a board", now=NOW)

    assert again == first
    assert ReviewerMark.objects.count() == 1


def _self_grant(cyd: Expert) -> None:
    TierGrant.objects.create(
        expert=cyd, domain=domain("law"), tier=1, granted_by=cyd.user, reason="Own", granted_at=NOW
    )


def _same_two_people(cyd: Expert) -> None:
    vic = an_operator("vetting")
    grant = a_tier(cyd, "law", 4, by=vic)
    TierGrant.objects.filter(pk=grant.pk).update(second_by=vic, second_at=NOW)


def _tier_six(cyd: Expert) -> None:
    vic = an_operator("vetting")
    TierGrant.objects.create(expert=cyd, domain=domain("law"), tier=6, granted_by=vic, reason="x", granted_at=NOW)


def _raise_in_place(cyd: Expert) -> None:
    grant = a_tier(cyd, "law", 2, by=an_operator("vetting"))
    TierGrant.objects.filter(pk=grant.pk).update(tier=3)


def _forget(cyd: Expert) -> None:
    grant = a_tier(cyd, "law", 2, by=an_operator("vetting"))
    TierGrant.objects.filter(pk=grant.pk).delete()


def _two_live(cyd: Expert) -> None:
    vic = an_operator("vetting")
    a_tier(cyd, "law", 2, by=vic)
    TierGrant.objects.create(expert=cyd, domain=domain("law"), tier=1, granted_by=vic, reason="x", granted_at=NOW)


@pytest.mark.parametrize(
    ("write", "constraint"),
    [
        (_self_grant, "vetting_not_self"),
        (_same_two_people, "tier_grant_two_people_differ"),
        (_tier_six, "tier_grant_1_to_5"),
        (_raise_in_place, "grant_is_history"),
        (_forget, "grant_is_history"),
        (_two_live, "tier_grant_one_live_per_domain"),
    ],
)
def test_the_database_itself_refuses(write: Callable[[Expert], None], constraint: str) -> None:
    cyd = an_expert()

    with pytest.raises(IntegrityError) as caught:
        write(cyd)

    assert _constraint_of(caught.value) == constraint


def _constraint_of(error: Any) -> str:
    return str(error.__cause__.diag.constraint_name)


def test_domains_are_installed_once() -> None:
    first = actions.install_domains()

    second = actions.install_domains()

    assert {slug: row.pk for slug, row in first.items()} == {slug: row.pk for slug, row in second.items()}
    assert first["psychiatry"].path == [first["medicine"].pk, first["psychiatry"].pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM experts_domain")
        assert cursor.fetchone() == (len(first),)


def test_a_tier_already_confirmed_is_not_confirmed_again() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    wes, xan = an_operator("vetting", name="Wes Lund"), an_operator("vetting", name="Xan Roe")
    grant = a_tier(cyd, "law", 4, by=vic)
    stale = TierGrant.objects.get(pk=grant.pk)
    actions.confirm_tier(grant, by=wes, now=NOW)

    with pytest.raises(LostRace, match="no longer waits"):
        actions.confirm_tier(stale, by=xan, now=NOW)

    assert TierGrant.objects.get(pk=grant.pk).second_by == wes
    assert queries.tiers_by_domain(cyd) == {domain("law").pk: 4}


def test_what_was_taken_back_is_not_taken_back_twice() -> None:
    cyd, vic = an_expert(), an_operator("vetting")
    grant = a_tier(cyd, "law", 2, by=vic)
    mark = actions.grant_reviewer_mark(cyd, domain("law"), by=vic, reason="Chairs a board", now=NOW)
    actions.revoke_tier(grant, by=vic, reason="Left the bar", now=NOW)
    actions.revoke_reviewer_mark(mark, by=vic, reason="Left the bar", now=NOW)

    with pytest.raises(LostRace):
        actions.revoke_tier(grant, by=vic, reason="Again", now=NOW)
    with pytest.raises(LostRace):
        actions.revoke_reviewer_mark(mark, by=vic, reason="Again", now=NOW)

    assert TierGrant.objects.get().revoke_reason == "Left the bar"
