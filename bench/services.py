"""What a benchmark runs against: its own PostgreSQL with default durability, and a Valkey."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from marketplace.embedded import APP, OWNER, Postgres, Valkey
from marketplace.guardian import Guardian

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def started() -> Iterator[dict[str, str]]:
    """Start the services, make the schema as its owner, and yield the environment of the role that serves."""
    guardian = Guardian()
    home = Path(tempfile.mkdtemp(prefix="guildhall-bench-"))
    home.chmod(0o711)
    guardian.remove(home)
    postgres = Postgres(home / "postgres", guardian, is_throw_away=False).start()
    valkey = Valkey(home / "valkey", guardian, is_throw_away=True).start()
    try:
        environment = os.environ | settings_of(postgres, valkey, home)
        as_owner = environment | {"DATABASE_URL": postgres.url(OWNER)}
        _manage("migrate", "--verbosity=0", environment=as_owner)
        _manage("createcachetable", environment=as_owner)
        _manage("collectstatic", "--noinput", "--verbosity=0", environment=as_owner)
        _manage("grant_app_role", "--role", APP, environment=as_owner)
        yield environment
    finally:
        valkey.stop()
        postgres.stop()
        guardian.close()


def settings_of(postgres: Postgres, valkey: Valkey, home: Path) -> dict[str, str]:
    """Return the settings of a site in demo mode, with secrets of this run."""
    return {
        "GUILDHALL_MODE": "demo",
        "PUBLIC_URL": "http://localhost",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": postgres.url(APP),
        "DATABASE_OWNER_URL": postgres.url(OWNER),
        "REDIS_URL": valkey.url(),
        "DATA_DIR": str(home / "files"),
        "DEMO_PASSWORD": secrets.token_urlsafe(16),
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "STRIPE_API_KEY": "sk_test_of_the_bench",
        "STRIPE_WEBHOOK_SECRETS_ACCOUNT": "whsec_account",
        "STRIPE_WEBHOOK_SECRETS_CONNECT": "whsec_connect",
        "STRIPE_WEBHOOK_SECRETS_THIN": "whsec_thin",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    }


def _manage(*arguments: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
