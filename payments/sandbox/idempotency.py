"""The v1 rules of idempotency keys: the first answer of an executed request is the answer for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from payments.sandbox.errors import ApiError, key_in_use, key_reused
from payments.sandbox.routes import Call
from payments.sandbox.wire import Body

MAX_KEY_CHARACTERS = 255


@dataclass
class Kept:
    """What is remembered for a key: what was asked and, once known, what was answered."""

    fingerprint: str
    status: int = 0
    body: Any = None
    request_id: str = ""

    @property
    def is_running(self) -> bool:
        """Say whether the first request with this key has not been answered yet."""
        return self.status == 0


@dataclass(frozen=True)
class Answer:
    """A status, a body and the headers that say where they came from."""

    status: int
    body: Body
    headers: dict[str, str]


class Keys:
    """Remember answers by account and key."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def answer(self, call: Call, execute: Callable[[], Body]) -> Answer:
        """Execute a request once per key, and replay the stored answer afterwards."""
        if call.method == "GET" or not call.key:
            return Answer(200, execute(), {})
        if len(call.key) > MAX_KEY_CHARACTERS:
            raise ApiError(400, "Idempotency keys are at most 255 characters.", is_stored=False)
        name, fingerprint = f"{call.account} {call.key}", _fingerprint(call)
        with call.world.lock:
            replay = self._replay(call, name, fingerprint)
            if replay:
                return replay
            self.kept[name] = Kept(fingerprint)
        return self._execute(call, name, execute)

    def _execute(self, call: Call, name: str, execute: Callable[[], Body]) -> Answer:
        try:
            body = execute()
        except ApiError as error:
            self._close(call, name, error.status, error.body, is_stored=error.is_stored)
            raise
        except BaseException:
            self._close(call, name, 0, None, is_stored=False)
            raise
        self._close(call, name, 200, body, is_stored=True)
        return Answer(200, body, {})

    def _replay(self, call: Call, name: str, fingerprint: str) -> Answer | None:
        kept = self.kept.get(name)
        if kept is None:
            return None
        if kept.fingerprint != fingerprint:
            raise key_reused(call.key)
        if kept.is_running:
            raise key_in_use()
        if call.path.startswith("/v2/") and kept.status >= 400:
            return None  # v2 runs failed work again.
        headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
        return Answer(kept.status, kept.body, headers)

    def _close(self, call: Call, name: str, status: int, body: Any, *, is_stored: bool) -> None:
        with call.world.lock:
            if is_stored:
                self.kept[name] = Kept(self.kept[name].fingerprint, status, body, call.request_id)
            else:
                self.kept.pop(name, None)

    def expire(self) -> None:
        """Forget all keys, as Stripe may after 24 hours."""
        self.kept.clear()

    def dump(self) -> Body:
        """Return the keys that were answered."""
        return {name: asdict(kept) for name, kept in self.kept.items() if not kept.is_running}

    def load(self, saved: Body) -> None:
        """Take up where a dump left off."""
        self.kept = {name: Kept(**kept) for name, kept in saved.items()}


def _fingerprint(call: Call) -> str:
    return json.dumps([call.method, call.path, call.params], sort_keys=True)
