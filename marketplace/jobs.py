"""Background work of the whole: the experts of labs' test batches at work."""

from __future__ import annotations

from uuid import UUID

from accounts.outbox import TRIALS, job
from kernel.db import app_now
from marketplace.simulation.play import simulate_batch as play_batch
from tasks.actions import simulating


@job("marketplace.simulate_batch", queue=TRIALS, timeout=simulating.TURN_SECONDS)
def simulate_batch(batch: str) -> None:
    """Play a test batch for a while; the job asks for itself again while there is something left to do."""
    play_batch(UUID(batch))


@job("marketplace.sweep_simulations", queue=TRIALS)
def sweep_simulations() -> None:
    """Look again at test batches with open work that nobody plays."""
    simulating.ask_for_left_behind(app_now())
