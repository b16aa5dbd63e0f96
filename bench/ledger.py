"""Hold and settle on spread accounts, post many entries at once, and show earnings of 20,000 pay lines."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from django.conf import settings
from django.db import transaction

from bench.cast import Cast, session_of
from bench.load import Person
from bench.posting import Plan, in_processes
from bench.report import Figure, Report
from bench.server import gunicorn
from experts.actions import register_expert
from experts.models import Expert
from kernel.db import app_now
from kernel.ids import encode_id, uuid7
from kernel.money import usd
from labs.models import Lab
from payments import credits, ledger
from payments.checks import breaches

MUST = 1.0  # The rate of holding and settling over the least that it must be.
LEAST_SETTLED, LEAST_BATCHED, MOST_EARNINGS_MS = 300.0, 5_000.0, 150.0
PROJECTS, EXPERTS, PROCESSES = 200, 200, 4
BUDGET_MINOR = 20_000_00
ENTRIES = 10_000
PAY_LINES, A_WEEK, REQUESTS = 20_000, 200, 60
PRODUCT = "marketplace.wsgi:application"

# Two hundred lines a week back from now; the last five weeks wait to be sent, earlier ones were each paid by a run.
# Seeded past the guards: two years of runs cannot be sent within a benchmark.
SEED = """
CREATE TEMP TABLE week AS SELECT n, date_trunc('week', %(now)s AT TIME ZONE 'UTC')::date - 7 * n AS start,
    uuidv7() AS run, uuidv7() AS item FROM generate_series(0, %(lines)s / %(a_week)s - 1) AS n;
INSERT INTO payments_payee (id, state, state_changed_at, expert_id, rail, stripe_id, needs, created_at)
    VALUES (%(payee)s, 'PENDING', %(now)s, %(expert)s, 'stripe', 'acct_bench', '{}', %(now)s);
INSERT INTO payments_payoutrun (id, state, state_changed_at, number, week_start, currency, total_minor, item_count,
        left_out, content_sha256, built_by_id, built_at, submitted_at, reason)
    SELECT run, 'COMPLETED', %(now)s, 1000 + n, start, 'USD', %(a_week)s * 3000, 1, '[]', 'seeded', %(user)s,
        start, start, '' FROM week WHERE n >= 5;
INSERT INTO payments_payoutitem (id, state, state_changed_at, run_id, expert_id, payee_id, destination, currency,
        amount_minor, line_count, seconds, anomalies, attempt, stripe_key, stripe_id, tries, problem_code, problem,
        paid_at, reversed_minor, bank_state)
    SELECT item, 'PAID', %(now)s, run, %(expert)s, %(payee)s, 'acct_bench', 'USD', %(a_week)s * 3000, %(a_week)s,
        %(a_week)s * 600, '{}', 1, 'key-' || n, 'tr_' || n, 1, '', '', start + 10, 0, 'BANK_PAID'
    FROM week WHERE n >= 5;
INSERT INTO payments_payline (id, state, state_changed_at, expert_id, lab_id, project, subject, kind, reason, seconds,
        rate_minor, tier, card_version, amount_minor, fee_minor, currency, week_start, decided_at, item_id)
    SELECT uuidv7(), CASE WHEN n >= 5 THEN 'PAID' ELSE 'AVAILABLE' END, %(now)s, %(expert)s, %(lab)s, 'prj_seeded',
        'seeded-' || n || '-' || k, 'work', 'accepted', 600, 18000, 3, 1, 3000, 600, 'USD', start,
        start + k * interval '30 minutes', CASE WHEN n >= 5 THEN item END
    FROM week, generate_series(1, %(a_week)s) AS k;
"""
SEEDED = ("payments_payoutrun", "payments_payoutitem", "payments_payline")


@dataclass(frozen=True)
class Books:
    """Who holds and earns."""

    lab: Lab
    projects: list[str]
    experts: list[Expert]


def measure(options: argparse.Namespace) -> Report:
    """Return settlements a second against what they must be, and the batch and the page beside their bounds."""
    books = open_books()
    settled = [in_processes(_plans(books, options.seconds, number)) for number in range(options.rounds)]
    batched = [post_many(books, number) for number in range(options.rounds)]
    assert breaches() == []
    shown = show_earnings(books, options.rounds)
    found, entries, page = median(settled), median(batched), median(shown)
    figures = (
        Figure(f"hold + settle, {PROCESSES} processes", "pairs/s", tuple(settled)),
        Figure(f"{ENTRIES:,} entries at once", "entries/s", tuple(batched)),
        Figure(f"earnings, {PAY_LINES:,} pay lines, p95", "ms", tuple(shown)),
    )
    musts = (
        ("entries posted at once, a second", entries, LEAST_BATCHED, entries >= LEAST_BATCHED),
        ("p95 of the earnings page, ms", page, MOST_EARNINGS_MS, page <= MOST_EARNINGS_MS),
    )
    return Report("ledger", found / LEAST_SETTLED, MUST, figures, musts)


def open_books() -> Books:
    """Give two hundred projects a budget each, and register two hundred experts."""
    cast = Cast(app_now())
    lab = cast.stage(experts=1, tasks=0).lab
    projects = [encode_id("prj", uuid7()) for _ in range(PROJECTS)]
    with transaction.atomic():
        legs = [(ledger.stripe_available("USD"), PROJECTS * BUDGET_MINOR)]
        legs.append((ledger.lab_prepaid(lab, "USD"), -PROJECTS * BUDGET_MINOR))
        ledger.post("brought_in", legs, key="bench-more", at=cast.now)
        for project in projects:
            credits.allocate(lab=lab, project=project, amount=usd(BUDGET_MINOR), key=f"give-{project}", at=cast.now)
    experts = [
        register_expert(
            user=cast.user(f"Earner {number}", f"earner{number}"),
            country="US",
            languages=["en"],
            headline="",
            now=cast.now,
        )
        for number in range(EXPERTS)
    ]
    return Books(lab, projects, experts)


def _plans(books: Books, seconds: float, number: int) -> list[Plan]:
    experts = [str(expert.pk) for expert in books.experts]
    seeds = range(number * PROCESSES, (number + 1) * PROCESSES)
    return [Plan(str(books.lab.pk), books.projects, experts, seconds, seed) for seed in seeds]


def post_many(books: Books, number: int) -> float:
    """Return how many entries a second are posted and committed, ten thousand of them as one."""
    places = [ledger.project_budget(project, "USD") for project in books.projects]
    now = app_now()
    drafts = [
        ledger.Draft(
            "moved",
            [(places[each % PROJECTS], 1), (places[(each * 7 + 1) % PROJECTS], -1)],
            f"many-{number}-{each}",
            now,
        )
        for each in range(ENTRIES)
        if each % PROJECTS != (each * 7 + 1) % PROJECTS
    ]
    begun = time.monotonic()
    with transaction.atomic():
        ledger.post_all(drafts)
    return len(drafts) / (time.monotonic() - begun)


def show_earnings(books: Books, rounds: int) -> list[float]:
    """Return the p95 of the earnings page in each round, in milliseconds, for the expert who earned most."""
    expert = books.experts[0]
    values = {
        "now": app_now(), "lines": PAY_LINES, "a_week": A_WEEK, "payee": uuid7(), "expert": expert.pk,
        "lab": books.lab.pk, "user": expert.user_id,
    }  # fmt: skip
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True, cursor_factory=psycopg.ClientCursor) as owner:
        _switch_triggers(owner, "DISABLE")
        owner.execute(SEED, values)
        _switch_triggers(owner, "ENABLE")
        owner.execute("VACUUM (ANALYZE) payments_payline")
    cookies, token = session_of(expert.user)
    with gunicorn(PRODUCT) as server:
        person = Person(server.port, cookies, token)
        _ask(person)  # A worker's first answer is slow.
        return [_p95_ms([_ask(person) for _ in range(REQUESTS)]) for _ in range(rounds)]


def _switch_triggers(owner: psycopg.Connection[Any], way: str) -> None:
    for table in SEEDED:
        owner.execute(f"ALTER TABLE {table} {way} TRIGGER USER".encode())


def _ask(person: Person) -> float:
    begun = time.monotonic()
    status, _, body = person.ask("GET", "/earnings/")
    assert status == 200, body[:300]
    return time.monotonic() - begun


def _p95_ms(taken: Sequence[float]) -> float:
    return 1000 * sorted(taken)[int(len(taken) * 0.95)]
