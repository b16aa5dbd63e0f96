"""What an endpoint may be: pure questions about what a lab asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel.errors import FieldError
from kernel.outbound import OutboundRefused, check_address
from labs.events import EVENT_KINDS
from labs.models import Mode

MOST_ENDPOINTS: Final = 20  # Of a lab, in a mode.
MOST_URL: Final = 2_000
# The trial goes to the endpoint that it tries, whatever that listens to.
KINDS_TO_CHOOSE: Final = tuple(kind for kind in EVENT_KINDS if kind != "webhook.test")


def address_errors(url: str) -> list[FieldError]:
    """Say what is wrong with an address, as far as its text tells; where it leads is judged at each delivery."""
    if len(url) > MOST_URL:
        return [FieldError("/url", "too_long", f"Write an address of at most {MOST_URL:,} characters.")]
    try:
        check_address(url)
    except OutboundRefused as refusal:
        return [FieldError("/url", refusal.code, refusal.detail)]
    return []


def kinds_errors(kinds: Sequence[str]) -> list[FieldError]:
    """Say which of the chosen kinds of event there are none of."""
    unknown = sorted(set(kinds) - set(KINDS_TO_CHOOSE))
    detail = f"There is no event of this type: {', '.join(unknown)[:200]}."
    return [FieldError("/types", "unknown_value", detail)] if unknown else []


def mode_errors(mode: str) -> list[FieldError]:
    """Say whether the mode is none."""
    return [] if mode in Mode.values else [FieldError("/mode", "unknown_value", "Choose live or test.")]
