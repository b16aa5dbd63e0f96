"""What becomes of one answer, drawn from its batch's seed: the same whoever gives it and whenever. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tasks.kinds.base import Json, Kind
from tasks.models import Decision, Project, RejectCategory, Simulation

WHOLE_BPS: Final = 10_000
LEAST_SECONDS: Final = 30
MOST_SECONDS: Final = 2 * 3_600  # However long a task is expected to take: their calendars are to last.
MOST_REJECTED_OF_A_TASK: Final = 4  # Each takes another person, and the cast of a tier has so many to spare.
NOTES: Final = {
    Decision.ACCEPT: "Simulated review: nothing to add.",
    Decision.FIX: "Simulated review: one point put right.",
    Decision.RETURN: "Simulated review: say which source the second point rests on.",
    Decision.REJECT: (
        "Simulated review: the answer leaves the question aside, names nothing that bears on it, and repeats the whole "
        "of what was posted."
    ),
}


@dataclass(frozen=True)
class Draws:
    """One version of one answer to a task: which answer, how often it was rejected before, which version."""

    simulation: Simulation
    external_id: str
    number: int
    attempt: int
    version: int

    def answer(self, kind: Kind, payload: Json, gold: Json | None) -> Json:
        """Return what is handed in: the right answer to most gold; elsewhere what most others answer, or another."""
        if gold is not None:
            is_wrong = self._happens("gold", self.simulation.gold_fail_bps)
            answer = self._unlike(gold, kind, payload) if is_wrong else gold
        elif self._happens("disagree", self.simulation.disagree_bps):
            answer = kind.simulate(payload, self._chance("own"))
        else:
            answer = kind.simulate(payload, Random(f"{self.simulation.seed}/{self.external_id}"))  # noqa: S311 -- a game
        if self.version > 1 and "justification" in kind.response_schema["properties"]:
            answer = {**answer, "justification": "Revised as the reviewer asked."}
        return answer

    def work_seconds(self, project: Project, cap_seconds: int) -> int:
        """Return for how long the answer is worked on: about as long as expected, two hours and the cap at most."""
        share = self._chance("seconds").uniform(0.4, 1.1) / self.version
        return min(cap_seconds, MOST_SECONDS, max(LEAST_SECONDS, int(project.expected_seconds * share)))

    def review_seconds(self, cap_seconds: int, layer: int) -> int:
        """Return for how long a review takes."""
        share = self._chance(f"review {layer} seconds").uniform(0.3, 0.9)
        return min(cap_seconds, MOST_SECONDS, max(LEAST_SECONDS, int(cap_seconds * share)))

    def decision(self, layer: int) -> Decision:
        """Return a reviewer's word on it; each answer is sent back once at most, and few of a task are rejected."""
        rates, drawn = self.simulation, self._chance(f"review {layer}").randrange(WHOLE_BPS)
        if drawn < rates.accept_bps:
            return Decision.ACCEPT
        if drawn < rates.accept_bps + rates.return_bps:
            return Decision.RETURN if self.version == 1 else Decision.ACCEPT
        if drawn < rates.accept_bps + rates.return_bps + rates.reject_bps:
            is_allowed = self.attempt == 0 and self.number <= MOST_REJECTED_OF_A_TASK
            return Decision.REJECT if is_allowed else Decision.ACCEPT
        return Decision.FIX

    def verdict(self, layer: int, kind: Kind, payload: Json) -> dict[str, Any]:
        """Return all that a reviewer hands in."""
        decision = self.decision(layer)
        said: dict[str, Any] = {"decision": decision, "notes": NOTES[decision]}
        if decision is Decision.REJECT:
            said["category"] = self._chance("category").choice(RejectCategory.values)
        if decision is Decision.FIX:
            said["fixed_response"] = kind.simulate(payload, self._chance("fix"))
        return said

    def _unlike(self, gold: Json, kind: Kind, payload: Json) -> Json:
        """Return a wrong answer; where a kind allows only one answer, that one."""
        chance = self._chance("wrong")
        drawn = (kind.simulate(payload, chance) for _ in range(20))
        return next((answer for answer in drawn if _core(answer) != _core(gold)), gold)

    def _happens(self, what: str, bps: int) -> bool:
        return self._chance(what).randrange(WHOLE_BPS) < bps

    def _chance(self, what: str) -> Random:
        return Random(  # noqa: S311 -- a game, which a lab can play again by its seed
            f"{self.simulation.seed}/{self.external_id}/{self.number}/{self.attempt}/{self.version}/{what}"
        )


def _core(answer: Json) -> Json:
    """Return an answer without what does not make it right or wrong."""
    return {name: value for name, value in answer.items() if name not in ("confidence", "justification", "notes")}
