"""Whether each hold is a claim's, asked whenever money is reconciled."""

from __future__ import annotations

from collections.abc import Iterable

from payments.comparing import compares
from payments.models import Hold
from payments.states import HoldState
from tasks.models import Claim
from tasks.states import UNSETTLED

SHOWN = 5


@compares("every open hold is an unsettled claim's, and every unsettled claim has one")
def holds_against_claims() -> Iterable[str]:
    """Return the first open holds of no unsettled claim, and the first unsettled claims whose hold is not open."""
    claims = Claim.objects.filter(state__in=UNSETTLED, hold__isnull=False)
    stray = Hold.objects.filter(state=HoldState.OPEN).exclude(pk__in=claims.values("hold"))
    bare = claims.exclude(hold__state=HoldState.OPEN)
    return [f"{hold.public_id} is of no open claim" for hold in stray[:SHOWN]] + [
        f"{claim.public_id} has no open hold" for claim in bare[:SHOWN]
    ]
