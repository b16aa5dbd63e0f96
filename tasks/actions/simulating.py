"""What the experts of test batches need besides the doors of real ones: a batch's turn, and a calendar of their own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from accounts.outbox import due
from experts.models import Expert
from kernel.db import action, require_transaction
from kernel.errors import FieldError, Invalid
from labs.models import Mode
from tasks.models import Batch, Claim, Simulation, Slot, WorkKind
from tasks.rules import HANDING_OUT
from tasks.states import ClaimState, ProjectState, SlotState

JOB = "marketplace.simulate_batch"
TURN_SECONDS = 15  # The job's time limit, many times a slice: whoever is longer at it is dead.
LOOK_AGAIN = timedelta(seconds=2)
LEFT_BEHIND_AT_ONCE = 100
GIVEN_UP_AFTER = timedelta(days=7)  # Such a batch waits for its lab: for a budget, mostly.
MAX_SEED = 2**31 - 1
# Long before the first real work, so that no limit of hours, lease or statement ever meets it (decision 0007).
CALENDARS_BEGIN = datetime(1001, 1, 1, tzinfo=UTC)
MOVE_ON = """
INSERT INTO tasks_simulatedcalendar (expert_id, reached) VALUES (%s, %s::timestamptz + make_interval(secs => %s))
ON CONFLICT (expert_id) DO UPDATE SET reached = tasks_simulatedcalendar.reached + make_interval(secs => %s)
RETURNING reached - make_interval(secs => %s)
"""


def add_simulation(batch: Batch, mode: str, settings: Mapping[str, int] | None) -> Simulation | None:
    """Store how a test batch is simulated, as a step of the caller's action; a live one takes no such settings."""
    require_transaction()
    if mode != Mode.TEST:
        if settings is not None:
            detail = "Only batches made with a test key are simulated. Leave this out."
            raise Invalid([FieldError("/simulation", "test_mode_only", detail)])
        return None
    values = {"seed": secrets.randbelow(MAX_SEED), **(settings or {})}
    return Simulation.objects.create(batch=batch, **values)


@action
def take_turn(batch_id: UUID, *, now: datetime) -> Simulation | None:
    """Return the batch's simulation if nobody plays it now; else make sure that it is looked at after this turn."""
    holder = uuid4().hex
    is_free = Q(turn_until=None) | Q(turn_until__lte=now)
    turn = {"turn_until": now + timedelta(seconds=TURN_SECONDS), "turn_holder": holder}
    if not Simulation.objects.filter(is_free, batch=batch_id).update(**turn):
        playing = Simulation.objects.filter(batch=batch_id).first()
        if playing is not None:  # However many ask during one turn, one comes back after it.
            key = f"{batch_id}-after-{playing.turn_holder}" if playing.turn_holder else None
            due(JOB, key=key, run_after=now + LOOK_AGAIN, batch=batch_id)
        return None
    return Simulation.objects.select_related("batch__project__agreement").get(batch=batch_id)


@action
def end_turn(simulation: Simulation, *, is_unfinished: bool = False, look_again_at: datetime | None = None) -> None:
    """Let others play the batch; come back at once to what is unfinished, or when going on may be possible again."""
    mine = Simulation.objects.filter(batch=simulation.batch_id, turn_holder=simulation.turn_holder)
    if mine.update(turn_until=None, turn_holder="") and (is_unfinished or look_again_at):
        due(JOB, run_after=None if is_unfinished else look_again_at, batch=simulation.batch_id)


@action
def ask_for_left_behind(now: datetime) -> int:
    """Begin anew with the test batches whose open work and reviews nobody came for; return how many there were."""
    is_open = Slot.objects.filter(batch=OuterRef("batch"), state=SlotState.OPEN)
    hands_out = Q(batch__state__in=HANDING_OUT, batch__project__state=ProjectState.LIVE)
    waiting = Simulation.objects.filter(
        Q(Exists(is_open.filter(kind=WorkKind.REVIEW))) | Q(Exists(is_open)) & hands_out,
        Q(turn_until=None) | Q(turn_until__lte=now),
        batch__launched_at__gt=now - GIVEN_UP_AFTER,
    )
    batches = list(waiting.order_by("batch").values_list("batch", flat=True)[:LEFT_BEHIND_AT_ONCE])
    for batch_id in batches:
        due("tasks.route_batch", batch=batch_id)
    return len(batches)


@action
def pass_time(expert: Expert, seconds: int) -> datetime:
    """Move a simulated expert's own calendar on by ``seconds``; return where it stood before."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE_ON, [expert.pk, CALENDARS_BEGIN, seconds, seconds, seconds])
        (began,) = cursor.fetchone()
    assert isinstance(began, datetime)
    return began


@action
def shorten_window(claim_id: UUID, *, to: datetime) -> bool:
    """Let the lab's window on an answer that nobody reviews end sooner, as its simulation asks; say whether it did."""
    waiting = Claim.objects.filter(pk=claim_id, state=ClaimState.SUBMITTED, decision_due_at__gt=to)
    return bool(waiting.update(decision_due_at=to))
