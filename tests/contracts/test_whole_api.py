"""Schemathesis over the whole description of the labs' API, against a running server: what it says is what is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation

from labs.doors import throttles
from tests.doors import described
from tests.doors.conftest import doors as doors  # The same world, committed for this module.
from tests.doors.world import Doors

OPERATIONS: Final = sorted(each.name for each in described.operations())
CASES: Final = int(os.environ.get("CONTRACT_CASES", "1560"))
LIMITS: Final = settings(
    max_examples=max(1, CASES // (2 * len(OPERATIONS))),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
# A body may fit its schema and still name nothing of the caller's, or come in a wrong state: 409 and 422 say so.
load_all_checks()
LEFT_OUT: Final = [CHECKS.get_one("positive_data_acceptance")]


@pytest.fixture(scope="module")
def server(doors: Doors, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Serve the world's database for the module's tests, with no limit on how fast a key may call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttles, "RATE_PER_SECOND", 1_000_000)
        patch.setattr(throttles, "BURST", 1_000_000)
        running = LiveServer("localhost")
        yield str(running.url)
        running.stop()


@pytest.fixture(scope="module")
def operations(server: str) -> dict[str, Any]:
    """Return every operation of the description by its id, as read from the server by any client."""
    found = [each.ok() for each in schemathesis.openapi.from_url(f"{server}/api/v1/schema/").get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    assert sorted(operations) == OPERATIONS


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_server_does_what_its_description_says(
    name: str, mode: GenerationMode, operations: dict[str, Any], doors: Doors
) -> None:
    @LIMITS
    @given(case=operations[name].as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        wrong = {place for place, part in case.meta.components.items() if part.mode == GenerationMode.NEGATIVE}
        if ParameterLocation.PATH not in wrong:
            case.path_parameters = case.path_parameters | known(doors, case.path_parameters)
        # A posting answers 200 and names its wrong lines; a wrong header is put right below.
        is_told = name == "post_tasks" or wrong <= {ParameterLocation.HEADER}
        hidden = [CHECKS.get_one("negative_data_rejection")] if is_told else []
        key = {"Authorization": f"Bearer {doors.keys['lee']}"}  # Puts right whatever was wrong with this header.
        case.call_and_validate(headers=key, excluded_checks=[*LEFT_OUT, *hidden])

    try:
        call()
    except Unsatisfiable:
        assert mode == GenerationMode.NEGATIVE  # Nothing that could be sent wrongly.


def known(doors: Doors, names: dict[str, Any]) -> dict[str, str]:
    """Return public ids of what is there, for the names of an address: made-up ones find nothing."""
    return {name: text for name, text in described.public_ids(doors).items() if name in names}
