"""The lines of docs/api.md, run in their order as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import orjson
import pytest

from accounts.outbox import drain
from kernel.db import app_now
from kernel.ids import decode_id
from labs.events import EVENT_KINDS
from tasks.actions import routes
from tasks.actions.questions import ask_question
from tasks.models import Project
from tests.labs.factories import ApiClient, make_client
from tests.tasks.documents import a_picture
from tests.tasks.factories import World, claim_for, fund, hand_in, make_world, sign, work
from tests.tasks.play import make_play

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
LINES = b'{"external_id": "t-1", "payload": {"prompt": "When are lithium levels taken?"}}\n'
BODIES = {"@tasks.ndjson": LINES, "@scan.png": a_picture()}
# What an answer is remembered as, by the address that gave it.
NAMES = {
    "/agreements": "AGREEMENT",
    "/versions": "VERSION",
    "/projects": "PROJECT",
    "/files": "FILE",
    "/batches": "BATCH",
    "/exports": "EXPORT",
    "/webhooks": "WEBHOOK",
    ":test": "DELIVERY",
    "/keys": "APIKEY",
    "/fundings": "FUNDING",
}


def commands(*, of_test_mode: bool = False) -> list[list[str]]:
    """Return the curl lines of the section on test mode, or all others, split as a shell would."""
    before, rest = DOCUMENT.read_text().split("\n## Test mode\n")
    section, after = rest.split("\n## ", 1)
    blocks = re.findall(r"```sh\n(.*?)```", section if of_test_mode else before + after, re.DOTALL)
    lines = re.split(r"\n(?=curl|export)", "\n".join(blocks).replace("\\\n", " "))
    return [shlex.split(line) for line in lines if line.startswith("curl")]


def run(lab: ApiClient, words: list[str], known: dict[str, str]) -> Any:
    """Send what curl would."""
    text = [re.sub(r"\$([A-Z]+)", lambda name: known.get(name[1], name[0]), word) for word in words]
    address = next(word for word in text if "/api/v1" in word).partition("/api/v1")[2]
    headers = dict(word.split(": ", 1) for word in text if re.match(r"[A-Z][\w-]+: ", word))
    data = next((text[at + 1] for at, word in enumerate(text) if word in ("-d", "--data-binary")), None)
    method = "post" if data is not None or "POST" in text else "get"
    raw = BODIES[data] if data and data.startswith("@") else (data or "").encode()
    if method == "get":
        return lab.client.get(f"/api/v1{address}", HTTP_AUTHORIZATION=f"Bearer {lab.text}")
    return lab.send(
        "post", address, raw, key=headers.get("Idempotency-Key"), content_type=headers.get("Content-Type", "")
    )


def prepare(world: World, path: str, known: dict[str, str]) -> None:
    """Do what happens outside the document: the money comes in, an expert works, the file is made."""
    now = app_now().replace(microsecond=0)
    if path.endswith("budget:allocate"):
        fund(world.lab, Project.objects.get(pk=decode_id("prj", known["PROJECT"])), 500_000, by=world.owner, now=now)
        Project.objects.filter(pk=world.project.pk).update(state="PAUSED")
    if "/questions?" in path:
        project = Project.objects.get(pk=decode_id("prj", known["PROJECT"]))
        Project.objects.filter(pk=project.pk).update(assignment="open")
        sign(project.agreement.versions.get(), [world.cyd], now=now)
        routes.compute_eligibility(project, now=now)
        claim = claim_for(world.cyd, now=now)
        ask_question(claim.pk, expert=world.cyd, text="In which unit?", now=now)
        hand_in(claim, world.cyd, now=work(claim, world.cyd, 300, since=now))
    if path.endswith("/download"):
        drain()


def test_every_line_of_the_document_works() -> None:
    world = make_world(tasks=1)
    fund(world.lab, world.project, 500_000, by=world.owner, now=app_now())
    lab = make_client(world.lab, world.owner)
    lab.post(
        f"/projects/{world.project.public_id}/budget:deallocate",
        {"amount": {"amount_minor": 400_000, "currency": "USD"}},
    )
    known: dict[str, str] = {}
    sent = commands()

    for words in sent:
        path = next(word for word in words if "/api/v1" in word).partition("/api/v1")[2]
        prepare(world, path, known)
        answer = run(lab, words, known)
        assert answer.status_code in (200, 201, 202), (words, answer.content)
        if path.endswith("/content"):
            assert answer.content.startswith(b"\x89PNG")
            continue
        if path.endswith("/download"):
            row = orjson.loads(b"".join(answer.streaming_content))
            assert row["external_id"] == "t-1"
            continue
        if path.endswith("format=csv"):
            assert answer.content.startswith(b"project,project_name,")
            continue
        body = answer.json()
        name = next((name for end, name in NAMES.items() if path.endswith(end)), None)
        if name and "id" in body:  # A list has the address of its making.
            known[name] = body["id"]
        for end, name in (("/questions?answered=false", "QUESTION"), ("&expand=response", "SUBMISSION")):
            if path.endswith(end):
                known[name] = body["data"][0]["id"]

    assert len(sent) == 45


@pytest.mark.django_db(transaction=True)  # The feed shows what is committed.
def test_the_lines_of_test_mode_lead_to_a_batch_that_is_done_by_itself() -> None:
    play = make_play(is_launched=False)
    lab = make_client(play.lab, play.owner, mode="test")
    known = {"PROJECT": play.project.public_id}
    drain()  # The key brought play money.
    answers = []

    for words in commands(of_test_mode=True):
        answer = run(lab, words, known)
        drain(100)
        assert answer.status_code in (200, 201), (words, answer.content)
        answers.append(answer.json())
        known["BATCH"] = next((body["id"] for body in answers if body.get("id", "").startswith("bat_")), "")

    *_, batch, submissions, feed = answers
    assert len(answers) == 8
    assert (batch["state"], batch["progress"]["accepted"]) == ("COMPLETED", 1)
    assert [row["state"] for row in submissions["data"]] == ["ACCEPTED"]
    assert {"batch.running", "batch.completed"} <= {event["type"] for event in feed["data"]}


def test_the_document_lists_every_event() -> None:
    listed = dict(re.findall(r"^\| `([a-z_.]+\.[a-z_]+)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE))

    assert listed == EVENT_KINDS
