"""A download goes on where it broke off, and its file appears when it is the one that the manifest names."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from guildhall import AuthenticationError, BadFile, NetworkError
from tests.client.misbehaving import DROPPED, Reply, Request, refuses, says, serving

CONTENT = b"".join(b'{"external_id": "t-%d"}\n' % number for number in range(20_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PART = f"accepted.jsonl.{SHA256[:16]}.part"


def manifest(**changes: Any) -> Reply:
    """Answer what the export holds."""
    file = {"name": "exp_1.jsonl", "format": "jsonl", "rows": 20_000, "size_bytes": len(CONTENT), "sha256": SHA256}
    return says({"export": "exp_1", "files": [file | changes], "next_since": "s.1"})


def whole(sends: int | None = None, content: bytes = CONTENT, **headers: str) -> Reply:
    """Answer the file, or its beginning before the connection breaks."""
    return Reply(200, content, headers, sends=sends)


def rest(start: int, sends: int | None = None, **headers: str) -> Reply:
    """Answer the rest of the file."""
    span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    return Reply(206, CONTENT[start:], {"Content-Range": span, **headers}, sends=sends)


def asked(request: Request) -> tuple[str | None, str | None]:
    """Return which bytes were asked for, of which file."""
    return request.headers.get("range"), request.headers.get("if-range")


def left_behind(folder: Path) -> set[str]:
    """Return the names of what lies there."""
    return {path.name for path in folder.iterdir()}


def test_a_file_is_written_and_nothing_beside_it(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    with serving(manifest(), whole()) as site, site.client() as lab:
        told = lab.exports.download("exp_1", tmp_path / "accepted.jsonl", on_bytes=lambda *done: heard.append(done))

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT
    assert left_behind(tmp_path) == {"accepted.jsonl"}
    assert told["next_since"] == "s.1"
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert site.called == ["GET /exports/exp_1/manifest", "GET /exports/exp_1/download"]
    assert site.requests[1].headers["accept-encoding"] == "identity"


def test_a_download_that_breaks_twice_goes_on_where_it_stopped(tmp_path: Path) -> None:
    replies = [manifest(), whole(100_000), DROPPED, refuses(503, "busy"), rest(100_000, 50_000), rest(150_000)]
    with serving(*replies) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT
    tag = f'"{SHA256}"'
    again = ("bytes=100000-", tag)
    assert [asked(request) for request in site.requests[1:]] == [
        (None, None), again, again, again, ("bytes=150000-", tag),
    ]  # fmt: skip


def test_another_run_goes_on_where_an_earlier_one_stopped(tmp_path: Path) -> None:
    with serving(manifest(), whole(70_000), DROPPED) as site, site.client() as lab, pytest.raises(NetworkError):
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")
    then = left_behind(tmp_path)

    with serving(manifest(), rest(70_000)) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert then == {PART}
    assert asked(site.requests[1]) == ("bytes=70000-", f'"{SHA256}"')
    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT
    assert left_behind(tmp_path) == {"accepted.jsonl"}


def test_attempts_are_counted_from_the_last_that_brought_something(tmp_path: Path) -> None:
    step = len(CONTENT) // 8
    pieces = [rest(start * step, step) for start in range(1, 8)]
    with serving(manifest(), whole(step), *pieces, rest(8 * step)) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT


def test_where_the_server_sends_the_whole_again_it_takes_the_place_of_the_part(tmp_path: Path) -> None:
    with serving(manifest(), whole(100_000), whole()) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT


def test_a_rest_that_begins_elsewhere_is_thrown_away(tmp_path: Path) -> None:
    with serving(manifest(), whole(100_000), rest(90_000), whole()) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT
    assert asked(site.requests[3]) == (None, None)


def test_an_answer_that_was_packed_on_the_way_is_unpacked(tmp_path: Path) -> None:
    packed = whole(content=gzip.compress(CONTENT), **{"Content-Encoding": "gzip"})
    with serving(manifest(), packed) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT


def test_a_rest_that_was_packed_on_the_way_is_asked_for_whole(tmp_path: Path) -> None:
    packed = rest(100_000, **{"Content-Encoding": "gzip"})
    with serving(manifest(), whole(100_000), packed, whole()) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT


def test_a_path_that_ends_in_gz_is_packed(tmp_path: Path) -> None:
    with serving(manifest(), whole()) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl.gz")

    assert gzip.decompress((tmp_path / "accepted.jsonl.gz").read_bytes()) == CONTENT
    assert left_behind(tmp_path) == {"accepted.jsonl.gz"}


def test_a_file_that_is_not_the_one_named_is_removed_and_the_one_before_stays(tmp_path: Path) -> None:
    (tmp_path / "accepted.jsonl").write_bytes(b"yesterday's")
    wrong = CONTENT[:-3] + b"!}\n"
    with serving(manifest(), whole(content=wrong)) as site, site.client() as lab, pytest.raises(BadFile, match="again"):
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == b"yesterday's"
    assert left_behind(tmp_path) == {"accepted.jsonl"}


def test_more_than_was_named_is_not_taken(tmp_path: Path) -> None:
    with serving(manifest(), whole(content=CONTENT * 2)) as site, site.client() as lab, pytest.raises(BadFile):
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert left_behind(tmp_path) == set()


def test_an_export_of_no_rows_is_an_empty_file(tmp_path: Path) -> None:
    nothing = manifest(size_bytes=0, rows=0, sha256=hashlib.sha256(b"").hexdigest())
    with serving(nothing, whole(content=b"")) as site, site.client() as lab:
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == b""


def test_a_key_that_is_revoked_on_the_way_ends_it_and_keeps_the_part(tmp_path: Path) -> None:
    replies = [manifest(), whole(70_000), refuses(401, "no_valid_key")]
    with serving(*replies) as site, site.client() as lab, pytest.raises(AuthenticationError):
        lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert left_behind(tmp_path) == {PART}


def test_a_signed_address_elsewhere_is_followed_without_the_key(tmp_path: Path) -> None:
    with serving(whole()) as store:
        there = Reply(302, b"", {"Location": store.address.replace("127.0.0.1", "localhost") + "/signed"})
        with serving(manifest(), there) as site, site.client() as lab:
            lab.exports.download("exp_1", tmp_path / "accepted.jsonl")

    assert (tmp_path / "accepted.jsonl").read_bytes() == CONTENT
    assert "authorization" not in store.requests[0].headers
