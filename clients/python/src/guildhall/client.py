"""The client: one lab, one mode, one key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType

from guildhall.errors import NoAddress, NoKey
from guildhall.models import Me
from guildhall.resources import (
    Agreements,
    Batches,
    Cases,
    Events,
    Exports,
    Files,
    Funds,
    Keys,
    Projects,
    Submissions,
    Tasks,
    Webhooks,
)
from guildhall.retries import Retries
from guildhall.transport import Paused, Transport

KEY_VARIABLE = "GUILDHALL_API_KEY"
ADDRESS_VARIABLE = "GUILDHALL_URL"


class Guildhall:
    """The labs' API. Use it as a context manager, or close it; threads may share it.

    Requests are sent again after 429, 5xx and broken connections, each POST under one Idempotency-Key however often it
    is sent; ``on_pause`` is told what went wrong and in how many seconds it is tried again. Raises ApiError for a
    refusal and NetworkError where nothing answered.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        timeout_seconds: float = 60.0,
        retries: Retries | None = None,
        on_pause: Paused | None = None,
    ) -> None:
        self._transport = Transport(
            api_key, base_url, timeout_seconds=timeout_seconds, retries=retries or Retries(), on_pause=on_pause
        )
        self.agreements = Agreements(self._transport)
        self.batches = Batches(self._transport)
        self.cases = Cases(self._transport)
        self.events = Events(self._transport)
        self.exports = Exports(self._transport)
        self.files = Files(self._transport)
        self.funds = Funds(self._transport)
        self.keys = Keys(self._transport)
        self.projects = Projects(self._transport)
        self.submissions = Submissions(self._transport)
        self.tasks = Tasks(self._transport)
        self.webhooks = Webhooks(self._transport)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, on_pause: Paused | None = None
    ) -> Guildhall:
        """Take the key from GUILDHALL_API_KEY and the address from GUILDHALL_URL, or raise NoKey or NoAddress."""
        known = os.environ if environment is None else environment
        key, address = known.get(KEY_VARIABLE, ""), known.get(ADDRESS_VARIABLE, "")
        if not address:
            raise NoAddress(
                f"{ADDRESS_VARIABLE} is not set. Give the address of the site, as https://guildhall.example."
            )
        if not key:
            raise NoKey(f"{KEY_VARIABLE} is not set. A key begins with gh_live_ or gh_test_; make one in the console.")
        return cls(key, address, on_pause=on_pause)

    def me(self) -> Me:
        """Return which lab, mode and scopes the key has, and the limits."""
        found: Me = self._transport.get("/me")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Guildhall:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
