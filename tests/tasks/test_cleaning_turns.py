"""Files are cleaned two at a time on a host, and nobody keeps a turn beyond death."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.cleaning import child, turns
from tasks.models import File
from tests.labs.factories import make_client
from tests.tasks.documents import a_picture
from tests.tasks.factories import make_lab

HOLD = """
import fcntl, sys, time
held = open(sys.argv[1], "w")
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
# Notes when it began and ended, and answers as the cleaner does.
NOTE = """
import json, sys, time
began = time.monotonic()
sys.stdin.buffer.read()
time.sleep(0.2)
print(json.dumps({"media_type": f"{began} {time.monotonic()}"}))
"""


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "cleaning"


@contextmanager
def others_hold(folder: Path, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Let other processes hold so many turns; end them, as a power cut would, when the block is left."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", HOLD]
    held = [subprocess.Popen([*command, str(folder / f"{at}.lock")], stdout=subprocess.PIPE) for at in range(number)]
    try:
        assert [process.stdout.readline() for process in held if process.stdout] == [b"held\n"] * number
        yield held
    finally:
        for process in held:
            process.kill()
            process.communicate()


def test_never_more_are_cleaned_at_once_than_there_are_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "COMMAND", (sys.executable, "-c", NOTE))

    with ThreadPoolExecutor(8) as threads:
        cleaned = list(threads.map(child.clean_apart, [b"file"] * 8))

    spans = [tuple(map(float, each.media_type.split())) for each in cleaned]
    at_once = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert max(at_once) == turns.AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_who_finds_no_turn_is_told_when_to_come_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    lab = make_client(*make_lab())

    with others_hold(folder, turns.AT_ONCE):
        refused = lab.send("post", "/files", a_picture(), content_type="image/png", key="scan")
        kept = File.objects.count()
    taken = lab.send("post", "/files", a_picture(), content_type="image/png", key="scan")

    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "busy", "5")
    assert (kept, taken.status_code, File.objects.count()) == (0, 201, 1)


def test_the_turn_of_a_process_that_is_killed_is_free(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "COMMAND", (sys.executable, "-c", NOTE))

    with others_hold(folder, turns.AT_ONCE) as held, ThreadPoolExecutor(1) as thread:
        cleaning = thread.submit(child.clean_apart, b"file")
        time.sleep(1)
        is_waiting = not cleaning.done()
        killed_at = time.monotonic()
        held[0].kill()
        began_at = float(cleaning.result(30).media_type.split()[0])

    assert (is_waiting, began_at > killed_at) == (True, True)


def test_a_child_keeps_the_turn_of_its_parent_that_was_killed(folder: Path) -> None:
    with turns.turn() as number:
        orphan = subprocess.Popen(["sleep", "60"], pass_fds=(number,))
    try:
        with turns.turn():
            left = turns._free_one()
    finally:
        orphan.kill()
        orphan.wait()

    assert left is None
