"""One benchmark, in a process whose environment names the services."""

from __future__ import annotations

import argparse
import importlib
import sys

import django

from bench.report import Report

BENCHES = ("claim", "ingest", "export", "lists", "payouts", "ledger")


def read_options() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure the product beside the machine's limit.")
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--json", action="store_true", help="print one JSON document; the last line goes to stderr")
    parser.add_argument("--rounds", type=int, default=3, help="how often product and limit are measured in turn")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="how long each measurement of claim and ledger lasts"
    )
    parser.add_argument(
        "--tasks", type=int, default=100_000, help="how many tasks ingest posts, claim has open, lists has in a batch"
    )
    parser.add_argument("--items", type=int, default=10_000, help="how many people payouts pays")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 when the product misses a must."""
    options = read_options()
    django.setup()  # Before the benchmark's module is imported, which imports models.
    report: Report = importlib.import_module(f"bench.{options.name}").measure(options)
    report.print(as_json=options.json)
    return 0 if report.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
