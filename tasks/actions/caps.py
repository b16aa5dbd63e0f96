"""The cap of a batch: what its claims hold and have spent is counted on it, as steps inside other actions.

A batch's row is written after the slot's and before the ledger's, so that no two wait for each other.
"""

from __future__ import annotations

from uuid import UUID

from kernel.db import require_transaction
from kernel.rows import call
from payments.rates import fee_minor, pay_minor
from tasks.models import Claim

WITHIN_CAP = "batch_within_cap"  # The constraint's name, in what the database says of a cap that is passed.


def commit_to_batch(batch_id: UUID, minor: int) -> None:
    """Count ``minor`` more, or less, as held or spent of a batch that has a cap; past it the database refuses."""
    require_transaction()
    call("tasks_commit_to_batch(%s, %s)", [batch_id, minor])


def give_back_unspent(claim: Claim, *, with_fee: bool) -> None:
    """Count no longer what a claim holds and will not be paid; its hold is as it was loaded, and still open."""
    if claim.batch.cap_minor is None:
        return
    assert claim.hold is not None  # Taken at the claim.
    assert claim.approved_seconds is not None  # Set by the decision.
    pay = pay_minor(claim.approved_seconds, claim.rate_minor)
    spent = pay + (fee_minor(pay, claim.fee_bps) if with_fee else 0)
    commit_to_batch(claim.batch_id, spent - claim.hold.amount_minor)
