"""Try what a deployment does: migrate forwards and back on a throw-away database, and start in production mode."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from marketplace.embedded import APP, OWNER, Postgres
from marketplace.guardian import Guardian

BASE = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "GUILDHALL_MODE": "production",
    "PUBLIC_URL": "https://guildhall.example",
    "SECRET_KEY": base64.b64encode(os.urandom(48)).decode(),
    "MASTER_KEY": base64.b64encode(os.urandom(32)).decode(),
    "STRIPE_API_KEY": "sk_live_" + "x" * 24,
    "STRIPE_WEBHOOK_SECRETS_ACCOUNT": "whsec_account",
    "STRIPE_WEBHOOK_SECRETS_CONNECT": "whsec_connect",
    "STRIPE_WEBHOOK_SECRETS_THIN": "whsec_thin",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "MAIL_URL": "smtp://user:password@mail.example:587",
}


def main() -> int:
    """Run the whole trial; return 0 when nothing was found."""
    with tempfile.TemporaryDirectory(prefix="guildhall-trial-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        guardian = Guardian()
        postgres = Postgres(home / "postgres", guardian, is_throw_away=True).start()
        try:
            addresses = {"DATABASE_URL": postgres.url(APP), "DATABASE_OWNER_URL": postgres.url(OWNER)}
            environment = os.environ | PRODUCTION | addresses | {"DATA_DIR": str(home / "files")}
            manage(environment, "prepare_database", "--verbosity=0")
            manage(environment, "migrate", "accounts", "zero", "--verbosity=0")  # And with it all that stands on it.
            manage(environment, "prepare_database", "--verbosity=0")
            manage(environment, "check", "--deploy", "--fail-level=INFO")
        except subprocess.CalledProcessError as error:
            print(f"deployment: {' '.join(error.cmd[1:])} failed", file=sys.stderr)
            return 1
        finally:
            postgres.stop()
            guardian.close()
    print("deployment: migrations forwards and back, `check --deploy` without a remark")
    return 0


def manage(environment: dict[str, str], *arguments: str) -> None:
    """Run one management command; raise when it fails."""
    subprocess.run([sys.executable, str(BASE / "manage.py"), *arguments], env=environment, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
