"""Every event that the apps record is one that labs are told about, and none has room for content."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from labs.events import EVENT_KINDS

ROOT = Path(__file__).resolve().parents[2]
APPS = ("labs", "experts", "agreements", "payments", "tasks")
KIND = re.compile(r"[a-z]+\.[a-z_]+")
RECORDS = {"record_event", "_tell"}
# What somebody wrote is never called anything else.
CONTENT = {
    "answer", "body", "content", "correction", "description", "evidence", "gold", "guideline_text", "metadata", "name",
    "note", "notes", "payload", "prompt", "question_text", "reason", "response", "span", "text", "title",
}  # fmt: skip


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Give every call that records an event, or that hands its kind on."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in RECORDS:
                    yield path.relative_to(ROOT).as_posix(), node


def test_every_recorded_kind_is_one_that_labs_can_choose() -> None:
    kinds = {
        argument.value
        for _, call in calls()
        for argument in call.args
        if isinstance(argument, ast.Constant) and KIND.fullmatch(str(argument.value))
    }

    assert kinds
    assert kinds - set(EVENT_KINDS) == set()


def test_no_event_is_given_content() -> None:
    named = {(path, keyword.arg) for path, call in calls() for keyword in call.keywords}

    assert named
    assert {(path, name) for path, name in named if name in CONTENT} == set()
