"""Build the doors' world once for all their tests; each test's own changes are rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.database import empty_tables
from tests.doors.world import PERSONAS, Doors, build_doors


@pytest.fixture(scope="module")
def doors(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Doors]:
    """Commit the world before the module's tests, and empty the tables after them."""
    with django_db_blocker.unblock():
        yield build_doors()
        for each in connections.all():
            each.close()
        empty_tables()


@pytest.fixture(scope="module")
def clients(doors: Doors) -> dict[str, Client]:
    """Return one browser for each persona."""
    return {persona: doors.client(persona) for persona in PERSONAS}
