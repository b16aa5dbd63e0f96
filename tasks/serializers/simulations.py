"""How a test batch is simulated, as the API takes and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labs.doors import SafeIntegerField, StrictSerializer
from tasks.actions.simulating import MAX_SEED
from tasks.models import Simulation
from tasks.models.simulations import USUAL_BPS, WHOLE_BPS

LONGEST_WINDOW_SECONDS = 30 * 24 * 3_600
DECISIONS = tuple(USUAL_BPS)  # What is left of the whole is accepted with corrections.
RATES = (*DECISIONS, "disagree", "gold_fail")


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 1})
class RateField(serializers.Field[int, Any, float, Any]):
    """A share from 0 to 1, in steps of a hundredth of a per cent; inside, whole basis points."""

    def to_internal_value(self, data: Any) -> int:
        """Return basis points, or say that it is no share."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("This is not a number.", code="wrong_type")
        if not 0 <= data <= 1:
            code = "max_value" if data > 1 else "min_value"
            raise serializers.ValidationError("Write a share from 0 to 1, such as 0.25.", code=code)
        return round(data * WHOLE_BPS)

    def to_representation(self, value: int) -> float:
        """Return the share."""
        return value / WHOLE_BPS


class SimulationIn(StrictSerializer):
    """How the simulated experts of a test batch behave; what is left out is drawn or usual. Test mode only."""

    seed = SafeIntegerField(
        required=False, min_value=0, max_value=MAX_SEED, help_text="The same seed and tasks, the same decisions."
    )
    accept_rate = RateField(required=False, help_text="0.8 unless you say.")
    return_rate = RateField(required=False, help_text="0.08 unless you say. Each answer is sent back once at most.")
    reject_rate = RateField(required=False, help_text="0.04 unless you say. What is left is accepted with corrections.")
    disagree_rate = RateField(required=False, help_text="How many answers differ from the others' to a task: 0.2.")
    gold_fail_rate = RateField(required=False, help_text="How many answers to gold are wrong: 0.1.")
    accept_after_seconds = SafeIntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_WINDOW_SECONDS,
        help_text="Your window to judge what nobody reviews: 0, so that a batch completes by itself.",
    )

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        """Return the settings as they are stored; the three decisions share one whole."""
        bps = {name: attrs[f"{name}_rate"] for name in RATES if f"{name}_rate" in attrs}
        left = WHOLE_BPS - sum(bps.get(name, 0) for name in DECISIONS)
        if left < 0:
            detail = "accept_rate, return_rate and reject_rate are more than 1 together."
            raise serializers.ValidationError({"accept_rate": [detail]}, code="contradiction")
        for name in DECISIONS:
            if name not in bps:
                bps[name] = min(USUAL_BPS[name], left)
                left -= bps[name]
        stored = {name: attrs[name] for name in ("seed", "accept_after_seconds") if name in attrs}
        return stored | {f"{name}_bps": value for name, value in bps.items()}


class SimulationOut(serializers.ModelSerializer[Simulation]):
    """How a test batch is simulated; null for a live one."""

    accept_rate = RateField(source="accept_bps", read_only=True)
    return_rate = RateField(source="return_bps", read_only=True)
    reject_rate = RateField(source="reject_bps", read_only=True)
    disagree_rate = RateField(source="disagree_bps", read_only=True)
    gold_fail_rate = RateField(source="gold_fail_bps", read_only=True)

    class Meta:
        model = Simulation
        fields = ("seed", *(f"{name}_rate" for name in RATES), "accept_after_seconds")
        read_only_fields = fields


def shown_simulation(simulation: Simulation | None) -> Mapping[str, Any] | None:
    """Show how a batch is simulated, if it is."""
    return dict(SimulationOut(simulation).data) if simulation is not None else None
