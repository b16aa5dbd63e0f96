"""Production refuses to start with anything that only a demo may have; a missing setting is a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.deployment import PRODUCTION

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = PRODUCTION | {
    "DATABASE_URL": "postgresql://guildhall_app:x@127.0.0.1:9/guildhall",
    "DATA_DIR": "/nonexistent/guildhall",
    "PATH": os.environ["PATH"],
}


def start(**changes: str | None) -> str:
    """Read the settings in a fresh process; return '' or the refusal."""
    environment = {name: value for name, value in (COMPLETE | changes).items() if value is not None}
    finished = subprocess.run(
        [sys.executable, "-c", "import marketplace.settings"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    return finished.stderr.strip().rpartition("\n")[2].partition(": ")[2] if finished.returncode else ""


def test_a_complete_production_starts() -> None:
    assert start() == ""


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("GUILDHALL_MODE", None, "GUILDHALL_MODE is ''"),
        ("GUILDHALL_MODE", "debug", "GUILDHALL_MODE is 'debug'"),
        ("SECRET_KEY", None, "SECRET_KEY is not set"),
        ("MASTER_KEY", None, "MASTER_KEY is not set"),
        ("MASTER_KEY", "c2hvcnQ=", "MASTER_KEY must be 32 bytes"),
        ("DATABASE_URL", None, "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://x/y", "A database address must look like"),
        ("REDIS_URL", None, "REDIS_URL is not set"),
        ("DATA_DIR", None, "DATA_DIR is not set"),
        ("MAIL_URL", None, "MAIL_URL is not set"),
        ("PUBLIC_URL", "http://guildhall.example", "PUBLIC_URL is 'http://guildhall.example'"),
        ("PUBLIC_URL", "https://guildhall.example/path", "PUBLIC_URL is"),
        ("STRIPE_API_BASE", "http://127.0.0.1:8430", "STRIPE_API_BASE must be https://api.stripe.com"),
        ("STRIPE_API_KEY", "pk_live_x", "STRIPE_API_KEY must be a secret or a restricted key"),
        ("STRIPE_WEBHOOK_SECRETS_THIN", None, "STRIPE_WEBHOOK_SECRETS_THIN is not set"),
        ("OUTBOUND_ALLOW", "127.0.0.1:8430", "OUTBOUND_ALLOW opens loopback addresses"),
        ("CLOCK_OFFSET", "3600", "CLOCK_OFFSET moves the clock"),
        ("MAIL_PAGE", "1", "MAIL_PAGE shows everybody's mail"),
        ("DEMO_PASSWORD", "open sesame", "DEMO_PASSWORD opens every account"),
    ],
)
def test_production_refuses(name: str, value: str | None, refusal: str) -> None:
    assert start(**{name: value}).startswith(refusal)


def test_a_live_key_goes_to_stripe_alone() -> None:
    refusal = start(GUILDHALL_MODE="demo", STRIPE_API_BASE="http://127.0.0.1:8430", DEMO_PASSWORD="x")

    assert refusal.startswith("A live Stripe key must not be sent to anyone but Stripe")
