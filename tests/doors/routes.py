"""Every address that the project answers, out of the resolver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

NAMED = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>|\(\?P<([a-z_0-9]+)>")


@dataclass(frozen=True)
class Route:
    """One named address and what fills it."""

    name: str
    pattern: str
    keywords: tuple[str, ...]


def routes() -> list[Route]:
    """Return every route, in the order in which addresses are tried."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, space: str) -> Iterator[Route]:
    """Yield the routes below a prefix."""
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, text, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        else:
            keywords = tuple(one or other for one, other in NAMED.findall(text))
            yield Route(f"{space}{pattern.name}", text, keywords)
