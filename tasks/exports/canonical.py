"""The row from which all others can be made: what was posted, what came back, and how."""

from __future__ import annotations

from tasks.exports.record import Accepted, Json
from tasks.exports.schemas import ANYTHING, TEXT

FIELDS = {"kind": TEXT, "payload": ANYTHING, "response": ANYTHING, "original_response": ANYTHING}


def row(accepted: Accepted) -> Json | None:
    """Return everything, in the fields of the API itself."""
    return {
        "kind": accepted.kind,
        "payload": accepted.payload,
        "response": accepted.response,
        "original_response": accepted.original,
        **accepted.common(),
    }
