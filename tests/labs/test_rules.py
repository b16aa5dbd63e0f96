"""From where a key may be used."""

from __future__ import annotations

import pytest

from kernel.errors import Invalid
from labs.models import ApiKey
from labs.networks import MOST_NETWORKS, clean_networks
from labs.rules import is_allowed_from


@pytest.mark.parametrize(
    ("networks", "ip", "is_allowed"),
    [
        ([], "192.0.2.1", True),
        ([], None, True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", True),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::9", True),
        (["192.0.2.0/24"], "192.0.3.1", False),
        (["192.0.2.0/24"], "2001:db8::9", False),
        (["192.0.2.0/24"], None, False),
    ],
)
def test_a_key_is_bound_to_its_networks(networks: list[str], ip: str | None, is_allowed: bool) -> None:
    assert is_allowed_from(ApiKey(allowed_networks=networks), ip) is is_allowed


@pytest.mark.parametrize(
    "value", ["", "office", "1.2.3", "1.2.3.4/33", "::/129", "fe80::1%eth0", "1.2.3.4;", "٣.2.3.4"]
)
def test_what_is_no_network_is_refused(value: str) -> None:
    with pytest.raises(Invalid):
        clean_networks([value])


def test_so_many_networks_and_no_more() -> None:
    with pytest.raises(Invalid):
        clean_networks(["192.0.2.1"] * (MOST_NETWORKS + 1))
