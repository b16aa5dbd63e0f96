"""Faults on request: what goes wrong, on which calls, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from payments.sandbox.errors import ApiError, Disconnect, lock_timeout, rate_limited, server_error

BEFORE: dict[str, Callable[[], Exception]] = {
    "before_timeout": lambda: Disconnect(hang=True),
    "before_drop": lambda: Disconnect(hang=False),
    "429": rate_limited,
    "409": lock_timeout,
    "503": lambda: server_error(503),
    "401": lambda: ApiError(401, "Expired API Key provided: sk_test_****", is_stored=False),
}
AFTER: dict[str, Callable[[], Exception]] = {
    "after_timeout": lambda: Disconnect(hang=True),
    "after_drop": lambda: Disconnect(hang=False),
    "500_after": server_error,
}
# Inside the key's memory: "500" fails before it commits, "500_cached" after; both answer 500 for good.
STORED = frozenset({"500", "500_cached"})
BODY = frozenset({"malformed", "slow"})
ACTIONS = frozenset(BEFORE) | frozenset(AFTER) | STORED | BODY


@dataclass
class Fault:
    """One order: break the next ``times`` matching calls after ``skip`` of them."""

    action: str
    path: str = ""
    method: str = ""
    times: int = 1
    skip: int = 0

    def __post_init__(self) -> None:
        self.action = str(self.action)
        if self.action not in ACTIONS:
            raise ValueError(f"unknown fault {self.action}")
        re.compile(self.path)

    def matches(self, method: str, path: str) -> bool:
        """Say whether this order is about such a call and has calls left."""
        return self.times > 0 and self.method in ("", method) and bool(re.search(self.path, path))


class Faults:
    """Keep the orders and spend them call by call."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def take(self, method: str, path: str) -> str:
        """Return the action for this call, or nothing."""
        for order in self.orders:
            if not order.matches(method, path):
                continue
            if order.skip > 0:
                order.skip -= 1
                continue
            order.times -= 1
            return order.action
        return ""
