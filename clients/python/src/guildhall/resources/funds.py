"""Money: the balance, its journal, payments, and what was spent on what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from guildhall.models import Balance, Funding, JournalLine, NewFundingMethod, Spend, SpendPart
from guildhall.resources.resource import Resource, given
from guildhall.transport import Call


class Funds(Resource):
    """A lab's money, in minor units."""

    def balance(self, *, currency: str | None = None) -> Balance:
        """Return the balance: prepaid = available + allocated + held + spent."""
        found: Balance = self._transport.get("/balance", {"currency": currency})
        return found

    def ledger(
        self,
        *,
        account: Literal["prepaid", "budget", "held"] | None = None,
        project: str | None = None,
        currency: str | None = None,
    ) -> Iterator[JournalLine]:
        """Yield the lines of an account, newest first, each with the balance after it."""
        return self._transport.pages("/ledger", {"account": account, "project": project, "currency": currency})

    def spend(
        self,
        *,
        by: Sequence[SpendPart] = ("project",),
        project: str | None = None,
        since: date | None = None,
        until: date | None = None,
        currency: str | None = None,
    ) -> Spend:
        """Return sums of pay lines and fees, by any of project, batch, tier and week."""
        found: Spend = self._transport.get("/spend", _asked(by, project, since, until, currency))
        return found

    def spend_csv(
        self,
        *,
        by: Sequence[SpendPart] = ("project",),
        project: str | None = None,
        since: date | None = None,
        until: date | None = None,
        currency: str | None = None,
    ) -> str:
        """Return the same as a file of CSV, with no cell that a spreadsheet would run."""
        query = {**_asked(by, project, since, until, currency), "format": "csv"}
        return self._transport.answered(Call("GET", "/spend", query)).text

    def fundings(self) -> Iterator[Funding]:
        """Yield payments, newest first."""
        return self._transport.pages("/fundings")

    def funding(self, funding: str) -> Funding:
        """Return a payment: how far it is, and the page to pay on."""
        found: Funding = self._transport.get(f"/fundings/{funding}")
        return found

    def pay_in(
        self,
        *,
        amount_minor: int,
        currency: str,
        method: NewFundingMethod,
        po_number: str = "",
        idempotency_key: str | None = None,
    ) -> Funding:
        """Open a page to pay on by card or invoice; with a test key, play money is there at once."""
        amount = {"amount_minor": amount_minor, "currency": currency}
        values = given(amount=amount, method=method, po_number=po_number or None)
        made: Funding = self._transport.post("/fundings", values, key=idempotency_key)
        return made


def _asked(
    by: Sequence[SpendPart], project: str | None, since: date | None, until: date | None, currency: str | None
) -> dict[str, str | None]:
    return {
        "by": ",".join(by),
        "project": project,
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "currency": currency,
    }
