"""What the console says of test mode: that nobody is asked, what money it is, and what a batch is drawn from."""

from __future__ import annotations

from labs.models import Mode
from tasks.models import Batch, Project, Simulation

OF_A_PROJECT = "Test mode: simulated experts do this work within seconds, for play money. Nobody real is asked or paid."


def project_note(project: Project) -> str:
    """Say that a project is a test, if it is."""
    return OF_A_PROJECT if project.mode == Mode.TEST else ""


def batch_note(batch: Batch) -> str:
    """Say that a batch is a test, and what its answers are drawn from."""
    simulation = Simulation.objects.filter(batch=batch).first() if batch.project.mode == Mode.TEST else None
    if simulation is None:
        return project_note(batch.project)
    shares = (
        f"{_percent(simulation.accept_bps)} are accepted as they are, {_percent(simulation.return_bps)} sent back, "
        f"{_percent(simulation.reject_bps)} rejected, the rest corrected; "
        f"{_percent(simulation.disagree_bps)} disagree, and {_percent(simulation.gold_fail_bps)} of gold is wrong."
    )
    return f"{OF_A_PROJECT} Drawn from seed {simulation.seed}: {shares}"


def _percent(bps: int) -> str:
    return f"{bps / 100:g} %"
