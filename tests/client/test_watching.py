"""The feed is followed without a gap; batches and exports are watched to their end."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from guildhall import ExportFailed
from guildhall.resources import events as feed
from guildhall.resources.batches import is_over
from tests.client.misbehaving import Reply, refuses, says, serving


def page(last: str | None, *names: str) -> Reply:
    """Answer a stretch of the feed."""
    return says({"data": [{"id": name, "type": "batch.running"} for name in names], "last": last})


def batch(state: str, **counts: int) -> dict[str, Any]:
    """Return a batch with so many answers in each state."""
    progress = dict.fromkeys(("created", "open", "claimed", "submitted", "accepted", "void"), 0) | counts
    return {"id": "bat_1", "state": state, "progress": progress, "postings": []}


def test_the_feed_is_read_to_its_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAGE", 2)
    with serving(page("p.2", "e1", "e2"), page("p.3", "e3")) as site, site.client() as lab:
        stream = lab.events.all(after="p.0")
        seen = [event["id"] for event in stream]

    assert (seen, stream.cursor) == (["e1", "e2", "e3"], "p.3")
    assert [request.query["after"] for request in site.requests] == ["p.0", "p.2"]


def test_following_goes_on_after_quiet_and_trouble() -> None:
    replies = [page("p.1", "e1"), page("p.1"), refuses(503, "busy"), page("p.2", "e2"), page("p.3", "e3")]
    with serving(*replies) as site, site.client() as lab:
        stream = lab.events.follow(poll_seconds=0)
        seen = [event["id"] for event in islice(stream, 3)]

    assert seen == ["e1", "e2", "e3"]
    assert [request.query.get("after") for request in site.requests] == [None, "p.1", "p.1", "p.1", "p.2"]


def test_a_cursor_covers_no_event_that_was_not_handed_out() -> None:
    with serving(page("p.2", "e1", "e2"), page("p.3", "e3")) as site, site.client() as lab:
        stream = lab.events.follow(after="p.0", poll_seconds=0)
        cursors = [(next(stream)["id"], stream.cursor) for _ in range(3)]

    assert cursors == [("e1", "p.0"), ("e2", "p.0"), ("e3", "p.2")]


@pytest.mark.parametrize(
    ("found", "is_so"),
    [
        (batch("DRAFT"), False),
        (batch("STAGED", created=2, open=2), False),
        (batch("RUNNING"), False),
        (batch("RUNNING", created=2, open=1, accepted=1), False),
        (batch("RUNNING", created=2, submitted=1, accepted=1), False),
        (batch("RUNNING", created=2, accepted=1, void=1), True),
        (batch("RUNNING", created=2, accepted=2) | {"postings": [{"id": "ing_1"}]}, False),
        (batch("PAUSED", created=2, accepted=2), False),
        (batch("DRAINING", created=2, open=1, accepted=1), False),
        (batch("COMPLETED", created=2, accepted=2), True),
        (batch("CANCELLED", created=2, void=2), True),
    ],
)
def test_a_batch_is_over_when_nothing_more_comes_of_it(found: Any, is_so: bool) -> None:
    assert is_over(found) is is_so


def test_a_batch_is_told_of_when_it_changed() -> None:
    first, then, last = batch("RUNNING", created=1, open=1), batch("DRAINING", created=1, open=1), batch("COMPLETED")
    with serving(says(first), says(first), says(then), says(last)) as site, site.client() as lab:
        seen = list(lab.batches.watch("bat_1", every_seconds=0))

    assert seen == [first, then, last]


def test_an_export_is_waited_for() -> None:
    states = [says({"id": "exp_1", "state": state, "reason": ""}) for state in ("QUEUED", "RUNNING", "READY")]
    with serving(*states) as site, site.client() as lab:
        ready = lab.exports.wait("exp_1", every_seconds=0)

    assert ready["state"] == "READY"


def test_an_export_that_failed_says_why() -> None:
    failed = says({"id": "exp_1", "state": "FAILED", "reason": "A row did not fit the schema."})
    with serving(failed) as site, site.client() as lab, pytest.raises(ExportFailed, match="did not fit"):
        lab.exports.wait("exp_1")
