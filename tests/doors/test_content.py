"""Confidential content: served to a live signature alone, after its access row, and never twice from anywhere else."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from agreements import actions as agreement_actions
from agreements.models import ContentAccess, Signature
from kernel.db import app_now
from tasks.models import Claim
from tests.doors.test_pages_matrix import body_of
from tests.doors.world import CANARY, Doors
from tests.tasks.factories import publish_version

pytestmark = pytest.mark.django_db


def workbench(doors: Doors) -> HttpResponseBase:
    """Open Cyd's claim as Cyd."""
    return doors.client("cyd").get(reverse("tasks:workbench", args=[doors.ids["claim_id"]]))


def test_a_signer_sees_the_content_after_an_access_row(doors: Doors) -> None:
    before = ContentAccess.objects.count()

    page = workbench(doors)

    assert CANARY.encode() in body_of(page)
    rows = ContentAccess.objects.order_by("pk").values_list("viewer", "purpose")
    cyd = doors.people["cyd"].public_id
    assert list(rows[before:]) == [(cyd, "work"), (cyd, "questions")]
    assert "no-store" in page["Cache-Control"]


def test_a_revoked_signature_refuses_the_next_request(doors: Doors) -> None:
    cyd = doors.people["cyd"]
    signature = Signature.objects.get(user=cyd, state="LIVE")
    agreement_actions.revoke_signature(signature, by=cyd, reason="I stop", now=app_now())
    rows = ContentAccess.objects.count()

    page = workbench(doors)

    assert page.status_code in (302, 409)
    assert CANARY.encode() not in body_of(page)
    assert ContentAccess.objects.count() == rows


def test_an_urgent_version_refuses_the_next_request_until_it_is_signed(doors: Doors) -> None:
    claim = Claim.objects.select_related("agreement_version__agreement").get(pk=doors.ids["claim_id"])
    agreement = claim.agreement_version.agreement
    version = agreement_actions.draft_version(agreement, text="## 1. New\n\nNew.", by=None, now=app_now(), urgent=True)
    agreement_actions.publish_version(version, by=None, now=app_now())
    refused = workbench(doors)
    agreement_actions.sign_version(
        version,
        user=doors.people["cyd"],
        typed_name=doors.people["cyd"].get_full_name(),
        consent=True,
        ip=None,
        user_agent="",
        now=app_now(),
    )

    served = workbench(doors)

    assert CANARY.encode() not in body_of(refused)
    assert CANARY.encode() in body_of(served)


def test_an_ordinary_new_version_leaves_the_claim_that_pinned_the_old_one_open(doors: Doors) -> None:
    claim = Claim.objects.select_related("agreement_version").get(pk=doors.ids["claim_id"])
    publish_version(claim.agreement_version.agreement_id, now=app_now())

    assert CANARY.encode() in body_of(workbench(doors))


def test_a_disabled_account_is_refused_at_once(doors: Doors) -> None:
    client = doors.client("cyd")
    type(doors.people["cyd"]).objects.filter(pk=doors.people["cyd"].pk).update(is_active=False)

    page = client.get(reverse("tasks:workbench", args=[doors.ids["claim_id"]]))

    assert (page.status_code, CANARY.encode() in body_of(page)) == (302, False)


def test_the_app_may_not_rewrite_the_access_log(doors: Doors) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(current_user, 'agreements_contentaccess', 'UPDATE, DELETE, TRUNCATE')"
        )
        (may_rewrite,) = cursor.fetchone()

    assert may_rewrite is False


def test_no_stored_row_outside_sealed_columns_holds_the_content(doors: Doors) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        holding = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{CANARY}%"])  # noqa: S608 -- names from the catalogue
            if cursor.fetchone() != (0,):
                holding.append(table)

    assert holding == []


def test_strangers_never_see_it_on_any_page_they_can_open(doors: Doors) -> None:
    for address in ("/", "/rates/", "/accounts/login/", "/mail/", "/healthz", "/readyz"):
        page = Client().get(address)

        assert CANARY.encode() not in body_of(page)
