"""What the work loop says no to, each with its code and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.errors import Refused
from tasks.eligibility import Reason


class NothingToClaim(Refused):
    """There is no slot for this expert now; ``reasons`` say why, the one that matters most first."""

    code = "nothing_to_claim"

    def __init__(self, reasons: Sequence[Reason], *, retry_after: int | None = None) -> None:
        super().__init__(reasons[0].detail)
        self.reasons = tuple(reasons)
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """The rule that matters most."""
        return self.reasons[0].rule


class NotYours(Refused):
    """The claim is not, or no longer, in this expert's hands."""

    code = "not_yours"


class Lapsed(Refused):
    """The lease ran out, or the fence is an old one: the work is kept as a draft."""

    code = "lapsed"


class TakenOver(Refused):
    """Another tab or device holds this claim's meter."""

    code = "taken_over"


class DraftConflict(Refused):
    """A newer revision of the draft is stored already."""

    code = "draft_conflict"
