"""What every group of calls has."""

from __future__ import annotations

from typing import Any

from guildhall.transport import Transport


class Resource:
    """A group of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


def given(**values: Any) -> dict[str, Any]:
    """Return what was given: None is left out, for the server knows what then follows."""
    return {name: value for name, value in values.items() if value is not None}
