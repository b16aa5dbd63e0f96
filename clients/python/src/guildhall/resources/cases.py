"""Cases: what a person is asked about finished work, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator

from guildhall.models import Case, ReasonedCase
from guildhall.resources.resource import Resource


class Cases(Resource):
    """Cases on the lab's projects, whoever opened them."""

    def all(self) -> Iterator[Case]:
        """Yield cases, newest first."""
        return self._transport.pages("/cases")

    def get(self, case: str) -> ReasonedCase:
        """Return a case with the reasons of its decisions."""
        found: ReasonedCase = self._transport.get(f"/cases/{case}")
        return found

    def open(self, *, submission: str, words: str, idempotency_key: str | None = None) -> ReasonedCase:
        """Ask whether an accepted answer should be refunded, within seven days, in 40 characters or more.

        Its expert reads the words, and keeps the pay in any case.
        """
        values = {"submission": submission, "words": words}
        opened: ReasonedCase = self._transport.post("/cases", values, key=idempotency_key)
        return opened

    def appeal(self, case: str, *, words: str, idempotency_key: str | None = None) -> ReasonedCase:
        """Ask for a second, different person, within seven days of a decision against you."""
        appealed: ReasonedCase = self._transport.post(f"/cases/{case}:appeal", {"words": words}, key=idempotency_key)
        return appealed
