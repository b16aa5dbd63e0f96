"""docker-compose.yml runs the demo's processes, in production mode, with only the proxy open to the outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def compose() -> dict[str, Any]:
    """Read the file as Docker does, merges included."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_the_services_are_those_of_the_demo_behind_a_proxy() -> None:
    assert set(compose()["services"]) == {
        "proxy", "prepare", "web", "worker", "deliverer", "player", "beat", "sweeper", "database", "valkey",
    }  # fmt: skip


def test_each_process_is_started_as_the_demo_starts_it() -> None:
    services, demo = compose()["services"], (ROOT / "marketplace" / "demo.py").read_text()

    assert services["web"]["command"] == ["gunicorn", "-c", "marketplace/serving.py", "marketplace.wsgi"]
    for name in ("worker", "deliverer", "player"):
        assert services[name]["command"][:4] == ["celery", "-A", "marketplace", "worker"]
        assert all(f'"{option}"' in demo for option in services[name]["command"][4:])
    assert services["beat"]["command"][:4] == ["celery", "-A", "marketplace", "beat"]
    assert services["sweeper"]["command"] == ["python", "manage.py", "sweep"]
    for words in (
        '"serving.py"), "marketplace.wsgi"',
        '"marketplace", "worker"',
        '"marketplace", "beat"',
        'manage("sweep")',
    ):
        assert re.sub(r"\s+", " ", words) in re.sub(r"\s+", " ", demo.replace("\n", " "))


def test_only_the_proxy_listens_to_the_outside() -> None:
    assert [name for name, service in compose()["services"].items() if "ports" in service] == ["proxy"]


def test_every_process_runs_in_production_mode_as_the_role_that_owns_nothing() -> None:
    services = compose()["services"]

    for name in ("web", "worker", "deliverer", "player", "beat", "sweeper"):
        environment = services[name]["environment"]
        assert environment["GUILDHALL_MODE"] == "production"
        assert "guildhall_app" in environment["DATABASE_URL"]
        assert "DATABASE_OWNER_URL" not in environment
    assert "guildhall_owner" in services["prepare"]["environment"]["DATABASE_OWNER_URL"]


def test_no_secret_is_written_down() -> None:
    values = [
        str(value)
        for service in compose()["services"].values()
        for name, value in service.get("environment", {}).items()
        if re.search(r"PASSWORD|SECRET|KEY|MAIL_URL", name)
    ]

    assert values
    assert [value for value in values if not re.fullmatch(r"\$\{[A-Z_]+:\?\}", value)] == []


def test_every_file_and_volume_that_is_named_exists() -> None:
    file = compose()
    named = [each.split(":")[0] for service in file["services"].values() for each in service.get("volumes", [])]

    assert [name for name in named if name.startswith("./") and not (ROOT / name).exists()] == []
    assert {name for name in named if not name.startswith("./")} == set(file["volumes"])


def test_every_dependency_is_a_service() -> None:
    services = compose()["services"]

    assert {name for service in services.values() for name in service.get("depends_on", {})} <= set(services)
