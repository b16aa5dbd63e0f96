"""Lists as Stripe pages them, and the expansion of identifiers into objects."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from payments.sandbox.errors import invalid_parameter, missing_resource
from payments.sandbox.routes import Call
from payments.sandbox.wire import Body
from payments.sandbox.world import World

COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


def page(call: Call, items: Iterable[Body]) -> Body:
    """Return one page of ``items``, which come newest first."""
    kept = [item for item in items if _is_created(item, call.params.get("created"))]
    limit = call.integer("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid_parameter("limit", "This value must be between 1 and 100.")
    if "ending_before" in call.params:
        ahead = kept[: _position(kept, call.text("ending_before"))]
        shown, has_more = ahead[-limit:], len(ahead) > limit
    else:
        rest = kept[_position(kept, call.text("starting_after")) + 1 :] if "starting_after" in call.params else kept
        shown, has_more = rest[:limit], len(rest) > limit
    return {"object": "list", "url": call.path, "has_more": has_more, "data": shown}


def expand(world: World, body: Body, paths: object) -> Body:
    """Return a copy of ``body`` with the identifiers at ``paths`` replaced by their objects."""
    whole = copy.deepcopy(body)
    for path in paths if isinstance(paths, list) else []:
        _expand_path(world, whole, str(path).split("."))
    return whole


def _expand_path(world: World, node: Any, parts: list[str]) -> None:
    if isinstance(node, list):
        for each in node:
            _expand_path(world, each, parts)
    elif isinstance(node, dict) and parts and parts[0] in node:
        value = node[parts[0]]
        if isinstance(value, str) and value in world.records:
            node[parts[0]] = copy.deepcopy(world.records[value].body)
        _expand_path(world, node[parts[0]], parts[1:])


def _is_created(item: Body, wanted: object) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return bool(item["created"] == int(str(wanted)))
    return all(COMPARISONS[name](item["created"], int(bound)) for name, bound in wanted.items())


def _position(items: list[Body], identifier: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == identifier:
            return position
    raise missing_resource("object", identifier, "starting_after", status=400)
