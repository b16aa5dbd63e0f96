"""``guildhall push``: stream a file of tasks to a batch."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from guildhall.client import Guildhall
from guildhall.command import watch
from guildhall.command.exits import OK, REFUSED
from guildhall.command.screen import Screen, as_lines, size
from guildhall.errors import FieldError, InvalidError
from guildhall.lines import Source
from guildhall.models import LineError
from guildhall.pushing import Pushed


def run(lab: Guildhall, options: Namespace, screen: Screen) -> int:
    """Push, then launch and watch as asked; return 1 where lines were rejected, which are then not launched."""
    source, total = opened(options.file)
    write_errors(options.errors, ())  # A file that cannot be written is known before anything is sent.
    batch = options.batch or opened_batch(lab, options, screen)
    screen.how_to_go_on = lambda: (
        "What was stored stays. To go on, push the same again (what is there counts as duplicates): "
        f"guildhall push {options.file} --batch {batch}{rest_of(options)}"
    )
    pushed = push(lab, batch, source, total, options, screen)
    screen.put(summary(pushed), vars(pushed))
    screen.list_errors(pushed.errors)
    write_errors(options.errors, pushed.errors)
    if pushed.rejected:
        screen.say(f"Mend these lines and push them again with --batch {batch}." + not_launched(options))
        return REFUSED
    if options.launch and lab.batches.get(batch)["state"] in ("DRAFT", "STAGED"):
        lab.batches.launch(batch)
    return watch.follow(lab, batch, options.every, screen) if options.watch else OK


def opened(name: str) -> tuple[Source, int | None]:
    """Return the source that is named, and its size where that is the size of what is sent."""
    if name == "-":
        return sys.stdin.buffer, None
    length = os.stat(name).st_size  # Raises before anything is sent.
    return name, None if name.endswith(".gz") else length


def opened_batch(lab: Guildhall, options: Namespace, screen: Screen) -> str:
    """Open a batch in the project, named as asked, or as the file."""
    name = options.name or ("Standard input" if options.file == "-" else Path(options.file).name)
    batch = lab.batches.create(options.project, name=name)["id"]
    screen.say(f"Opened {batch}.")
    return batch


def push(lab: Guildhall, batch: str, source: Source, total: int | None, options: Namespace, screen: Screen) -> Pushed:
    """Push under a bar; where all was refused for some lines, keep what is wrong with them."""
    with screen.bar("Pushing") as bar:

        def show(sums: Pushed) -> None:
            bar.show(
                sums.bytes_sent, total, f"{sums.lines:,} lines, {size(sums.bytes_sent)}, {sums.rejected:,} rejected"
            )

        try:
            return lab.tasks.push(
                batch, source, mode=options.mode, idempotency_key=options.idempotency_key, on_posting=show
            )
        except InvalidError as refusal:
            write_errors(options.errors, refusal.errors)
            raise


def summary(pushed: Pushed) -> str:
    """Say what became of the lines."""
    return (
        f"{pushed.batch}: {pushed.lines:,} lines: {pushed.accepted:,} accepted, {pushed.duplicates:,} duplicates, "
        f"{pushed.rejected:,} rejected"
    )


def write_errors(path: str | None, errors: Sequence[FieldError | LineError]) -> None:
    """Write what is wrong, a line of JSON for each error, where a file for it was named."""
    if path is not None:
        Path(path).write_text(as_lines(errors), encoding="utf-8")


def rest_of(options: Namespace) -> str:
    """Return the options that the same push needs again."""
    mode = "" if options.mode == "partial" else f" --mode {options.mode}"
    return f"{mode}{' --launch' if options.launch else ''}{' --watch' if options.watch else ''}"


def not_launched(options: Namespace) -> str:
    """Say that what was asked for next is not done."""
    return " The batch was not launched." if options.launch else ""
