"""Move rows through their lives: each move names the state it leaves, so of two callers one is told."""

from collections.abc import Mapping
from datetime import datetime

from django.db import models

from kernel.db import require_transaction
from kernel.errors import IllegalMove, LostRace
from kernel.rows import is_gathering, update, update_surely

Moves = Mapping[str, frozenset[str]]


class Stateful(models.Model):
    """A row with a life."""

    state = models.CharField(max_length=20)
    state_changed_at = models.DateTimeField()

    class Meta:
        abstract = True


def move(row: Stateful, to: str, *, moves: Moves, now: datetime, **fields: object) -> str:
    """Move ``row`` to state ``to``, set ``fields`` with it, and return the state it left."""
    require_transaction()
    was = row.state
    name = row._meta.verbose_name
    if to not in moves.get(was, frozenset()):
        raise IllegalMove(f"This {name} is {_said(was)}, so it cannot become {_said(to)}.")
    changes = {"state": to, "state_changed_at": now, **fields}
    lost = f"Somebody else changed this {name} a moment ago. Load the page again to see how it stands."
    if is_gathering():
        update_surely(row, changes, lost, state=was)
    elif not update(row, changes, state=was):
        raise LostRace(lost)
    for field, value in changes.items():
        setattr(row, field, value)
    return was


def _said(state: str) -> str:
    return state.replace("_", " ").lower()
