"""The kinds that exist, by name."""

from __future__ import annotations

from tasks.kinds import creative, demonstration, factuality
from tasks.kinds.base import Kind

KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in (factuality, demonstration, creative)}


def get(name: str) -> Kind:
    """Return the kind called ``name``; raise KeyError for a name no kind has."""
    return KINDS[name]


def names() -> list[str]:
    """List the kinds' names, in the order they were added."""
    return list(KINDS)
