"""The shapes that trainers load, from one accepted answer each; and the sealed file they lie in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest
from django.conf import LazySettings

from kernel.sealing import CannotOpen, new_data_key, open_sealed
from tasks.exports import SHAPES, Accepted, Json
from tasks.exports.files import path_of, read_frames, write_file
from tasks.kinds import registry

REPLY = "It is 😀 safe. Mostly."


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
        provenance={"expert": "expert-abc", "tier": 3},
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


def test_a_file_lies_sealed_and_opens_whole(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    rows = [orjson.dumps({"n": number, "text": "CANARY-7391" * 50}) + b"\n" for number in range(2_000)]

    written = write_file("exr_1.jsonl.sealed", iter(rows), key=key, about="exr_1")

    plain = b"".join(open_sealed(frame) for frame in read_frames("exr_1.jsonl.sealed", key=key, about="exr_1"))
    assert plain == b"".join(rows)
    assert (written.rows, written.size_bytes, written.sha256) == (2_000, len(plain), hashlib.sha256(plain).hexdigest())
    assert b"CANARY" not in path_of("exr_1.jsonl.sealed").read_bytes()
    assert [path.name for path in (tmp_path / "exports").iterdir()] == ["exr_1.jsonl.sealed"]


def test_frames_do_not_open_in_another_place(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    write_file("exr_1.jsonl.sealed", [b"{}\n"], key=key, about="exr_1")

    with pytest.raises(CannotOpen):
        [open_sealed(frame) for frame in read_frames("exr_1.jsonl.sealed", key=key, about="exr_2")]


def test_a_file_that_breaks_off_leaves_the_one_before(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    key = new_data_key()
    write_file("exr_1.jsonl.sealed", [b"{}\n"], key=key, about="exr_1")
    before = path_of("exr_1.jsonl.sealed").read_bytes()

    with pytest.raises(ZeroDivisionError):
        write_file("exr_1.jsonl.sealed", (b"%d" % (1 // number) for number in (1, 0)), key=key, about="exr_1")

    assert path_of("exr_1.jsonl.sealed").read_bytes() == before
    assert len(list((tmp_path / "exports").iterdir())) == 1
