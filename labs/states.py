"""What may follow what in the life of a lab, of an endpoint and of a delivery."""

from kernel.states import Moves
from labs.models import DeliveryState, EndpointState, LabState

LAB_MOVES: Moves = {
    LabState.APPLICANT: frozenset({LabState.ACTIVE, LabState.CLOSED}),
    LabState.ACTIVE: frozenset({LabState.FROZEN, LabState.CLOSED}),
    LabState.FROZEN: frozenset({LabState.ACTIVE}),
    LabState.CLOSED: frozenset(),
}

ENDPOINT_MOVES: Moves = {
    EndpointState.ENABLED: frozenset({EndpointState.DISABLED}),
    EndpointState.DISABLED: frozenset({EndpointState.ENABLED}),
}

DELIVERY_MOVES: Moves = {
    DeliveryState.PENDING: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),  # The lab asked for it again.
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}
