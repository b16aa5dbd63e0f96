"""The client, built and installed once for all tests that run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.installed import build, install


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a source distribution and a wheel."""
    return build(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def installed(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the client is installed."""
    return install(distributions[1], tmp_path_factory.mktemp("installed"))
