"""The command says what it did, how to go on, and by its exit code what went wrong."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guildhall.command.main import main
from tests.client.installed import Command, Said
from tests.client.misbehaving import Reply, refuses, says, serving
from tests.client.test_pulling import CONTENT, manifest, whole
from tests.client.test_watching import batch

LINE = '{"external_id": "t-1", "payload": {}}\n'
POSTED = says({"accepted": 1, "duplicates": 0, "rejected": 0, "errors": []})
READY = says({"id": "exp_1", "state": "READY", "format": "jsonl", "rows_done": 1, "rows_total": 1})
GONE = refuses(404, "not_found")


@pytest.fixture
def command(installed: Path) -> Callable[..., Command]:
    """Return the command for an address, with a key."""
    return lambda address, key="gh_test_key": Command(installed, key, address)


Commands = Callable[..., Command]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Return the command for an address, with a key, to be run in this process: it starts at once."""

    class Here(Command):
        def run(self, *words: str | Path, stdin: str = "") -> Said:
            monkeypatch.setenv("GUILDHALL_API_KEY", self.key)
            monkeypatch.setenv("GUILDHALL_URL", self.address)
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            try:
                code = main([str(word) for word in words])
            except SystemExit as end:
                code = int(end.code or 0)
            return Said(code, *capsys.readouterr())

    return lambda address, key="gh_test_key": Here(Path(), key, address)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (GONE, 1),
        (refuses(409, "illegal_move"), 1),
        (refuses(422, "invalid"), 1),
        (refuses(401, "no_valid_key"), 3),
        (refuses(403, "scope_missing"), 3),
        (Reply(200, b"<h1>Welcome</h1>"), 4),
        (refuses(503, "busy", headers={"Retry-After": "900"}), 5),
        (refuses(429, "rate_limited", headers={"Retry-After": "900"}), 5),
    ],
    ids=["not there", "state", "content", "no key", "no scope", "not us", "trouble", "too many"],
)
def test_the_exit_code_says_what_went_wrong(here: Commands, reply: Reply, code: int) -> None:
    with serving(reply) as site:
        said = here(site.address).run("quote", "bat_1")

    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("guildhall: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("key", "address", "words", "code", "advice"),
    [
        ("", "http://localhost", ("quote", "bat_1"), 3, "GUILDHALL_API_KEY is not set"),
        ("gh_test_key", "", ("quote", "bat_1"), 2, "GUILDHALL_URL is not set"),
        ("gh_test_key", "guildhall.example", ("quote", "bat_1"), 2, "not the address of a site"),
        ("gh_test_key", "http://localhost", (), 2, "required: command"),
        ("gh_test_key", "http://localhost", ("pull", "--batch", "bat_1"), 2, "a new export needs --shape"),
        ("gh_test_key", "http://localhost", ("watch", "bat_1", "--every", "nan"), 2, "an hour at most"),
        ("gh_test_key", "http://localhost", ("push", "-", "--batch", "bat_1", "--errors", "/no/no"), 2, "No such file"),
        ("gh_test_key", "http://localhost", ("push", "no.ndjson", "--batch", "bat_1"), 2, "No such file"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(
    here: Commands, key: str, address: str, words: tuple[str, ...], code: int, advice: str
) -> None:
    said = here(address, key).run(*words)

    assert said.code == code
    assert advice in said.err


def test_standard_input_is_pushed(here: Commands) -> None:
    with serving(POSTED) as site:
        said = here(site.address).run("push", "-", "--batch", "bat_1", stdin=LINE)

    assert (said.code, said.out) == (0, "bat_1: 1 lines: 1 accepted, 0 duplicates, 0 rejected\n")
    assert site.requests[0].body == LINE.encode()


def test_a_new_batch_is_named_after_its_file(here: Commands, tmp_path: Path) -> None:
    (tmp_path / "night.ndjson").write_text(LINE)
    with serving(says({"id": "bat_7"}), POSTED) as site:
        said = here(site.address).run("push", tmp_path / "night.ndjson", "--project", "prj_1")

    assert json.loads(site.requests[0].body) == {"name": "night.ndjson"}
    assert site.called == ["POST /projects/prj_1/batches", "POST /batches/bat_7/tasks"]
    assert "Opened bat_7." in said.err


def test_a_batch_that_runs_is_not_launched_again(here: Commands, tmp_path: Path) -> None:
    (tmp_path / "more.ndjson").write_text(LINE)
    with serving(POSTED, says(batch("RUNNING"))) as site:
        said = here(site.address).run("push", tmp_path / "more.ndjson", "--batch", "bat_1", "--launch")

    assert said.code == 0
    assert site.called == ["POST /batches/bat_1/tasks", "GET /batches/bat_1"]


def test_many_errors_are_named_in_part_and_without_what_would_move_the_cursor(here: Commands) -> None:
    one = {"line": 1, "external_id": "\x1b[2J", "code": "required", "pointer": "/payload", "detail": "Give one."}
    with serving(says({"accepted": 0, "duplicates": 0, "rejected": 30, "errors": [one] * 30})) as site:
        said = here(site.address).run("push", "-", "--batch", "bat_1", stdin=LINE * 30)

    assert said.code == 1
    assert said.err.count("/payload: required: Give one.") == 20
    assert "… and 10 more." in said.err
    assert "\x1b" not in said.err


def test_a_batch_that_has_every_answer_and_still_runs_says_what_ends_it(here: Commands) -> None:
    with serving(says(batch("RUNNING", created=2, accepted=2))) as site:
        said = here(site.address).run("watch", "bat_1")

    assert (said.code, said.out) == (0, "bat_1 RUNNING: 2 of 2 accepted\n")
    assert "drain it if these were all" in said.err


def test_a_pull_that_is_interrupted_says_how_to_go_on_and_does(command: Commands, tmp_path: Path) -> None:
    out = tmp_path / "accepted.jsonl"
    slow = refuses(503, "busy", headers={"Retry-After": "100"})
    with serving(READY, manifest(), whole(100_000), slow) as site:
        process = command(site.address).start("pull", "exp_1", "-o", out)
        wait_for(lambda: len(site.requests) == 4)
        said = interrupt(process)
    with serving(READY, manifest(), whole()) as site:
        again = command(site.address).run("pull", "exp_1", "-o", out, "--json")

    assert said.splitlines()[-1].endswith(f"To go on where it stopped: guildhall pull exp_1 -o {out}")
    assert site.requests[2].headers["range"] == "bytes=100000-"
    assert (again.code, again.value["path"], out.read_bytes()) == (0, str(out), CONTENT)
    assert {path.name for path in tmp_path.iterdir()} == {"accepted.jsonl", "accepted.jsonl.manifest.json"}


def test_a_push_that_is_interrupted_says_that_it_can_be_repeated(command: Commands, tmp_path: Path) -> None:
    (tmp_path / "night.ndjson").write_text(LINE)
    slow = refuses(503, "busy", headers={"Retry-After": "100"})
    with serving(says({"id": "bat_7"}), slow) as site:
        process = command(site.address).start("push", tmp_path / "night.ndjson", "--project", "prj_1", "--watch")
        wait_for(lambda: len(site.requests) == 2)
        said = interrupt(process)

    assert said.startswith("Opened bat_7.\n503 busy: Not so. Trying again in 100 s.\n")
    assert "duplicates" in said
    assert said.endswith(f"guildhall push {tmp_path / 'night.ndjson'} --batch bat_7 --watch\n")


def test_a_site_that_stays_in_trouble_leaves_the_same_sentence(here: Commands) -> None:
    asking_for_too_long = refuses(503, "busy", headers={"Retry-After": "900"})
    with serving(POSTED, asking_for_too_long) as site:
        said = here(site.address).run("push", "-", "--batch", "bat_1", "--watch", stdin=LINE)

    assert said.code == 5
    assert said.err.endswith("The batch goes on. To watch it again: guildhall watch bat_1\n")


def test_a_reader_that_has_seen_enough_ends_it_quietly(command: Commands) -> None:
    event = {"id": "evt_1", "type": "batch.running", "timestamp": "2026-11-30T09:00:00Z", "data": {"batch": "bat_1"}}
    page, words = says({"data": [event] * 2, "last": "p.1"}), ("events", "--follow", "--every", "0.01")
    with serving(page) as site, command(site.address).start(*words) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.stdout.close()
        code = process.wait(20)
        said = process.stderr and process.stderr.read()

    assert (first, code, said) == ("2026-11-30T09:00:00Z batch.running batch=bat_1\n", 0, "")


def test_a_terminal_gets_a_bar(command: Commands) -> None:
    running, done = batch("RUNNING", created=2, open=1, accepted=1), batch("COMPLETED", created=2, accepted=2)
    near, far = pty.openpty()
    with serving(says(running), says(done)) as site:
        watching = command(site.address)
        program = watching.program("watch", "bat_1", "--every", "0.5")
        environment = {**watching.environment, "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=far) as process:
            os.close(far)
            drawn = read_all(near)
            out = process.communicate()[0]

    assert out.decode() == "bat_1 COMPLETED: 2 of 2 accepted\n"
    assert "━" in drawn
    assert "100%" in drawn
    assert "RUNNING: 1 of 2 accepted, 1 open" in drawn


def wait_for(is_so: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def interrupt(process: Any) -> str:
    """Press Ctrl-C; return what was said."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    return str(err)


def read_all(descriptor: int) -> str:
    """Read what a program wrote to its terminal, until it has gone."""
    pieces = []
    try:
        while piece := os.read(descriptor, 4_096):
            pieces.append(piece)
    except OSError:
        pass  # The other side is closed.
    os.close(descriptor)
    return b"".join(pieces).decode()
