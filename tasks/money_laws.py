"""The two laws of money that rest on work: paid time does not overlap, and a slot is claimed once."""

from payments.checks import register
from payments.checks.asking import Invariant, count_of

HELD = "('WORKING', 'SUBMITTED', 'RETURNED', 'ACCEPTED')"

TIME_IS_PAID_ONCE = Invariant(
    "15. no expert is paid twice for the same second",
    "SELECT a.id || ' and ' || b.id || ' of ' || a.expert_id FROM tasks_segment a JOIN tasks_segment b"
    " ON a.expert_id = b.expert_id AND a.id < b.id AND a.during && b.during",
    count_of("tasks_segment", "stretches of time"),
    ("one_place_at_a_time",),
)
A_SLOT_IS_CLAIMED_ONCE = Invariant(
    "16. a slot has one claim that works on it, waits for a decision or was accepted",
    "SELECT slot_id || ': ' || count(*) || ' claims' FROM tasks_claim WHERE slot_id IS NOT NULL"  # noqa: S608  (our own text)
    f" AND state IN {HELD} GROUP BY slot_id HAVING count(*) > 1",
    count_of(f"tasks_claim WHERE state IN {HELD}", "claims"),
    ("one_holding_claim_per_slot",),
)

register(TIME_IS_PAID_ONCE, A_SLOT_IS_CLAIMED_ONCE)
