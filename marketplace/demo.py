"""The whole marketplace on one machine, from nothing: ``bin/demo``.

Starts PostgreSQL, Valkey, a local Stripe, the web, three workers, beat and the sweeper as the processes they are in
production; answers at once, and fills itself with a history while it already serves. Opens nothing to other machines.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from marketplace.embedded import APP, OWNER, NoService, Postgres, Valkey, free_port
from marketplace.guardian import Guardian
from marketplace.supervisor import Failed, Part, Supervisor

BASE = Path(__file__).resolve().parent.parent
STATE = BASE / ".guildhall"
PATIENCE_SECONDS = 60
OWNER_EMAIL = "owner@guildhall.example"
HISTORY_BEGINS = date.today() - timedelta(days=60)  # The seed's story is younger.
STATIC = ("static/**/*", "requirements/demo.txt")
MIGRATIONS = ("*/migrations/*.py", "requirements/demo.txt", "accounts/management/commands/grant_app_role.py")


class Stopped(Exception):
    """Somebody asked the demo to stop."""


class Demo:
    """One run of the demo: what it started, and how long ago."""

    def __init__(self, port: int, *, is_seeded: bool) -> None:
        """Prepare a run that serves on ``port`` and, if asked, fills itself."""
        self.port, self.is_seeded = port, is_seeded
        self.began = time.monotonic()
        self.guardian = Guardian()
        self.services: list[Postgres | Valkey] = []
        self.secrets = kept_secrets(STATE / "secrets.json")
        self.environment = self._environment()
        self.supervisor = Supervisor(self.guardian, STATE / "logs", os.environ | self.environment, self.say)

    def run(self) -> None:
        """Start everything, tell where it is, and keep it running until asked to stop."""
        self._start_services()
        self._start_parts()
        self.say(f"ready          {self.environment['PUBLIC_URL']}/")
        seeding = self._start_seeding() if self.is_seeded else None
        while True:
            time.sleep(0.2)
            if seeding:
                seeding.pass_on()
            self.supervisor.look()

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self.say("stopping")
        self.supervisor.stop()
        while self.services:
            self.services.pop().stop()
        self.guardian.close()
        self.say("stopped; the data is kept in .guildhall/")

    def say(self, line: str) -> None:
        """Print a line with the seconds since the start."""
        print(f"[{time.monotonic() - self.began:5.1f}s] {line}", flush=True)

    def _environment(self) -> dict[str, str]:
        stripe_port = free_port()
        return {
            "GUILDHALL_MODE": "demo",
            "PUBLIC_URL": f"http://localhost:{self.port}",
            "DATA_DIR": str(STATE / "files"),
            "WEB_BIND": ",".join(web_addresses(self.port)),
            "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
            "OUTBOUND_ALLOW": f"127.0.0.1:{stripe_port},localhost:{self.port}",  # The latter takes webhooks.
            **self.secrets,
        }

    def _start_services(self) -> None:
        """Start the database and the broker, unless the caller brings them."""
        if address := os.environ.get("DATABASE_URL"):
            self.environment |= {
                "DATABASE_OWNER_URL": os.environ.get("DATABASE_OWNER_URL", address),
                "DATABASE_URL": address,
            }
            self.say("postgresql     yours, from DATABASE_URL")
        else:
            postgres = Postgres(STATE / "postgres", self.guardian, is_throw_away=False)
            self.services.append(postgres)
            postgres.start()
            self.environment |= {"DATABASE_OWNER_URL": postgres.url(OWNER), "DATABASE_URL": postgres.url(APP)}
            self.say(f"postgresql     {postgres.version}, on a private socket")
        if address := os.environ.get("REDIS_URL"):
            self.environment |= {"REDIS_URL": address}
            self.say("valkey         yours, from REDIS_URL")
        else:
            valkey = Valkey(STATE / "valkey", self.guardian, is_throw_away=False)
            self.services.append(valkey)
            valkey.start()
            self.environment |= {"REDIS_URL": valkey.url()}
            self.say(f"valkey         127.0.0.1:{valkey.port}")
        self.supervisor.environment.update(self.environment)
        write_private(STATE / "environment", "".join(f"{name}={value}\n" for name, value in self.environment.items()))

    def _start_parts(self) -> None:
        """Bring the database up to date and start the processes, each as soon as what it needs is there."""
        supervisor, environment = self.supervisor, self.environment
        supervisor.keep("stripe", *manage("stripe_sandbox"))
        with ThreadPoolExecutor(2) as pool:
            static = pool.submit(
                self._run_if_changed, "static", STATIC, STATE, "collectstatic", "--noinput", "--verbosity=0"
            )
            self._run_if_changed("database", MIGRATIONS, self._database_stamps(), "prepare_database")
            static.result()
            self.say("database       migrated; the web's role owns nothing")
            supervisor.keep(
                "web", program("gunicorn"), "-c", str(BASE / "marketplace" / "serving.py"), "marketplace.wsgi"
            )
            await_answer(f"{environment['STRIPE_API_BASE']}/")
            self.say(f"stripe         a local sandbox at {environment['STRIPE_API_BASE']}")
            installing = pool.submit(
                supervisor.run,
                "install",
                *manage("install", "--owner", OWNER_EMAIL, "--card-from", str(HISTORY_BEGINS)),
            )
            await_answer(f"http://127.0.0.1:{self.port}/healthz", host=f"localhost:{self.port}")
            self.say(f"web            {environment['PUBLIC_URL']}/")
            installing.result()
        self.say("install        first owner, rate card, operating float, payouts set to manual")
        supervisor.keep("worker", program("celery"), "-A", "marketplace", "worker",
                        "--exclude-queues=webhooks,simulation", "--concurrency=2", "--loglevel=WARNING")  # fmt: skip
        supervisor.keep("deliverer", program("celery"), "-A", "marketplace", "worker", "--queues=webhooks",
                        "--pool=threads", "--concurrency=16", "--hostname=deliverer@%h",
                        "--loglevel=WARNING")  # fmt: skip
        supervisor.keep("player", program("celery"), "-A", "marketplace", "worker", "--queues=simulation",
                        "--concurrency=1", "--hostname=player@%h", "--loglevel=WARNING")  # fmt: skip
        supervisor.keep("beat", program("celery"), "-A", "marketplace", "beat", "--loglevel=WARNING",
                        "--schedule", str(STATE / "beat-schedule"), "--pidfile=")  # fmt: skip
        supervisor.keep("sweeper", *manage("sweep"))
        self.say("worker, deliverer, player, beat, sweeper")

    def _run_if_changed(self, name: str, patterns: Sequence[str], stamps: Path | None, *command: str) -> None:
        """Run a command unless ``stamps`` tell that an earlier start ran it over the same files."""
        stamp, mark = stamps and stamps / f"{name}.stamp", fingerprint(patterns)
        if stamp and stamp.exists() and stamp.read_text() == mark:
            return
        self.supervisor.run(name, *manage(*command))
        if stamp:
            stamp.write_text(mark)

    def _database_stamps(self) -> Path | None:
        """Return where it is noted how far the database is: with its data, so that both go together."""
        return next((service.home for service in self.services if isinstance(service, Postgres)), None)

    def _start_seeding(self) -> Seeding:
        return Seeding(self.supervisor.once("seed", *manage("seed")), partial(print, flush=True))


class Seeding:
    """The process that fills the demo, its lines passed on as they come."""

    def __init__(self, part: Part, say: Callable[[str], None]) -> None:
        """Follow the seeding process's log."""
        self.part, self.say, self.read = part, say, 0

    def pass_on(self) -> None:
        """Print what it has said since the last time."""
        with self.part.log.open("rb") as log:
            log.seek(self.read)
            while (line := log.readline()).endswith(b"\n"):
                self.read += len(line)
                if not line.startswith(b"{"):  # Its own lines are for people; the log's are JSON.
                    self.say(line.decode(errors="replace").rstrip())


def main() -> int:
    """Run the demo until Ctrl-C; return the exit code."""
    arguments = read_arguments()
    STATE.mkdir(mode=0o711, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    with only_one(STATE / "lock"):
        demo = Demo(arguments.port, is_seeded=not arguments.empty)
        try:
            demo.run()
        except Stopped:
            return 0
        except (Failed, NoService) as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            demo.stop()
    return 0


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bin/demo", description="Run the whole marketplace here, with a history.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")), help="of the web (8000)")
    parser.add_argument("--empty", action="store_true", help="install only: no labs, no experts, no history")
    return parser.parse_args()


def ask_to_stop(number: int, frame: FrameType | None) -> None:
    """Turn a signal into an exception that the run ends with."""
    raise Stopped


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[IO[str]]:
    """Hold the lock of this checkout's demo; the system drops it however the process ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("A demo runs from this checkout already.") from None
        yield lock


def kept_secrets(path: Path) -> dict[str, str]:
    """Return this demo's secrets, made at its first start and kept apart from the database."""
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(16)}",
            "DEMO_PASSWORD": f"{secrets.token_hex(3)}-{secrets.token_hex(3)}-guild",
            **{
                f"STRIPE_WEBHOOK_SECRETS_{endpoint}": f"whsec_{secrets.token_hex(24)}"
                for endpoint in ("ACCOUNT", "CONNECT", "THIN")
            },
        }
        write_private(path, json.dumps(made, indent=1))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def fingerprint(patterns: Sequence[str]) -> str:
    """Return a hash of the names, sizes and times of the files that match."""
    files = sorted(path for pattern in patterns for path in BASE.glob(pattern) if path.is_file())
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.rename(path)


def web_addresses(port: int) -> list[str]:
    """Return both loopback addresses, or the one that this machine has: browsers try either for localhost."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return [f"127.0.0.1:{port}", f"[::1]:{port}"]
    return [f"127.0.0.1:{port}"]


def await_answer(url: str, host: str | None = None) -> None:
    """Wait until a local server answers anything at all."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310  (a loopback address made above)
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310  (the same)
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise Failed(f"{url} does not answer; see .guildhall/logs/")


def manage(*arguments: str) -> list[str]:
    """Return the command line of a management command."""
    return [sys.executable, str(BASE / "manage.py"), *arguments]


def program(name: str) -> str:
    """Return the path of a program of this environment."""
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    raise SystemExit(main())
