"""How the experts of a test batch behave, and where the calendar of each of them stands."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.models.batches import Batch

WHOLE_BPS = 10_000
USUAL_BPS = {"accept": 8_000, "return": 800, "reject": 400}


class Simulation(models.Model):
    """What is drawn for a test batch: the seed and the shares, in basis points, that its simulated experts keep to.

    What is neither accepted as it is, sent back nor rejected is accepted with the reviewer's corrections.
    """

    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, primary_key=True, related_name="simulation")
    seed = models.BigIntegerField()
    accept_bps = models.PositiveIntegerField(default=USUAL_BPS["accept"])
    return_bps = models.PositiveIntegerField(default=USUAL_BPS["return"])
    reject_bps = models.PositiveIntegerField(default=USUAL_BPS["reject"])
    disagree_bps = models.PositiveIntegerField(default=2_000)
    gold_fail_bps = models.PositiveIntegerField(default=1_000)
    accept_after_seconds = models.PositiveIntegerField(default=0)  # The lab's window where nobody reviews.
    turn_until = models.DateTimeField(null=True, blank=True)  # One worker at a time plays a batch.
    turn_holder = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(seed__gte=0), name="simulation_seed_not_negative"),
            models.CheckConstraint(
                condition=Q(accept_bps__lte=WHOLE_BPS - F("return_bps") - F("reject_bps")),
                name="simulation_decisions_are_one_whole",
            ),
            models.CheckConstraint(
                condition=Q(disagree_bps__lte=WHOLE_BPS, gold_fail_bps__lte=WHOLE_BPS), name="simulation_shares_fit"
            ),
        )

    def __str__(self) -> str:
        return f"simulation of {self.batch_id}"


class SimulatedCalendar(models.Model):
    """How far a simulated expert's own calendar has come: their meter runs in it, and never in the house's time."""

    expert = models.OneToOneField("experts.Expert", on_delete=models.PROTECT, primary_key=True, related_name="+")
    reached = models.DateTimeField()

    def __str__(self) -> str:
        return f"calendar of {self.expert_id}"
