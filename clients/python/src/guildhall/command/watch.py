"""``guildhall watch``: look at a batch until nothing more comes of it."""

from __future__ import annotations

from argparse import Namespace

from guildhall.client import Guildhall
from guildhall.command.exits import OK, REFUSED
from guildhall.command.screen import Screen
from guildhall.models import BatchDetail


def run(lab: Guildhall, options: Namespace, screen: Screen) -> int:
    """Watch the batch that is named."""
    return follow(lab, options.batch, options.every, screen)


def follow(lab: Guildhall, batch: str, every_seconds: float, screen: Screen) -> int:
    """Show a batch's progress to its end; return 1 where it was cancelled."""
    screen.how_to_go_on = lambda: f"The batch goes on. To watch it again: guildhall watch {batch}"
    with screen.bar("Watching") as bar:
        for found in lab.batches.watch(batch, every_seconds=every_seconds):
            counts = found["progress"]
            bar.show(counts["accepted"] + counts["void"], counts["created"] or None, standing(found))
    screen.put(f"{batch} {standing(found)}", found)
    if found["state"] == "RUNNING":
        screen.say("All answers are in. The batch still takes tasks: drain it if these were all.")
    return REFUSED if found["state"] == "CANCELLED" else OK


def standing(batch: BatchDetail) -> str:
    """Say where a batch stands."""
    counts = batch["progress"]
    others = {
        "open": counts["open"],
        "at work": counts["claimed"],
        "in review": counts["submitted"],
        "void": counts["void"],
    }
    parts = [f"{counts['accepted']:,} of {counts['created']:,} accepted"]
    parts += [f"{count:,} {words}" for words, count in others.items() if count]
    hint = ", waits to be launched" if batch["state"] in ("DRAFT", "STAGED") else ""
    return f"{batch['state']}{hint}: {', '.join(parts)}"
