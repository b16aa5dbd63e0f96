"""Claim and hand in over HTTP, with the agreement's gate, access rows, the hold, events and audit, beside bare HTTP."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from bench import load
from bench.cast import Cast, Stage, answer_form
from bench.report import Figure, Report, median_ratio
from bench.server import gunicorn
from kernel.db import app_now

MUST = 0.04
CLIENTS = (8, 32)
MOST_OPEN = 40_000
WARM_SECONDS = 6.0  # Each thread opens a connection, and each connection plans.
BARE, PRODUCT = "bench.bare:application", "marketplace.wsgi:application"


@dataclass(frozen=True)
class Round:
    """One measurement of both, one after the other."""

    clients: int
    bare: load.Outcome
    product: load.Outcome

    @property
    def limit(self) -> float:
        """Return the loops a second of two requests each that bare HTTP allows."""
        return self.bare.per_second / 2


def measure(options: argparse.Namespace) -> Report:
    """Return loops a second against what bare HTTP allows, at the worse of both numbers of clients."""
    stage = Cast(app_now()).stage(experts=max(CLIENTS), tasks=min(options.tasks, MOST_OPEN))
    rounds = [each for _ in range(options.rounds) for each in _rounds(stage, options.seconds)]
    by_clients = {clients: [each for each in rounds if each.clients == clients] for clients in CLIENTS}
    ratios = [
        median_ratio([each.product.per_second for each in some], [each.limit for each in some])
        for some in by_clients.values()
    ]
    figures = tuple(figure for clients, some in by_clients.items() for figure in _figures(clients, some))
    return Report("claim", min(ratios), MUST, figures)


def _rounds(stage: Stage, seconds: float) -> Iterator[Round]:
    for clients in CLIENTS:
        with gunicorn(BARE) as server:
            bare = load.in_own_process(load.Plan(server.port, clients, seconds / 2))
        with gunicorn(PRODUCT) as server:
            load.in_own_process(
                _plan(stage, server.port, clients, WARM_SECONDS)
            )  # Each thread opens a connection and plans.
            product = load.in_own_process(_plan(stage, server.port, clients, seconds))
        yield Round(clients, bare, product)


def _plan(stage: Stage, port: int, clients: int, seconds: float) -> load.Plan:
    return load.Plan(port, clients, seconds, stage.cookies, stage.tokens, answer_form())


def _figures(clients: int, rounds: list[Round]) -> list[Figure]:
    return [
        Figure(f"bare HTTP, {clients} clients", "req/s", tuple(each.bare.per_second for each in rounds)),
        Figure(f"claim + submit, {clients} clients", "loops/s", tuple(each.product.per_second for each in rounds)),
        Figure(f"claim p95, {clients} clients", "ms", tuple(each.product.p95_ms("claim") for each in rounds)),
        Figure(f"submit p95, {clients} clients", "ms", tuple(each.product.p95_ms("submit") for each in rounds)),
    ]
