"""A lab does its whole side with our Python client and its command, as installed, against a running server."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from guildhall import ConflictError, Guildhall, InvalidError, Retries, pushing
from tests.client.conftest import distributions, installed
from tests.client.cutting import Cut, cutting
from tests.client.installed import PROJECT, Command
from tests.faults.processes import running, sweeper, worker
from tests.journeys.test_simulated_loop import QUEUES, wait_for
from tests.labs.factories import make_key
from tests.tasks.play import Play, make_play

__all__ = ["distributions", "installed"]

MANY, FEW, BROKEN = 1_200, 8, (3, 700, 1_199)
QUICK = Retries(attempts=6, first_seconds=0.05)
BUDGET_MINOR = 10_000_00


@pytest.fixture
def play(transactional_db: None) -> Play:
    """Return a lab with play money and a project that is launched."""
    return make_play()


@pytest.fixture
def lab(live_server: LiveServer, play: Play) -> Iterator[Guildhall]:
    """Return the client, with a test key of that lab."""
    with Guildhall(make_key(play.lab, play.owner, mode="test")[1], live_server.url) as lab:
        yield lab


@pytest.fixture
def command(live_server: LiveServer, play: Play, installed: Path) -> Command:
    """Return the command, with a test key of that lab."""
    return Command(installed, make_key(play.lab, play.owner, mode="test")[1], live_server.url)


@pytest.fixture
def workers(play: Play, settings: Any) -> Iterator[None]:
    """Run what plays the experts and makes the files."""
    settings.OUTBOX_NUDGES = True
    with running(worker(QUEUES)), running(sweeper()):
        yield


def launched_project(lab: Guildhall, **settings: Any) -> str:
    """Write a project down, with all that a launch wants, by the client alone; return its id."""
    agreement = lab.agreements.create(title="Trial", code_name="Sandpiper")
    draft = lab.agreements.draft_version(agreement["id"], text="# Trial\n\nKeep it to yourself.")
    lab.agreements.publish_version(agreement["id"], draft["id"])
    asked: Any = {
        "name": "Notice", "code_name": "Sandpiper", "kind": "demonstration", "domain": "psychiatry", "tier_min": 3,
        "agreement": agreement["id"], "expected_seconds": 300, **settings,
    }  # fmt: skip
    project = lab.projects.create(asked)
    lab.projects.publish_guideline(project["id"], text="# Rules\n\nBe exact.")
    lab.funds.pay_in(amount_minor=BUDGET_MINOR, currency="XTS", method="card")  # Play money is there at once.
    lab.projects.allocate(project["id"], amount_minor=BUDGET_MINOR, currency="XTS")
    return lab.projects.launch(project["id"])["id"]


def task(number: int) -> dict[str, Any]:
    """Return a task."""
    return {"external_id": f"t-{number}", "payload": {"prompt": f"Does notice matter in matter {number}?"}}


def write(path: Path, tasks: list[dict[str, Any]], broken: tuple[int, ...] = ()) -> Path:
    """Write tasks to a file, spoiling lines by their number; return its path."""
    lines = [json.dumps(each) for each in tasks]
    for number in broken:
        lines[number - 1] = lines[number - 1].replace("payload", "paylod")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_long_file_with_broken_lines_is_pushed_mended_and_quoted(
    lab: Guildhall, command: Command, play: Play, tmp_path: Path
) -> None:
    project, tasks, errors = play.project.public_id, [task(n) for n in range(MANY)], tmp_path / "errors.ndjson"
    file = write(tmp_path / "night.ndjson", tasks, BROKEN)

    first = command.run("push", file, "--project", project, "--launch", "--errors", errors, "--json")
    batch = first.value["batch"]
    after_first = lab.batches.get(batch)
    mended = command.run("push", write(file, tasks), "--batch", batch, "--launch", "--json")
    quoted = command.run("quote", batch)

    assert (first.code, first.value["accepted"], first.value["rejected"]) == (1, MANY - 3, 3)
    assert {json.loads(line)["line"] for line in errors.read_text().splitlines()} == set(BROKEN)
    assert "line 700 (t-699)" in first.err
    assert "The batch was not launched." in first.err
    assert (after_first["name"], after_first["launched_at"]) == ("night.ndjson", None)
    assert (mended.code, mended.value["accepted"], mended.value["duplicates"]) == (0, 3, MANY - 3)
    assert lab.batches.get(batch)["state"] == "RUNNING"
    assert (quoted.code, quoted.out.splitlines()[0][:13]) == (0, "1,200 answers")


@pytest.mark.processes
@pytest.mark.usefixtures("workers")
def test_work_is_launched_watched_judged_pulled_and_told_of(lab: Guildhall, command: Command, tmp_path: Path) -> None:
    project = launched_project(lab, review_policy="none")
    batch = lab.batches.create(project, name="All", simulation={"seed": 7, "accept_after_seconds": 3_600})["id"]
    listener = command.start("events", "--follow", "--every", "0.2")
    pushed = command.run("push", write(tmp_path / "few.ndjson", [task(n) for n in range(FEW)]), "--batch", batch)
    lab.batches.launch(batch)
    lab.batches.drain(batch)

    wait_for(lambda: lab.batches.get(batch)["progress"]["submitted"] == FEW)
    judge_all(lab, batch)
    watched = command.run("watch", batch, "--every", "0.2")
    pulled = command.run("pull", "--batch", batch, "--shape", "sft", "-o", tmp_path / "all.jsonl")
    check_resumption(lab, command, tmp_path)
    heard = interrupted_after(listener, "export.ready")

    assert (pushed.code, watched.code, pulled.code) == (0, 0, 0)
    assert watched.out == f"{batch} COMPLETED: {FEW} of {FEW} accepted\n"
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert {row["external_id"] for row in rows} == {f"t-{n}" for n in range(FEW)}
    check_increment(command, batch, pulled.err, tmp_path)
    check_events(command, heard, batch)
    assert lab.funds.spend(by=["batch"])["total_minor"] == lab.funds.balance()["spent_minor"] > 0


def judge_all(lab: Guildhall, batch: str) -> None:
    """Accept what was handed in, one answer with a version of our own; it cannot be done twice."""
    first, *others = lab.submissions.all(batch=batch, state="SUBMITTED", with_response=True)
    fixed = lab.submissions.fix(first["id"], response={**first["response"], "answer": "It does."}, notes="Shorter")
    states = [lab.submissions.accept(each["id"])["state"] for each in others]
    with pytest.raises(ConflictError):
        lab.submissions.accept(first["id"])
    assert [fixed["state"], *states] == ["ACCEPTED"] * FEW


def interrupted_after(process: Any, word: str) -> tuple[list[str], str]:
    """Read what a process prints up to a line with ``word``, then interrupt it; return its lines and what it says."""
    lines = []
    while not lines or word not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    return lines, err


def check_resumption(lab: Guildhall, command: Command, folder: Path) -> None:
    """Expect the same file over a line that breaks."""
    export = next(lab.exports.all())["id"]
    with (
        cutting(command.address, Cut(back=5_000), Cut(back=3_000)) as line,
        Guildhall(command.key, line.address) as far,
    ):
        far.exports.download(export, folder / "again.jsonl")
    assert line.opened == 3
    assert (folder / "again.jsonl").read_bytes() == (folder / "all.jsonl").read_bytes()


def check_increment(command: Command, batch: str, err: str, folder: Path) -> None:
    """Expect the cursor that a pull gave to lead to a file without what that one held; and its manifest beside it."""
    since = re.search(r"--since (\S+)", err)
    assert since is not None
    again = command.run(
        "pull", "--batch", batch, "--shape", "sft", "--since", since[1], "-o", folder / "more.jsonl", "--json"
    )
    assert (again.code, again.value["files"][0]["rows"]) == (0, 0)
    assert (folder / "more.jsonl").read_bytes() == b""
    assert json.loads((folder / "all.jsonl.manifest.json").read_text())["next_since"] == since[1]


def check_events(command: Command, heard: tuple[list[str], str], batch: str) -> None:
    """Expect the feed to have told the batch's life in order, and its last sentence to lead on without a gap."""
    lines, err = heard
    told = [line.split()[1] for line in lines if batch in line and line.split()[1].startswith("batch.")]
    assert told[:4] == ["batch.staged", "batch.running", "batch.draining", "batch.completed"]
    after = re.search(r"Interrupted\. .*guildhall events --follow --after (\S+)", err)
    assert after is not None
    everything = command.run("events", "--json").out.splitlines()
    rest = command.run("events", "--json", "--after", after[1]).out.splitlines()
    assert len(lines) + len(rest) >= len(everything)
    assert all(json.loads(line)["mode"] == "test" for line in everything)


@pytest.mark.processes
@pytest.mark.usefixtures("workers")
def test_the_code_in_the_readme_does_what_it_says(
    command: Command, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    write(tmp_path / "batch.ndjson", [task(1), task(2)], (2,))
    monkeypatch.chdir(tmp_path)
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)

    exec(code.replace("prj_…", play.project.public_id), {})  # noqa: S102 -- our own document

    lines = capsys.readouterr().out.splitlines()
    row = json.loads((tmp_path / "accepted.jsonl").read_text())
    assert lines[0].startswith("2 /")
    assert lines[-2].startswith("COMPLETED")
    assert row["external_id"] == "t-1"


def test_a_line_that_breaks_again_and_again_loses_and_doubles_nothing(
    lab: Guildhall, command: Command, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "CHUNK_LINES", 300)
    batch = lab.batches.create(play.project.public_id, name="All")["id"]
    in_the_middle, before_the_answer, within_the_answer = Cut(there=9_000), Cut(back=1), Cut(back=300)
    cuts = [in_the_middle, before_the_answer, within_the_answer, in_the_middle]
    with cutting(command.address, *cuts) as line, Guildhall(command.key, line.address, retries=QUICK) as far:
        pushed = far.tasks.push(batch, (task(n) for n in range(MANY)))

    assert line.opened == 5
    assert (pushed.lines, pushed.accepted, pushed.duplicates, pushed.rejected) == (MANY, MANY, 0, 0)
    assert lab.batches.get(batch)["progress"]["open"] == MANY


def test_a_batch_that_is_cancelled_ends_its_watch_with_1(lab: Guildhall, command: Command, play: Play) -> None:
    tasks: Any = [task(1)]
    batch = lab.batches.create(play.project.public_id, name="All", tasks=tasks)["id"]
    lab.batches.launch(batch)
    lab.batches.cancel(batch, reason="Superseded")

    watched = command.run("watch", batch)

    assert (watched.code, watched.out) == (1, f"{batch} CANCELLED: 0 of 1 accepted, 1 void\n")


def test_all_or_nothing_stores_nothing_and_names_the_lines(
    lab: Guildhall, command: Command, play: Play, tmp_path: Path
) -> None:
    batch = lab.batches.create(play.project.public_id, name="All")["id"]
    file = write(tmp_path / "all.ndjson", [task(n) for n in range(5)], (2, 4))

    said = command.run("push", file, "--batch", batch, "--mode", "all_or_nothing", "--errors", tmp_path / "errors")
    with pytest.raises(InvalidError) as refusal:
        lab.tasks.push(batch, file, mode="all_or_nothing")

    assert said.code == 1
    assert "line 2 (t-1)" in said.err
    assert {json.loads(line)["line"] for line in (tmp_path / "errors").read_text().splitlines()} == {2, 4}
    assert refusal.value.code == "lines_not_valid"
    assert list(lab.tasks.all(batch)) == []


def test_a_project_that_lacks_something_is_told_all_of_it(lab: Guildhall) -> None:
    agreement = lab.agreements.create(title="Trial", code_name="Owl")["id"]
    settings: Any = {"name": "N", "code_name": "Owl", "kind": "creative", "domain": "fiction", "tier_min": 2}
    project = lab.projects.create({**settings, "agreement": agreement, "expected_seconds": 300})["id"]

    with pytest.raises(ConflictError) as refusal:
        lab.projects.launch(project)

    assert refusal.value.code == "launch_refused"
    assert {"no_published_agreement", "no_budget"} <= {each["code"] for each in refusal.value.errors}


def test_pages_follow_one_another_to_the_end(lab: Guildhall, play: Play) -> None:
    batch = lab.batches.create(play.project.public_id, name="All")["id"]
    lab.tasks.push(batch, (task(n) for n in range(450)))

    tasks = list(lab.tasks.all(batch))
    with_payload = list(lab.tasks.all(batch, external_id="t-7", with_payload=True))

    assert [each["external_id"] for each in tasks] == [f"t-{n}" for n in reversed(range(450))]
    assert [each["payload"] for each in with_payload] == [task(7)["payload"]]
