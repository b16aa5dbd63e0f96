"""What labs install: it holds its types and its command, and names no more than it needs."""

from __future__ import annotations

import zipfile
from email import message_from_bytes
from pathlib import Path

import guildhall
from tests.client.installed import PROJECT, Command, names_in


def test_the_wheel_holds_every_module_and_the_mark_of_types(distributions: tuple[Path, Path]) -> None:
    source = PROJECT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")} | {"guildhall/py.typed"}

    with zipfile.ZipFile(distributions[1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == modules


def test_the_metadata_names_what_it_needs(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = message_from_bytes(wheel.read(name))

    assert (metadata["Name"], metadata["Version"]) == ("guildhall", guildhall.__version__)
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata.get_all("Requires-Dist") == ["httpx<1,>=0.27", "rich>=13.7"]
    assert "pip install guildhall" in str(metadata.get_payload())


def test_the_source_distribution_can_be_built_again(distributions: tuple[Path, Path]) -> None:
    names = names_in(distributions[0])

    assert {"README.md", "pyproject.toml", "src/guildhall/py.typed"} <= names
    assert {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "src").rglob("*.py")} <= names


def test_the_installed_command_says_its_version(installed: Path) -> None:
    said = Command(installed, "", "").run("--version")

    assert (said.code, said.out) == (0, f"guildhall {guildhall.__version__}\n")
