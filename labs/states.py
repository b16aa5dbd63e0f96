"""What may follow what in a lab's life."""

from kernel.states import Moves
from labs.models import LabState

LAB_MOVES: Moves = {
    LabState.APPLICANT: frozenset({LabState.ACTIVE, LabState.CLOSED}),
    LabState.ACTIVE: frozenset({LabState.FROZEN, LabState.CLOSED}),
    LabState.FROZEN: frozenset({LabState.ACTIVE}),
    LabState.CLOSED: frozenset(),
}
