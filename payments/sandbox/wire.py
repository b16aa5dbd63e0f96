"""Stripe's form encoding, read into trees: ``a[b][0]=c`` is ``{"a": {"b": ["c"]}}``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from payments.sandbox.errors import ApiError

Body = dict[str, Any]

BRACKETS = re.compile(r"\[([^\]]*)\]")


def read_form(text: str) -> Body:
    """Return the tree of a form body or query string."""
    return _as_lists(_tree(parse_qsl(text, keep_blank_values=True)))  # type: ignore[no-any-return]  # the root is a dict


def read_json(text: str) -> Body:
    """Return the object of a JSON body; anything else is refused."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ApiError(400, "Invalid JSON in the request body.", is_stored=False) from error
    if not isinstance(value, dict):
        raise ApiError(400, "The request body must be a JSON object.", is_stored=False)
    return value


def text_map(value: object) -> dict[str, str]:
    """Return metadata as texts; anything but a map counts as none."""
    return {key: str(entry) for key, entry in value.items()} if isinstance(value, dict) else {}


def _tree(pairs: Iterable[tuple[str, str]]) -> Body:
    root: Body = {}
    for key, value in pairs:
        path = [key.split("[", 1)[0], *BRACKETS.findall(key)]
        node = root
        for part in path[:-1]:
            child = node.setdefault(part or str(len(node)), {})
            if not isinstance(child, dict):
                raise ApiError(400, f"Invalid parameter: {key}", is_stored=False)
            node = child
        node[path[-1] or str(len(node))] = value
    return root


def _as_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = {key: _as_lists(value) for key, value in node.items()}
    if children and all(key.isdigit() for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children
