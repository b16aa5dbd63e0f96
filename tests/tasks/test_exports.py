"""The shapes that trainers load, from one accepted answer each; and the sealed file they lie in."""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import jsonschema_rs
import orjson
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings

from kernel.sealing import CannotOpen, new_data_key, open_sealed
from tasks.exports import SHAPES, Accepted, Json
from tasks.exports.download import range_of
from tasks.exports.files import FRAME_BYTES, path_of, read_frames, sweep_parts, write_file
from tasks.exports.formats import arrow_schema, fit, write_parquet
from tasks.kinds import registry

REPLY = "It is 😀 safe. Mostly."
PROVENANCE: Json = {
    "expert": "expert-abc",
    "tier": 3,
    "credential_classes": ["psychiatry"],
    "guideline_version": None,
    "agreement_version": 1,
    "active_seconds": 600,
    "shown_order": [],
    "kind_version": 1,
    "stages": [
        {"decision": "ACCEPT", "category": "", "by": "reviewer", "decided_at": datetime(2026, 11, 2, tzinfo=UTC)},
    ],
}


def accepted(kind: str, payload: Json, response: Json) -> Accepted:
    return Accepted(
        task_id="tsk_1",
        submission_id="sub_1",
        external_id="mine-1",
        kind=kind,
        payload=payload,
        response=response,
        original=None,
        tags=["dose"],
        metadata={"mine": 1},
        provenance=PROVENANCE,
    )


def test_every_kind_has_its_shapes() -> None:
    assert {shape for kind in registry.KINDS.values() for shape in kind.shapes} == set(SHAPES)


def test_sft_rows_are_conversations() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]

    row = SHAPES["sft"].row(accepted("demonstration", {"prompt": {"messages": messages}}, {"answer": "At noon."}))

    assert row is not None
    assert row["messages"] == [*messages, {"role": "assistant", "content": "At noon."}]
    assert (row["external_id"], row["tags"], row["metadata"]) == ("mine-1", ["dose"], {"mine": 1})


def test_a_context_comes_before_its_prompt() -> None:
    row = SHAPES["sft_prompt_completion"].row(
        accepted("demonstration", {"prompt": "When?", "context": "Lithium."}, {"answer": "At noon."})
    )

    assert row is not None
    assert row["prompt"] == [{"role": "user", "content": "Lithium.\n\nWhen?"}]
    assert row["completion"] == [{"role": "assistant", "content": "At noon."}]


def test_a_piece_answers_its_brief() -> None:
    row = SHAPES["sft"].row(accepted("creative", {"brief": "Write."}, {"piece": "It rained."}))

    assert row is not None
    assert [message["content"] for message in row["messages"]] == ["Write.", "It rained."]


def test_what_could_not_be_done_is_no_training_row_but_is_canonical() -> None:
    silent = accepted("demonstration", {"prompt": "?"}, {"answer": "", "cannot_assess": True})

    assert (SHAPES["sft"].row(silent), SHAPES["sft_prompt_completion"].row(silent)) == (None, None)
    assert SHAPES["canonical"].row(silent) is not None


def test_ragtruth_rows_quote_their_spans() -> None:
    span = {"start": 6, "end": 12, "label": "invented", "evidence": "No such word."}
    payload = {"prompt": "?", "response": REPLY, "sources": [{"title": "Label", "text": "Safe."}]}

    row = SHAPES["ragtruth"].row(accepted("factuality", payload, {"spans": [span], "verdict": "misleading"}))

    assert row is not None
    assert row["labels"] == [
        {
            "start": 6,
            "end": 12,
            "text": "😀 safe",
            "label_type": "invented",
            "meta": {"evidence": "No such word.", "correction": ""},
        }
    ]
    assert (row["id"], row["source_id"], row["source_info"]) == (
        "sub_1",
        "mine-1",
        [{"title": "Label", "text": "Safe."}],
    )


RICH = {
    "factuality": (
        {
            "prompt": {"messages": [{"role": "user", "content": "?"}]},
            "response": REPLY,
            "sources": [{"title": "Label"}],
        },
        {
            "spans": [{"start": 6, "end": 12, "label": "invented", "evidence": "No such word."}],
            "verdict": "misleading",
            "justification": "So it is.",
        },
    ),
    "demonstration": ({"prompt": "When?", "context": "Lithium."}, {"answer": "At noon.", "citations": []}),
    "creative": ({"brief": "Write."}, {"piece": "It rained.", "notes": ""}),
}
SHAPES_OF_KINDS = [(kind.name, shape) for kind in registry.KINDS.values() for shape in kind.shapes]


@pytest.mark.parametrize(("kind", "shape"), SHAPES_OF_KINDS)
def test_every_row_fits_the_schema_of_its_shape(kind: str, shape: str) -> None:
    row = SHAPES[shape].row(accepted(kind, *RICH[kind]))

    jsonschema_rs.validator_for(SHAPES[shape].schema).validate(orjson.loads(orjson.dumps(row)))


@pytest.mark.parametrize(("kind", "shape"), SHAPES_OF_KINDS)
def test_a_row_comes_back_from_parquet_as_it_was(kind: str, shape: str) -> None:
    row = SHAPES[shape].row(accepted(kind, *RICH[kind]))
    assert row is not None
    file = io.BytesIO()

    written = write_parquet([row, row], SHAPES[shape], cast(BinaryIO, Unclosed(file)))

    table = pq.read_table(io.BytesIO(file.getvalue()))
    assert (written, table.num_rows, table.schema.metadata[b"schema_id"].decode()) == (2, 2, SHAPES[shape].schema_id)
    assert table.to_pylist()[1] == fit(row, SHAPES[shape].schema)
    assert table.to_pylist()[1]["metadata"] == '{"mine":1}'


class Unclosed(io.RawIOBase):
    """Take what a writer writes, and stay readable when it closes."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__()
        self.file = file

    def writable(self) -> bool:
        return True

    def write(self, some: Any) -> int:
        return self.file.write(some)


def test_a_column_is_missing_nowhere() -> None:
    row = SHAPES["sft"].row(accepted("creative", *RICH["creative"]))

    assert row is not None
    assert arrow_schema(SHAPES["sft"]).names == list(row)


def put(*rows: bytes) -> Callable[[BinaryIO], int]:
    """Return a writer of these rows."""

    def write(file: BinaryIO) -> int:
        for row in rows:
            file.write(row)
        return len(rows)

    return write


def opened(name: str, *, key: bytes, about: str, start: int = 0) -> bytes:
    """Read a file's plain bytes from ``start``."""
    part = read_frames(name, key=key, about=about, start=start)
    return b"".join(open_sealed(frame) for frame in part.frames)[part.skip :]


def test_a_file_lies_sealed_and_opens_whole(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    rows = [orjson.dumps({"n": number, "text": "CANARY-7391" * 50}) + b"\n" for number in range(2_000)]

    written = write_file("exr_1.jsonl.sealed", put(*rows), key=key, about="exr_1")

    plain = opened("exr_1.jsonl.sealed", key=key, about="exr_1")
    assert plain == b"".join(rows)
    assert (written.rows, written.size_bytes, written.sha256) == (2_000, len(plain), hashlib.sha256(plain).hexdigest())
    assert b"CANARY" not in path_of("exr_1.jsonl.sealed").read_bytes()
    assert [path.name for path in (tmp_path / "exports").iterdir()] == ["exr_1.jsonl.sealed"]


@pytest.mark.parametrize("start", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES - 1])
def test_a_file_opens_from_any_byte(settings: LazySettings, tmp_path: Path, start: int) -> None:
    settings.DATA_DIR = tmp_path
    key, plain = new_data_key(), random.Random(7).randbytes(3 * FRAME_BYTES)
    write_file("exr_1.jsonl.sealed", put(plain), key=key, about="exr_1")

    assert opened("exr_1.jsonl.sealed", key=key, about="exr_1", start=start) == plain[start:]


def test_frames_do_not_open_in_another_place(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    write_file("exr_1.jsonl.sealed", put(b"{}\n"), key=key, about="exr_1")

    with pytest.raises(CannotOpen):
        opened("exr_1.jsonl.sealed", key=key, about="exr_2")


def test_a_file_that_breaks_off_leaves_the_one_before(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    write_file("exr_1.jsonl.sealed", put(b"{}\n"), key=key, about="exr_1")
    before = path_of("exr_1.jsonl.sealed").read_bytes()

    def breaks(file: BinaryIO) -> int:
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_file("exr_1.jsonl.sealed", breaks, key=key, about="exr_1")

    assert path_of("exr_1.jsonl.sealed").read_bytes() == before
    assert len(list((tmp_path / "exports").iterdir())) == 1


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", None),
        ("bytes=0-", (0, 100)),
        ("bytes=40-59", (40, 60)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=100-", (100, 100)),
        ("bytes=-0", (100, 100)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        (f"bytes={'9' * 5_000}-", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str, wanted: tuple[int, int] | None) -> None:
    assert range_of(header, 100) == wanted


def test_what_a_killed_writer_left_is_deleted_after_a_while(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    write_file("one.sealed", put(b"x"), key=new_data_key(), about="exr_1")
    left = [path_of(f"{name}.7.part") for name in ("old", "fresh")]
    for part in left:
        part.write_bytes(b"")
    os.utime(left[0], (0, 0))

    sweep_parts(3600)

    assert sorted(path.name for path in path_of("x").parent.iterdir()) == ["fresh.7.part", "one.sealed"]
