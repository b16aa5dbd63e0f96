"""The journal as it went to the bookkeeper: numbered batches, each entry in one, none ever changed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kernel.ids import TypedIdModel


class JournalBatch(TypedIdModel):
    """The entries of the transactions ``from_xid`` to before ``to_xid``, as CSV: batches follow without a gap."""

    PREFIX: ClassVar[str] = "jnl"

    number = models.PositiveIntegerField(unique=True)
    from_xid = models.BigIntegerField()
    to_xid = models.BigIntegerField()
    entry_count = models.PositiveIntegerField()
    line_count = models.PositiveIntegerField()
    totals = models.JSONField()  # The debits of each currency in minor units, which the credits equal.
    content = models.BinaryField()  # The file, compressed by zlib.
    sha256 = models.CharField(max_length=64)  # Of the file as it is downloaded.
    locked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    locked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "journal batches"
        ordering = ("-number",)
        constraints = (
            models.CheckConstraint(condition=Q(number__gt=0, entry_count__gt=0), name="journal_batch_holds_something"),
            models.CheckConstraint(condition=Q(to_xid__gt=F("from_xid")), name="journal_batch_goes_forward"),
        )

    def __str__(self) -> str:
        return f"Journal {self.number}"
