"""What the nightly check of the ledger found."""

from __future__ import annotations

from django.db import models


class LedgerCheck(models.Model):
    """One asking of every invariant: which were broken, and by what; none means that all held."""

    at = models.DateTimeField()
    asked = models.PositiveSmallIntegerField()  # How many invariants there were.
    broken = models.JSONField(default=list)  # [{name, breaches}]

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{len(self.broken)} of {self.asked} broken"
