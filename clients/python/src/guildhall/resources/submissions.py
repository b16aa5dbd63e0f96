"""Submissions: answers as they were handed in, and the lab's own verdict on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guildhall.models import ClaimState, RejectionCategory, Submission
from guildhall.resources.resource import Resource, given


class Submissions(Resource):
    """Answers; experts are pseudonyms."""

    def all(
        self,
        *,
        batch: str | None = None,
        task: str | None = None,
        state: ClaimState | None = None,
        with_response: bool = False,
    ) -> Iterator[Submission]:
        """Yield submissions with their stages and provenance, newest first; the answer itself on request."""
        query = {"batch": batch, "task": task, "state": state, "expand": "response" if with_response else None}
        return self._transport.pages("/submissions", query)

    def get(self, submission: str, *, with_response: bool = False) -> Submission:
        """Return a submission; the answer itself on request."""
        query = {"expand": "response" if with_response else None}
        found: Submission = self._transport.get(f"/submissions/{submission}", query)
        return found

    def accept(self, submission: str, *, idempotency_key: str | None = None) -> Submission:
        """Accept an answer on your own word, within the window."""
        return self._judge(submission, "accept", None, idempotency_key)

    def fix(
        self, submission: str, *, response: dict[str, Any], notes: str = "", idempotency_key: str | None = None
    ) -> Submission:
        """Accept an answer with your own version in its place; the expert is paid in full."""
        values = given(response=response, notes=notes or None)
        return self._judge(submission, "fix", values, idempotency_key)

    def reject(
        self, submission: str, *, category: RejectionCategory, notes: str, idempotency_key: str | None = None
    ) -> Submission:
        """Reject an answer with a category and at least 100 characters of why; its time is paid all the same."""
        return self._judge(submission, "reject", {"category": category, "notes": notes}, idempotency_key)

    def _judge(self, submission: str, verb: str, values: dict[str, Any] | None, key: str | None) -> Submission:
        judged: Submission = self._transport.post(f"/submissions/{submission}:{verb}", values, key=key)
        return judged
