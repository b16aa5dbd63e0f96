"""Live and test never meet: the database refuses each way in which they could, with real commits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import UniqueConstraint

from accounts.models import User
from agreements.models import Agreement, Signature
from agreements.states import SignatureState
from experts.models import Application, Expert
from kernel.ids import uuid7
from labs.models import ApiKey, DeliveryState, Event, Member, WebhookDelivery, WebhookEndpoint
from labs.webhooks.actions import create_endpoint
from payments.models import Funding, Hold, Payee, PayLine, PayoutRun
from tasks.actions import offers, routes
from tasks.models import Batch, Claim, Eligibility, Export, Offer, Project, SimulatedCalendar, Simulation, Slot
from tests.labs.factories import make_key
from tests.tasks.factories import NOW, World, make_batch, make_world
from tests.tasks.play import Play, make_play

pytestmark = pytest.mark.django_db(transaction=True)
LIFE = {"state_changed_at": NOW, "created_at": NOW}


@pytest.fixture
def worlds() -> Worlds:
    live = make_world(tasks=1)
    play = make_play(lab=(live.lab, live.owner), now=NOW)
    return Worlds(live, play)


class Worlds:
    """One lab in both worlds, with a batch in each."""

    def __init__(self, live: World, play: Play) -> None:
        self.live, self.play = live, play
        self.trial = make_batch(play.project, play.owner, tasks=1)
        self.simulated = Expert.objects.filter(mode="test").order_by("user__email")[0]

    def claim(self, batch: Batch, expert: Expert, currency: str, hold: object = None) -> Claim:
        """Claim without asking anybody."""
        slot = Slot.objects.filter(batch=batch).get()
        version = self.live.version if batch == self.live.batch else self.play.version
        owned = {"slot": slot, "task": slot.task, "batch": batch, "project": batch.project, "lab": self.live.lab}
        terms = {"rate_minor": 100, "tier": 3, "card_version": 1, "fee_bps": 0, "cap_seconds": 60}
        life = {
            "state": "WORKING",
            "state_changed_at": NOW,
            "lease_until": NOW,
            "working_since": NOW,
            "claimed_at": NOW,
        }
        return Claim.objects.create(
            expert=expert, kind="work", currency=currency, agreement_version=version, hold_id=hold,
            **owned, **terms, **life,
        )  # fmt: skip

    def hold(self, currency: str, **fields: object) -> Hold:
        """Set nothing aside, in a currency."""
        values = {"project": "prj_x", "lab": self.live.lab, "amount_minor": 0, "state": "OPEN", **LIFE, **fields}
        return Hold.objects.create(subject=f"clm_{currency}", currency=currency, **values)

    @transaction.atomic
    def hold_late(self, currency: str) -> Hold:
        """Claim test work and set money aside for it afterwards, as claims do: the key is checked at the commit."""
        hold = uuid7()
        self.claim(self.trial, self.simulated, "XTS", hold)
        return self.hold(currency, id=hold)

    def pay_line(self, expert: Expert, currency: str) -> PayLine:
        """Pay a second."""
        money = {"rate_minor": 1, "amount_minor": 0, "fee_minor": 0, "currency": currency, "seconds": 1}
        return PayLine.objects.create(
            expert=expert, lab=self.live.lab, project="prj_x", subject="clm_x", kind="work", reason="accepted",
            tier=3, card_version=1, week_start="2026-11-02", decided_at=NOW, state="AVAILABLE", state_changed_at=NOW,
            **money,
        )  # fmt: skip

    def delivery(self, event_mode: str, endpoint_mode: str) -> WebhookDelivery:
        """Tell an endpoint of an event."""
        endpoint, _ = create_endpoint(
            self.live.lab, mode=endpoint_mode, url="https://lab.example.org/hook", by=self.live.owner, now=NOW
        )
        event = Event.objects.create(lab=self.live.lab, mode=event_mode, kind="batch.staged", created_at=NOW)
        return WebhookDelivery.objects.create(
            endpoint=endpoint, event=event, state=DeliveryState.PENDING, next_attempt_at=NOW, **LIFE
        )

    def signature(self, version: Any, user: User) -> Signature:
        """Sign without asking anybody."""
        return Signature.objects.create(
            user=user, agreement=version.agreement, version=version, typed_name="x", text_sha256=version.text_sha256,
            signed_at=NOW, state=SignatureState.LIVE, state_changed_at=NOW,
        )  # fmt: skip

    def offer(self, batch: Batch, expert: Expert) -> Offer:
        """Offer a seat."""
        terms = {"guaranteed_minutes": 0, "rate_minor": 1, "score": 0, "expires_at": NOW}
        return Offer.objects.create(batch=batch, expert=expert, state="OFFERED", **terms, **LIFE)

    def judged(self, project: Project, expert: Expert) -> Eligibility:
        """Judge somebody against a project."""
        return Eligibility.objects.create(
            project=project, expert=expert, is_eligible=False, can_review=False, computed_at=NOW
        )

    def run(self, currency: str) -> PayoutRun:
        """Begin a payout run."""
        return PayoutRun.objects.create(
            number=1, week_start="2026-11-02", currency=currency, built_by=self.live.owner, state="DRAFT",
            state_changed_at=NOW, built_at=NOW, total_minor=0,
        )  # fmt: skip


Attempt = Callable[[Worlds], object]
MEETINGS: dict[str, Attempt] = {
    "a live expert claims test work": lambda w: w.claim(w.trial, w.live.cyd, "XTS"),
    "a simulated expert claims live work": lambda w: w.claim(w.live.batch, w.simulated, "USD"),
    "test work is claimed for real money": lambda w: w.claim(w.trial, w.simulated, "USD"),
    "a test claim takes a hold of real money": lambda w: w.claim(w.trial, w.simulated, "XTS", w.hold("USD").pk),
    "real money is held for a test claim": lambda w: w.hold_late("USD"),
    "a live expert is offered test work": lambda w: w.offer(w.trial, w.live.cyd),
    "a simulated expert is offered live work": lambda w: w.offer(w.live.batch, w.simulated),
    "a live expert is judged for test work": lambda w: w.judged(w.play.project, w.live.cyd),
    "a simulated expert is judged for live work": lambda w: w.judged(w.live.project, w.simulated),
    "a live expert earns play money": lambda w: w.pay_line(w.live.cyd, "XTS"),
    "a simulated expert earns real money": lambda w: w.pay_line(w.simulated, "USD"),
    "a payout run is of play money": lambda w: w.run("XTS"),
    "a simulated expert is paid out": lambda w: Payee.objects.create(expert=w.simulated, state="NONE", **LIFE),
    "play money is asked of Stripe": lambda w: Funding.objects.create(
        lab=w.live.lab, currency="XTS", amount_minor=1, stripe_key="k", created_by=w.live.owner, state="CREATED", **LIFE
    ),
    "a person signs a test agreement": lambda w: w.signature(w.play.version, w.live.owner),
    "a simulated expert signs a live agreement": lambda w: w.signature(w.live.version, w.simulated.user),
    "a simulated expert applies": lambda w: Application.objects.create(expert=w.simulated, state="DRAFT", **LIFE),
    "a simulated expert acts for a lab": lambda w: Member.objects.create(
        lab=w.live.lab, user=w.simulated.user, role="owner", added_at=NOW
    ),
    "a live endpoint is told of a test event": lambda w: w.delivery("test", "live"),
    "a test endpoint is told of a live event": lambda w: w.delivery("live", "test"),
    "a live project has a test agreement": lambda w: Project.objects.filter(pk=w.live.project.pk).update(
        agreement=w.play.version.agreement
    ),
    "a person becomes a test expert": lambda w: Expert.objects.create(
        user=w.live.owner, mode="test", country="US", state="ACTIVE", **LIFE
    ),
    "a simulated account becomes a live expert": lambda w: Expert.objects.filter(pk=w.live.cyd.pk).update(
        user=User.objects.get(email="simulated-desk-a@simulated.invalid")
    ),
    "a live batch is simulated": lambda w: Simulation.objects.create(batch=w.live.batch, seed=1),
    "a live expert has a calendar of their own": lambda w: SimulatedCalendar.objects.create(
        expert=w.live.cyd, reached=NOW
    ),
    "a test project is exported as a live one": lambda w: Export.objects.create(
        lab=w.live.lab, mode="live", project=w.play.project, shape="sft", state="QUEUED", **LIFE
    ),
}


REFUSALS = {"worlds_apart", "run_is_of_real_money", "funding_of_play_money_is_never_at_stripe"}


@pytest.mark.parametrize("attempt", MEETINGS.values(), ids=MEETINGS.keys())
def test_the_database_refuses_that(attempt: Attempt, worlds: Worlds) -> None:
    with pytest.raises(IntegrityError) as refusal:
        attempt(worlds)

    assert refused_by(refusal.value) in REFUSALS


STAYING: dict[str, Callable[[Worlds], Any]] = {
    "an account": lambda w: (User.objects.filter(pk=w.simulated.user_id), {"is_simulated": False}),
    "an expert": lambda w: (Expert.objects.filter(pk=w.simulated.pk), {"mode": "live"}),
    "a key": lambda w: (ApiKey.objects.filter(pk=make_key(w.live.lab, mode="test")[0].pk), {"mode": "live"}),
    "an event": lambda w: (Event.objects.filter(mode="test"), {"mode": "live"}),
    "an endpoint": lambda w: (WebhookEndpoint.objects.filter(deliveries=w.delivery("test", "test")), {"mode": "live"}),
    "an agreement": lambda w: (Agreement.objects.filter(pk=w.play.version.agreement_id), {"mode": "live"}),
    "a project": lambda w: (Project.objects.filter(pk=w.play.project.pk), {"mode": "live"}),
}  # fmt: skip


@pytest.mark.parametrize("named", STAYING.values(), ids=STAYING.keys())
def test_nothing_changes_worlds(named: Callable[[Worlds], Any], worlds: Worlds) -> None:
    rows, change = named(worlds)
    assert rows.exists()

    with pytest.raises(IntegrityError) as refusal:
        rows.update(**change)

    assert refused_by(refusal.value) == "worlds_apart"


def refused_by(error: IntegrityError) -> str | None:
    """Return the name of the rule that was broken."""
    return error.__cause__.diag.constraint_name if isinstance(error.__cause__, psycopg.Error) else None


def test_rows_of_one_world_do_meet(worlds: Worlds) -> None:
    worlds.offer(worlds.trial, worlds.simulated)
    worlds.judged(worlds.play.project, worlds.simulated)
    worlds.hold_late("XTS")
    worlds.pay_line(worlds.simulated, "XTS")
    worlds.delivery("test", "test")

    assert Claim.objects.get().project.mode == "test"


def test_projects_are_judged_for_and_offered_to_experts_of_their_own_world(worlds: Worlds) -> None:
    for project in (worlds.live.project, worlds.play.project):
        Project.objects.filter(pk=project.pk).update(assignment="seats")
        routes.compute_eligibility(project, now=NOW)
    for batch in (worlds.live.batch, worlds.trial):
        offers.make_offers(batch, now=NOW)

    judged = Eligibility.objects.values_list("project__mode", "expert__mode").distinct()
    offered = Offer.objects.values_list("batch__project__mode", "expert__mode").distinct()

    assert set(judged) == set(offered) == {("live", "live"), ("test", "test")}


def test_every_row_with_a_mode_keeps_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE '%_stays')"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'mode' AND NOT a.attisdropped"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        )
        found = dict(cursor.fetchall())

    assert len(found) >= 9
    assert [table for table, stays in found.items() if not stays] == ["payments_stripeevent"]  # Stripe's own two modes.


# Unique by what belongs to one world itself: a claim, a payment, an expert, the currency.
OF_ONE_WORLD = {
    "Case.case_one_of_a_kind",
    "Case.case_numbered_once",
    "Document.document_once_per_payment",
    "Document.document_once_per_lab_and_period",
    "Document.document_once_per_expert_and_period",
}


def test_what_is_unique_is_so_within_its_mode() -> None:
    unique = {
        f"{model.__name__}.{rule.name}": rule.fields
        for model in apps.get_models()
        if any(field.name == "mode" for field in model._meta.concrete_fields)
        for rule in model._meta.constraints
        if isinstance(rule, UniqueConstraint)
    }

    assert len(unique) >= 4
    assert {name for name, fields in unique.items() if "mode" not in fields} == OF_ONE_WORLD
