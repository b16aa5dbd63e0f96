"""Networks that a key is bound to, as people write them and as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

from kernel.errors import FieldError, Invalid

MOST_NETWORKS: Final = 20


def clean_networks(values: Sequence[str]) -> list[str]:
    """Return networks in CIDR form, each once; a single address is a network of its own. Raises Invalid."""
    if len(values) > MOST_NETWORKS:
        raise Invalid([FieldError("/allowed_networks", "too_many", f"Name at most {MOST_NETWORKS} networks.")])
    return sorted({_cleaned(value) for value in values})


def _cleaned(value: str) -> str:
    try:
        network = ip_network(value.strip(), strict=False)
    except ValueError:
        detail = f"{value[:50]!a} is not an address or a network such as 203.0.113.0/24."
        raise Invalid([FieldError("/allowed_networks", "wrong_form", detail)]) from None
    if "%" in value:
        raise Invalid([FieldError("/allowed_networks", "wrong_form", "Leave the zone of the address out.")])
    return str(network)
