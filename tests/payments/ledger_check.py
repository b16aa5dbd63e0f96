"""The check that every test which used the database ends with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from payments.checks import breaches


def assert_ledger_holds() -> None:
    """Fail with every broken invariant of the ledger."""
    assert breaches() == []


@pytest.fixture(autouse=True)
def ledger_holds_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check the ledger after a test that used the database, unless the test broke it on purpose."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("_django_db_helper")  # Set up before us, so torn down after us.
    yield
    if request.node.get_closest_marker("breaks_ledger") is None:
        assert_ledger_holds()
