"""What a lab loads its files with: Hugging Face's datasets, DuckDB and Arrow take every shape in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, cast

import datasets
import duckdb
import pyarrow.parquet as pq
import pytest

from tasks.exports import SHAPES, Json
from tasks.exports.formats import FORMATS
from tests.tasks.test_exports import RICH, SHAPES_OF_KINDS, accepted

CASES = [(kind, shape, form) for kind, shape in SHAPES_OF_KINDS for form in FORMATS]


def made(folder: Path, kind: str, shape: str, form: str) -> tuple[Path, list[Json]]:
    """Write three rows to a file of its own, and return both."""
    row = SHAPES[shape].row(accepted(kind, *RICH[kind]))
    assert row is not None
    path = folder / f"accepted.{form}"
    with path.open("wb") as file:
        FORMATS[form]([row] * 3, SHAPES[shape], cast(BinaryIO, file))
    return path, [row] * 3


@pytest.mark.parametrize(("kind", "shape", "form"), CASES)
def test_datasets_load_it(tmp_path: Path, kind: str, shape: str, form: str) -> None:
    path, rows = made(tmp_path, kind, shape, form)

    loader = {"jsonl": "json", "parquet": "parquet"}[form]
    loaded = datasets.load_dataset(loader, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))

    assert loaded["submission_id"][:] == [row["submission_id"] for row in rows]
    assert loaded.column_names == list(rows[0])


@pytest.mark.parametrize(("kind", "shape", "form"), CASES)
def test_duckdb_reads_it(tmp_path: Path, kind: str, shape: str, form: str) -> None:
    path, rows = made(tmp_path, kind, shape, form)

    read = {"jsonl": "read_json", "parquet": "read_parquet"}[form]
    found = duckdb.sql(f"SELECT external_id, provenance.tier FROM {read}('{path}')").fetchall()  # noqa: S608 -- a test's

    assert found == [(row["external_id"], row["provenance"]["tier"]) for row in rows]


@pytest.mark.parametrize(("kind", "shape"), SHAPES_OF_KINDS)
def test_arrow_reads_it(tmp_path: Path, kind: str, shape: str) -> None:
    path, rows = made(tmp_path, kind, shape, "parquet")

    assert pq.read_table(path).column("tags").to_pylist() == [row["tags"] for row in rows]
