"""How rows become a file: JSON Lines, the canonical form, and Parquet with typed columns beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.exports import Json, Shape
from tasks.exports.schemas import Schema

GROUP_ROWS: Final = 1_000
LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
PLAIN: Final = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}


def write_lines(rows: Iterable[Json], shape: Shape, file: BinaryIO) -> int:
    """Write a JSON object a line, and return how many."""
    count = 0
    for row in rows:
        file.write(orjson.dumps(row, option=LINE))
        count += 1
    return count


def write_parquet(rows: Iterable[Json], shape: Shape, file: BinaryIO) -> int:
    """Write row groups of a thousand under the shape's schema, and return how many rows; no more are held at once."""
    columns = arrow_schema(shape)
    count = 0
    with pq.ParquetWriter(pa.PythonFile(file, mode="w"), columns, compression="zstd") as writer:
        for group in _groups(rows):
            fitted = [fit(row, shape.schema) for row in group]
            writer.write_table(pa.Table.from_pylist(fitted, schema=columns))
            count += len(group)
    return count


def arrow_schema(shape: Shape) -> pa.Schema:
    """Return a shape's columns, with the id of its JSON Schema beside them."""
    fields = [pa.field(name, arrow_type(part)) for name, part in shape.schema["properties"].items()]
    return pa.schema(fields, metadata={"schema_id": shape.schema_id})


def arrow_type(schema: Schema) -> pa.DataType:
    """Return the column type of a part of a JSON Schema; what may be anything is JSON text."""
    kind = _kind(schema)
    if kind == "array":
        return pa.list_(arrow_type(schema["items"]))
    if kind == "object":
        return pa.struct([pa.field(name, arrow_type(part)) for name, part in schema["properties"].items()])
    if schema.get("format") == "date-time":
        return pa.timestamp("us", tz="UTC")
    return PLAIN.get(kind, pa.string())


def fit(value: Any, schema: Schema) -> Any:
    """Return a value as its column takes it: JSON text where anything may stand, all else as it is."""
    kind = _kind(schema)
    if value is None:
        return None
    if kind == "array":
        return [fit(part, schema["items"]) for part in value]
    if kind == "object":
        return {name: fit(value[name], part) for name, part in schema["properties"].items()}
    return value if kind else orjson.dumps(value).decode()


def _kind(schema: Schema) -> str:
    kinds = schema.get("type", "")
    return next((kind for kind in kinds if kind != "null"), "") if isinstance(kinds, list) else kinds


def _groups(rows: Iterable[Json]) -> Iterator[list[Json]]:
    left = iter(rows)
    while group := list(islice(left, GROUP_ROWS)):
        yield group


FORMATS: Final[dict[str, Callable[[Iterable[Json], Shape, BinaryIO], int]]] = {
    "jsonl": write_lines,
    "parquet": write_parquet,
}
