"""Migrations say everything that the models say, can be undone, and import nothing of ours that may change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "labs", "experts", "agreements", "payments", "tasks")
OURS = re.compile(rf"^(?:from|import) ((?:kernel|{'|'.join(APPS)})[\w.]*)", re.MULTILINE)
KEPT_FOR_GOOD = {"kernel.ids"}  # uuid7 is what the keys' default is called, and will be.


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_every_migration_can_be_undone() -> None:
    loader = MigrationLoader(connection)
    ours = {key: migration for key, migration in loader.disk_migrations.items() if key[0] in APPS}

    assert ours
    assert [
        key for key, migration in ours.items() if not all(operation.reversible for operation in migration.operations)
    ] == []


def test_no_migration_imports_code_that_may_change() -> None:
    found = []
    for app in APPS:
        for path in sorted((ROOT / app / "migrations").glob("0*.py")):
            modules = re.findall(
                rf"^(?:from|import) ((?:kernel|{'|'.join(APPS)})[\w.]*)", path.read_text(), re.MULTILINE
            )
            found += [f"{path.relative_to(ROOT)}: {module}" for module in modules if module not in KEPT_FOR_GOOD]

    assert found == []
