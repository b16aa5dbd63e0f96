"""What a person or a log sees: bars on a terminal, plain lines elsewhere, and results alone on standard output."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column

from guildhall.errors import FieldError, GuildhallError
from guildhall.models import LineError

SECONDS_BETWEEN_LINES = 5.0
MOST_SHOWN = 20


class Bar(Protocol):
    """Something under way."""

    def show(self, done: int, total: int | None, note: str) -> None:
        """Say how far it is."""


class Screen:
    """Results go to standard output, everything else to standard error."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        self.console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self.how_to_go_on: Callable[[], str] = lambda: "Nothing was left half done: run it again."

    def put(self, text: str, value: object) -> None:
        """Print a result: as JSON where that was asked for."""
        print(json.dumps(value, ensure_ascii=False) if self.is_json else clean(text), flush=True)

    def say(self, text: str) -> None:
        """Tell something that is no result."""
        self.console.print(clean(text))

    def say_pause(self, problem: GuildhallError, seconds: float) -> None:
        """Tell why nothing seems to happen, where that takes a while."""
        if seconds >= 1:
            self.say(f"{problem} Trying again in {seconds:.0f} s.")

    def list_errors(self, errors: Sequence[FieldError | LineError]) -> None:
        """Tell what is wrong with lines or fields, up to a bound."""
        for error in errors[:MOST_SHOWN]:
            line = f"line {error['line']} " if "line" in error else ""
            name = f"({error['external_id']}) " if error.get("external_id") else ""
            self.say(f"{line}{name}{error['pointer']}: {error['code']}: {error['detail']}")
        if len(errors) > MOST_SHOWN:
            self.say(f"… and {len(errors) - MOST_SHOWN:,} more.")

    @contextmanager
    def bar(self, what: str) -> Iterator[Bar]:
        """Show progress until the block is left; on a narrow terminal the note is cut, and the bar stays."""
        if not self.console.is_terminal:
            yield Lines(self, what)
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TaskProgressColumn(show_speed=False),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        )
        with Progress(*columns, console=self.console, expand=True) as progress:
            yield Drawn(progress, progress.add_task(what, total=None, note=""))


class Drawn:
    """A bar on a terminal."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def show(self, done: int, total: int | None, note: str) -> None:
        """Draw it."""
        self.progress.update(self.task, completed=done, total=total, note=clean(note))


class Lines:
    """Plain lines where nobody watches a bar: one every few seconds, and the last."""

    def __init__(self, screen: Screen, what: str) -> None:
        self.screen, self.what = screen, what
        self.said_at = -SECONDS_BETWEEN_LINES

    def show(self, done: int, total: int | None, note: str) -> None:
        """Write it, unless one was just written."""
        now = time.monotonic()
        if done == total or now - self.said_at >= SECONDS_BETWEEN_LINES:
            self.said_at = now
            self.screen.say(f"{self.what}: {note}")


def clean(text: str) -> str:
    """Return text in which nothing moves a terminal's cursor: some of it comes from elsewhere."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)


def money(minor: int, currency: str) -> str:
    """Write an amount of minor units, hundredths in each currency of Guildhall."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d} {currency}"


def size(count: int) -> str:
    """Write a number of bytes."""
    return f"{count:,} B" if count < 10_000 else f"{count / 1_000_000:,.2f} MB"


def as_lines(rows: Sequence[Any]) -> str:
    """Write rows as NDJSON."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
