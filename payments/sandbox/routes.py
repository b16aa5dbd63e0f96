"""The table of endpoints: a method, a path, its parameters, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from payments.sandbox.errors import ApiError, invalid_parameter, missing_parameter, unknown_parameter
from payments.sandbox.wire import Body
from payments.sandbox.world import World

COMMON = frozenset({"expand", "metadata"})
PAGING = "created limit starting_after ending_before"


@dataclass(frozen=True)
class Call:
    """One request as an endpoint sees it."""

    world: World
    method: str
    path: str
    account: str
    params: Body
    key: str = ""
    request_id: str = ""
    ids: tuple[str, ...] = ()

    def integer(self, name: str, default: int = 0) -> int:
        """Return a parameter that the route has checked to be a whole number."""
        return int(self.params.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text."""
        return str(self.params.get(name, default))

    def flag(self, name: str) -> bool:
        """Say whether a boolean parameter is set, in form or JSON spelling."""
        return self.params.get(name) in ("true", True)


Endpoint = Callable[[Call], Body]


@dataclass(frozen=True)
class Route:
    """One endpoint and what it takes."""

    method: str
    pattern: re.Pattern[str]
    answer: Endpoint
    required: frozenset[str]
    optional: frozenset[str]
    integers: frozenset[str] = field(default=frozenset())

    def check(self, params: Body) -> None:
        """Refuse missing, unknown and malformed parameters before anything is executed."""
        for name in sorted(self.required):
            if name not in params:
                raise missing_parameter(name)
        for name in params:
            if name not in self.required | self.optional | COMMON:
                raise unknown_parameter(name)
        for name in sorted(self.integers & params.keys()):
            _check_integer(name, params[name])


ROUTES: list[Route] = []


def route(
    method: str, path: str, *, required: str = "", optional: str = "", integers: str = ""
) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint; ``{}`` in the path is an identifier."""

    def register(answer: Endpoint) -> Endpoint:
        pattern = re.compile("^" + path.replace("{}", "([^/]+)") + "$")
        names: list[Collection[str]] = [required.split(), optional.split(), integers.split()]
        ROUTES.append(Route(method, pattern, answer, *(frozenset(each) for each in names)))
        return answer

    return register


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """Return the route of a request and the identifiers in its path, or the 404 of an unknown address."""
    for candidate in ROUTES:
        matched = candidate.pattern.match(path)
        if matched and candidate.method == method:
            return candidate, matched.groups()
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).", is_stored=False)


def _check_integer(name: str, value: object) -> None:
    if not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise invalid_parameter(name, f"Invalid integer: {value}")
    if int(str(value)) < 1:
        raise invalid_parameter(name, "This value must be greater than or equal to 1.")
