"""``guildhall events``: what happened, and with ``--follow`` what happens."""

from __future__ import annotations

from argparse import Namespace

from guildhall.client import Guildhall
from guildhall.command.exits import OK
from guildhall.command.screen import Screen
from guildhall.models import Event


def run(lab: Guildhall, options: Namespace, screen: Screen) -> int:
    """Print events, oldest first, a line each; say where to go on."""
    every = options.every
    stream = lab.events.follow(after=options.after, poll_seconds=every) if options.follow else None
    stream = stream or lab.events.all(after=options.after)
    follow = " --follow" if options.follow else ""
    screen.how_to_go_on = lambda: (
        f"To go on without a gap: guildhall events{follow}" + (f" --after {stream.cursor}" if stream.cursor else "")
    )
    for event in stream:
        if not options.type or event["type"] in options.type:
            screen.put(written(event), event)
    screen.say(screen.how_to_go_on())
    return OK


def written(event: Event) -> str:
    """Write an event for a person."""
    return " ".join([event["timestamp"], event["type"], *(f"{name}={value}" for name, value in event["data"].items())])
