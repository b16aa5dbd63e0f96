"""One request from authentication to answer, with faults where they were ordered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from payments.sandbox import resources
from payments.sandbox.errors import ApiError, no_access, server_error, unauthenticated
from payments.sandbox.faults import AFTER, BEFORE, Faults
from payments.sandbox.idempotency import Answer, Keys
from payments.sandbox.pages import expand
from payments.sandbox.routes import Call, find_route
from payments.sandbox.wire import Body, read_form, read_json
from payments.sandbox.world import PLATFORM, World

TEST_KEYS = ("sk_test_", "rk_test_")
RESOURCES = resources.__all__  # Importing them filled the route table.


@dataclass(frozen=True)
class Request:
    """A request as it came off the wire."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


class Engine:
    """Answer requests against one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Forget keys, faults and what was asked."""
        self.keys = Keys()
        self.faults = Faults()
        self.requests: list[Body] = []

    def answer(self, request: Request, request_id: str) -> tuple[Answer, str]:
        """Return the answer and the body fault that the door must still commit, if any."""
        check_key(request)
        call = self._read_call(request, request_id)
        self._record(request)
        with self.world.lock:
            fault = self.faults.take(request.method, request.path)
        if fault in BEFORE:
            raise BEFORE[fault]()
        answer = self.keys.answer(call, lambda: self._execute(call, fault))
        if fault in AFTER:
            raise AFTER[fault]()
        return answer, fault

    def _execute(self, call: Call, fault: str) -> Body:
        route, ids = find_route(call.method, call.path)
        route.check(call.params)
        if fault == "500":
            raise server_error(is_stored=True)
        with self.world.lock:
            self.world.settle()
            self.world.request = {"id": call.request_id, "idempotency_key": call.key or None}
            try:
                body = route.answer(_with_ids(call, ids))
            finally:
                self.world.request = {"id": None, "idempotency_key": None}
            shown = expand(self.world, body, call.params.get("expand"))
        if fault == "500_cached":
            raise server_error(is_stored=True)
        return shown

    def _read_call(self, request: Request, request_id: str) -> Call:
        account = request.headers.get("Stripe-Account") or request.headers.get("Stripe-Context") or PLATFORM
        if account != PLATFORM and account not in self.world.records:
            raise no_access(account)
        return Call(
            self.world,
            request.method,
            request.path,
            account,
            _params(request),
            key=request.headers.get("Idempotency-Key") or "",
            request_id=request_id,
        )

    def _record(self, request: Request) -> None:
        address = request.path + (f"?{request.query}" if request.query else "")
        headers = {name: request.headers.get(name) or "" for name in ("Idempotency-Key", "Stripe-Account")}
        body = None if request.method == "GET" else request.body
        self.requests.append({"method": request.method, "url": address, "body": body, "headers": headers})


def check_key(request: Request) -> None:
    """Refuse every key but a test key; v2 takes secret keys only."""
    key = _key(request.headers.get("Authorization") or "")
    if not key.startswith(TEST_KEYS):
        raise unauthenticated(f"{key[:8]}****")
    if request.path.startswith("/v2/") and key.startswith("rk_"):
        raise ApiError(403, "Restricted keys cannot be used with v2.", is_stored=False)


def _key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme == "Bearer":
        return value
    if scheme != "Basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _params(request: Request) -> Body:
    if request.method == "GET":
        return read_form(request.query)
    return read_json(request.body) if request.path.startswith("/v2/") else read_form(request.body)


def _with_ids(call: Call, ids: tuple[str, ...]) -> Call:
    return Call(call.world, call.method, call.path, call.account, call.params, call.key, call.request_id, ids)
