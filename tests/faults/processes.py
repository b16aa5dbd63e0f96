"""Start real workers, sweepers and web processes on the test's database, and end them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SWEEP = (
    "import django; django.setup(); import tests.faults.jobs; from django.core.management import call_command;"
    " call_command('sweep', every=0.5)"
)
SWEEP_ONCE = SWEEP.replace("every=0.5", "once=True")


def environment(**changes: str) -> dict[str, str]:
    """Give the environment in which a process serves the test's database as the app's role."""
    parameters = connection.get_connection_params()
    address = (
        f"postgresql://{parameters['user']}@/{parameters['dbname']}"
        f"?host={quote(str(parameters['host']), safe='/')}&port={parameters['port']}"
    )
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "GUILDHALL_MODE": "test",
        "DATABASE_URL": address,
        "REDIS_URL": settings.REDIS_URL,
        "OUTBOX_NUDGES": "1",
        "PYTHONPATH": str(ROOT),
        **changes,
    }


def start(*command: str, **changes: str) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(**changes),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children at once, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End ``process`` when the block is left."""
    try:
        yield process
    finally:
        kill(process)


def worker(queues: str = "default,mail", **changes: str) -> subprocess.Popen[bytes]:
    """Start a Celery worker of these queues, with two children."""
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR", "-c", "2"]
    return start(
        "-m", "celery", "-A", "marketplace.celery", "worker", "-Q", queues, "-I", "tests.faults.jobs",
        *options, **changes,
    )  # fmt: skip


def deliverer(**changes: str) -> subprocess.Popen[bytes]:
    """Start the worker that calls labs' endpoints, with fewer threads than it has elsewhere."""
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR", "-c", "4"]
    return start(
        "-m", "celery", "-A", "marketplace.celery", "worker", "-Q", "webhooks", "--pool", "threads",
        "--hostname", "deliverer@%h", *options, **changes,
    )  # fmt: skip


def sweeper(**changes: str) -> subprocess.Popen[bytes]:
    """Start a sweeper that looks twice a second."""
    return start("-c", SWEEP, **changes)


def wait_until(is_so: Callable[[], bool], seconds: float) -> float:
    """Wait until ``is_so``; return how long it took, or fail."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"It was not so within {seconds} seconds.")
        time.sleep(0.1)
    return time.monotonic() - began


@contextmanager
def web(port: int, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the test's database over HTTP as the image does, with one worker of four threads, once it answers."""
    with running(
        start("-m", "gunicorn", "-c", "marketplace/serving.py", "-w", "1", "-b", f"127.0.0.1:{port}",
              "marketplace.wsgi", **changes)
    ) as process:  # fmt: skip
        wait_until(lambda: answers(port), 60)
        yield process


def answers(port: int) -> bool:
    """Does the web process answer?"""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def free_port() -> int:
    """Find a port to listen on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
