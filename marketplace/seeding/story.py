"""Four weeks of a small marketplace, told in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from django.conf import settings

from accounts.models import User
from accounts.outbox import drain
from experts.models import Expert
from labs.actions import create_api_key, register_lab
from labs.models import Lab
from labs.webhooks.actions import create_endpoint, send_trial
from marketplace.seeding.cast import APPLICANT, EXPERTS
from marketplace.seeding.clock import StoryClock
from marketplace.seeding.content import FICTION, LITIGATION, NIGHTJAR, PSYCHIATRY
from marketplace.seeding.people import Operators, apply, make_expert, make_labs, make_user
from marketplace.seeding.work import Order, open_order, post_batch, review_once, run_week, sign, work_once
from payments.actions import add_play_money
from tasks.actions import publishing
from tasks.actions.reviews import accept_by_clock
from tasks.models import Batch

Say = Callable[[str], None]
MINUTE = 60


@dataclass(frozen=True)
class Told:
    """What a visitor needs to join in: a test key, and a test project whose batches are done by themselves."""

    test_key: str
    project: str


def tell(say: Say) -> Told:
    """Make the history from four weeks ago until now; the clock is true again at the end, however it ends."""
    clock, chance = StoryClock(), Random(20)  # noqa: S311  (a story, not a secret)
    try:
        operators = Operators(clock)
        labs = make_labs(operators, clock)
        drain()
        say("two labs joined, were approved and paid in by card")
        experts = {}
        for card in EXPERTS:
            experts[card.name] = make_expert(card, operators, clock)
        drain()
        say(f"{len(experts)} experts applied and were vetted; tiers 4 and 5 by two operators")
        orders = open_orders(labs, experts, clock)
        drain()
        say(f"{len(orders)} projects launched under their agreements")
        for weeks_ago in (3, 2, 1):
            work_week(orders, clock.monday(weeks_ago) + timedelta(hours=9), clock, chance)
            run = pay_week(weeks_ago, operators, clock)
            say(f"a week's work done, judged and paid: {run}")
        told = leave_open(labs, orders, clock, chance)
        drain()
        return told
    finally:
        clock.come_home()


def open_orders(labs: dict[str, tuple[Lab, User]], experts: dict[str, Expert], clock: StoryClock) -> list[Order]:
    """Open the three projects that have a history, with their people signed."""
    halcyon, brightwater = labs["Halcyon Models"], labs["Brightwater AI"]
    juniper = open_order(
        *halcyon, clock=clock, name="Bedside claims", code_name="Juniper", kind="factuality", domain="psychiatry",
        tier_min=3, tier_max=4, overlap_min=3, overlap_max=3, expected_seconds=25 * MINUTE, cap_seconds=50 * MINUTE,
        review_cap_seconds=15 * MINUTE, assignment="open", budget_minor=20_000_00,
    )  # fmt: skip
    saltmarsh = open_order(
        *brightwater, clock=clock, name="Motion practice", code_name="Saltmarsh",
        kind="demonstration", domain="litigation",
        tier_min=3, tier_max=3, overlap_min=2, overlap_max=2, expected_seconds=40 * MINUTE, cap_seconds=80 * MINUTE,
        review_cap_seconds=20 * MINUTE, assignment="open", budget_minor=12_000_00,
    )  # fmt: skip
    larkspur = open_order(
        *brightwater, clock=clock, name="Short forms", code_name="Larkspur", kind="creative", domain="fiction",
        tier_min=2, tier_max=3, overlap_min=2, overlap_max=2, expected_seconds=35 * MINUTE, cap_seconds=70 * MINUTE,
        review_policy="none", assignment="open", budget_minor=6_000_00,
    )  # fmt: skip
    staff(juniper, experts, ("Cyd Marlowe", "Dov Abramson", "Ines Quiroga"), ("Ada Nakamura", "Bo Hallström"), clock)
    staff(saltmarsh, experts, ("Piers Langdon", "Rosa Delacroix"), ("Oskar Brandt",), clock)
    staff(larkspur, experts, ("June Ferreira", "Sam Whitlock"), (), clock)
    post_batch(juniper, "Pilot", PSYCHIATRY[:5], clock)
    post_batch(saltmarsh, "First motions", LITIGATION[:4], clock)
    post_batch(larkspur, "Autumn briefs", FICTION[:4], clock)
    return [juniper, saltmarsh, larkspur]


def staff(
    order: Order, experts: dict[str, Expert], workers: tuple[str, ...], reviewers: tuple[str, ...], clock: StoryClock
) -> None:
    """Say who works on an order and who judges, and let them sign."""
    order.experts = [experts[name] for name in workers]
    order.reviewers = [experts[name] for name in reviewers]
    sign(order, [*order.experts, *order.reviewers], clock)


def work_week(orders: list[Order], monday: datetime, clock: StoryClock, chance: Random) -> None:
    """Let each expert do a task or two on some mornings, and each reviewer what has come in by the afternoon."""
    for day in (0, 2):
        clock.go_to(monday + timedelta(days=day))
        for order in orders:
            for expert in order.experts:
                work_once(order, expert, clock, chance)
        for order in orders:
            for reviewer in order.reviewers:
                while review_once(order, reviewer, clock, chance):
                    clock.pass_minutes(1)
        drain()
    accept_by_clock(clock.go_to(monday + timedelta(days=6)), limit=100)  # What nobody has to judge.
    drain()


def pay_week(weeks_ago: int, operators: Operators, clock: StoryClock) -> str:
    """Build the week's run on the Monday after it; last week's waits for its approval."""
    week_start = clock.monday(weeks_ago).date()
    clock.go_to(clock.monday(weeks_ago - 1))
    run = run_week(week_start, operators, clock, is_approved=weeks_ago > 1)
    run.refresh_from_db()
    return f"run {run.number}, {run.item_count} people, {run.state.lower().replace('_', ' ')}"


def leave_open(labs: dict[str, tuple[Lab, User]], orders: list[Order], clock: StoryClock, chance: Random) -> Told:
    """Leave something for everybody to do today."""
    juniper, saltmarsh, larkspur = orders
    clock.go_to(datetime.now(UTC) - timedelta(hours=6))
    post_batch(juniper, "Second round", PSYCHIATRY[5:], clock)
    post_batch(saltmarsh, "Second motions", LITIGATION[4:], clock)
    post_batch(larkspur, "Winter briefs", FICTION[4:], clock)
    drain()
    for order, expert in (
        (juniper, juniper.experts[1]),
        (juniper, juniper.experts[2]),
        (saltmarsh, saltmarsh.experts[1]),
    ):
        work_once(order, expert, clock, chance)  # Somebody has to judge it.
    drain()
    clock.come_home()
    for mode in ("live", "test"):
        listen(*labs["Brightwater AI"], mode, clock)
    open_nightjar(labs["Brightwater AI"], clock)
    told = open_trial(labs["Brightwater AI"], clock)
    drain()
    apply(APPLICANT, clock)
    newcomer = make_user("Mira Solberg", "mira@fjordlight.example", "Europe/Oslo", clock)
    register_lab(
        owner=newcomer, name="Fjordlight", contact_email=newcomer.email, country="NO",
        purpose="Speech in small languages.", now=clock.now,
    )  # fmt: skip
    return told


def open_trial(buyer: tuple[Lab, User], clock: StoryClock) -> Told:
    """Give a lab a test key, and a test project with a batch that simulated experts have done."""
    lab, owner = buyer
    scopes = ["tasks:write", "results:read", "funds:read", "webhooks:write"]
    _, secret = create_api_key(lab, mode="test", label="Integration", scopes=scopes, by=owner, now=clock.now)
    add_play_money(lab, 100_000_00, by=owner, now=clock.now)  # What the key brings may come a moment later.
    order = open_order(
        lab, owner, clock=clock, mode="test", name="Trial run", code_name="Sandpiper",
        kind="demonstration", domain="psychiatry", tier_min=3, expected_seconds=10 * MINUTE, budget_minor=100_000_00,
    )  # fmt: skip
    batch = post_batch(order, "First try", NIGHTJAR, clock)
    publishing.drain_batch(batch, by=owner, now=clock.now)
    return Told(secret, order.project.public_id)


def listen(lab: Lab, owner: User, mode: str, clock: StoryClock) -> None:
    """Let a lab be told of what happens in one world: by the demo's own receiver, where that may be called."""
    here = urlsplit(settings.PUBLIC_URL).netloc
    is_called = here in settings.OUTBOUND_ALLOW
    url = f"http://{here}/demo/receiver/" if is_called else "https://hooks.brightwater.example/guildhall"
    endpoint, _ = create_endpoint(lab, mode=mode, url=url, description="Trainer pipeline", by=owner, now=clock.now)
    send_trial(endpoint, by=owner, now=clock.now)


def open_nightjar(buyer: tuple[Lab, User], clock: StoryClock) -> Batch:
    """Open a project that offers seats and whose agreement nobody has signed yet: a visitor's first steps."""
    order = open_order(
        *buyer, clock=clock, name="Hard conversations", code_name="Nightjar",
        kind="demonstration", domain="psychiatry",
        tier_min=3, tier_max=4, expected_seconds=30 * MINUTE, cap_seconds=60 * MINUTE, review_cap_seconds=20 * MINUTE,
        assignment="seats", seat_minutes=90, budget_minor=9_000_00,
    )  # fmt: skip
    return post_batch(order, "Family letters", NIGHTJAR, clock, priority=10)
