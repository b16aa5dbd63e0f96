"""What a lab loads its downloads with: Hugging Face's datasets, DuckDB and Arrow take every shape in both formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import duckdb
import jsonschema_rs
import pyarrow.parquet as pq
import pytest
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from accounts.outbox import drain
from kernel.db import app_now
from tasks.actions.reviews import lab_accept
from tasks.actions.submissions import submit
from tasks.kinds import registry
from tests.database import empty_tables
from tests.journeys.cast import LabApi
from tests.labs.factories import make_client
from tests.tasks.factories import NOW, claim_for, make_lab, make_world, work
from tests.tasks.test_exports import RICH, SHAPES_OF_KINDS

FORMATS = ("jsonl", "parquet")
ROWS = 3
Downloads = dict[tuple[str, str, str], Path]


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Serve the tests' database for the module."""
    with django_db_blocker.unblock():
        running = LiveServer("localhost")
        yield str(running.url)
        running.stop()
        empty_tables()


@pytest.fixture(scope="module")
def downloads(site: str, tmp_path_factory: pytest.TempPathFactory) -> Downloads:
    """Let answers of each kind be accepted, and download every shape of them in both formats over HTTP."""
    folder = tmp_path_factory.mktemp("downloads")
    found = {}
    for kind in RICH:
        project, lab = accepted(site, kind)
        for shape in (shape for each, shape in SHAPES_OF_KINDS if each == kind):
            for form in FORMATS:
                found[kind, shape, form] = folder / f"{kind}-{shape}.{form}"
                found[kind, shape, form].write_bytes(downloaded(lab, project, shape, form))
    return found


@pytest.fixture(scope="module")
def schemas(site: str) -> dict[str, Any]:
    """Return the published schema of each shape."""
    lab = LabApi(site, make_client(make_lab()[0]).text)
    return {each["shape"]: each["schema"] for each in lab.get("/schemas")}


def accepted(site: str, kind: str) -> tuple[str, LabApi]:
    """Return a project with accepted answers of a kind, and its lab."""
    payload, response = RICH[kind]
    world = make_world(tasks=ROWS, experts=ROWS, kind=kind, payload=payload)
    for expert in world.experts:
        claim = claim_for(expert)
        answer = {"response": response, "attestations": dict.fromkeys(registry.get(kind).attestations, True)}
        done_at = work(claim, expert, 600, since=NOW)
        submission = submit(claim.pk, expert=expert, fence=claim.fence, now=done_at, **answer)
        lab_accept(submission, by=world.owner, now=app_now())
    return world.project.public_id, LabApi(site, make_client(world.lab, world.owner).text)


def downloaded(lab: LabApi, project: str, shape: str, form: str) -> bytes:
    """Ask for an export, let it be made, and download it."""
    made = lab.post("/exports", {"project": project, "shape": shape, "format": form}, status=202)
    drain()
    answer = lab.session.get(f"{lab.site}/exports/{made['id']}/download", timeout=60)
    assert (answer.status_code, lab.get(f"/exports/{made['id']}")["rows"]) == (200, ROWS)
    return answer.content


def rows_of(downloads: Downloads, kind: str, shape: str) -> list[dict[str, Any]]:
    """Return the rows of a download, as JSON has them."""
    return [json.loads(line) for line in downloads[kind, shape, "jsonl"].read_text().splitlines()]


CASES = [(kind, shape, form) for kind, shape in SHAPES_OF_KINDS for form in FORMATS]


@pytest.mark.parametrize(("kind", "shape"), SHAPES_OF_KINDS)
def test_every_row_fits_the_schema_that_is_published(
    schemas: dict[str, Any], downloads: Downloads, kind: str, shape: str
) -> None:
    rows = rows_of(downloads, kind, shape)

    assert len(rows) == ROWS
    assert [list(jsonschema_rs.validator_for(schemas[shape]).iter_errors(row)) for row in rows] == [[]] * ROWS
    assert {frozenset(row) for row in rows} == {frozenset(schemas[shape]["properties"])}


@pytest.mark.parametrize(("kind", "shape", "form"), CASES)
def test_datasets_load_it(downloads: Downloads, tmp_path: Path, kind: str, shape: str, form: str) -> None:
    loader, rows = {"jsonl": "json", "parquet": "parquet"}[form], rows_of(downloads, kind, shape)

    path = str(downloads[kind, shape, form])
    loaded = datasets.load_dataset(loader, data_files=path, split="train", cache_dir=str(tmp_path / "cache"))

    assert loaded["submission_id"][:] == [row["submission_id"] for row in rows]
    assert loaded.column_names == list(rows[0])


@pytest.mark.parametrize(("kind", "shape", "form"), CASES)
def test_duckdb_reads_it(downloads: Downloads, kind: str, shape: str, form: str) -> None:
    read, path = {"jsonl": "read_json", "parquet": "read_parquet"}[form], downloads[kind, shape, form]

    found = duckdb.sql(f"SELECT external_id, provenance.tier FROM {read}('{path}')").fetchall()  # noqa: S608 -- a test's

    expected = [(row["external_id"], row["provenance"]["tier"]) for row in rows_of(downloads, kind, shape)]
    assert found == expected


@pytest.mark.parametrize(("kind", "shape"), SHAPES_OF_KINDS)
def test_arrow_reads_it(downloads: Downloads, kind: str, shape: str) -> None:
    table = pq.read_table(downloads[kind, shape, "parquet"])

    rows = rows_of(downloads, kind, shape)
    assert table.column_names == list(rows[0])
    assert table.column("tags").to_pylist() == [row["tags"] for row in rows]
    assert table.column("submission_id").to_pylist() == [row["submission_id"] for row in rows]
