"""The demo's history is made by actions alone, adds up, and leaves something for everybody."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import OutboxItem, Role, User
from experts.models import Application, Expert
from kernel.db import app_now
from kernel.ids import decode_id
from labs.models import Lab, WebhookDelivery
from labs.queries import find_key
from marketplace.seeding.story import tell
from payments.models import PayLine, PayoutRun
from payments.reconciliation import reconcile
from tasks.models import Batch, Claim, Offer
from tests.stripe_fixture import StripeAtHand, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_seed_tells_four_weeks_that_add_up(stripe_at_hand: StripeAtHand, settings: Settings) -> None:
    settings.DEMO_PASSWORD = "a long walk by the canal"
    settings.OUTBOUND_ALLOW = [urlsplit(stripe_at_hand.url).netloc]
    call_command("install", owner="owner@guildhall.example", card_from=app_now().date().replace(month=1, day=1))

    lines: list[str] = []
    told = tell(lines.append)

    call_command("check_ledger")
    assert Counter(PayoutRun.objects.values_list("state", flat=True)) == {"COMPLETED": 2, "PENDING_APPROVAL": 1}
    paid = PayLine.objects.filter(state="PAID")
    assert sum(transfer["amount"] for transfer in stripe_at_hand.transfers()) == sum(line.amount_minor for line in paid)
    assert Counter(role for user in User.objects.all() for role in user.operator_roles) == {
        Role.OWNER: 1, Role.FINANCE: 2, Role.VETTING: 2, Role.TRUST: 2,
    }  # fmt: skip
    assert Expert.objects.filter(state="ACTIVE", mode="live").count() == 12
    assert Application.objects.filter(state="SUBMITTED").count() == 1
    assert Counter(Lab.objects.values_list("state", flat=True)) == {"ACTIVE": 2, "APPLICANT": 1}
    assert Offer.objects.filter(state="OFFERED", batch__project__code_name="Nightjar").count() >= 2
    assert Claim.objects.filter(kind="work", state="ACCEPTED").count() >= 20
    assert Claim.objects.filter(kind="work", state="SUBMITTED").count() == 3
    assert {row.event.kind for row in WebhookDelivery.objects.select_related("event")} >= {
        "webhook.test",
        "batch.running",
    }
    trial = Batch.objects.get(project=decode_id("prj", told.project))
    assert (trial.state, trial.project.mode) == ("COMPLETED", "test")
    assert find_key("test", told.test_key.split("_")[2]) is not None
    assert abs(app_now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert OutboxItem.objects.filter(dead_at__isnull=False).count() == 0
    assert (reconcile().found, PayoutRun.objects.filter(state="RECONCILED").count()) == (0, 2)
