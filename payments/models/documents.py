"""Papers that were issued: each under the next number of its series, kept as the bytes that went out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from experts.models import Expert
from kernel.ids import TypedIdModel
from labs.models import Lab, Mode
from payments.models.funding import Funding


class DocumentKind(models.TextChoices):
    """What a paper is."""

    DEPOSIT_INVOICE = "deposit_invoice", "Deposit invoice"
    RECEIPT = "receipt", "Receipt"
    LAB_STATEMENT = "lab_statement", "Statement"
    EXPERT_STATEMENT = "expert_statement", "Statement of earnings"
    EXPERT_YEAR = "expert_year", "Summary of the year"


OF_A_PAYMENT = (DocumentKind.DEPOSIT_INVOICE, DocumentKind.RECEIPT)
OF_A_LAB = (*OF_A_PAYMENT, DocumentKind.LAB_STATEMENT)
SERIES = {
    DocumentKind.DEPOSIT_INVOICE: "INV",
    DocumentKind.RECEIPT: "REC",
    DocumentKind.LAB_STATEMENT: "LST",
    DocumentKind.EXPERT_STATEMENT: "EST",
    DocumentKind.EXPERT_YEAR: "EYR",
}


class DocumentSeries(models.Model):
    """The last number given in a series; whoever issues holds this row, so that none is skipped or given twice."""

    mode = models.CharField(max_length=4, choices=Mode)
    kind = models.CharField(max_length=20, choices=DocumentKind)
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "document series"
        constraints = (
            models.UniqueConstraint(fields=["mode", "kind"], name="document_series_once"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="document_series_mode_known"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_series_kind_known"),
        )

    def __str__(self) -> str:
        return f"{self.mode} {self.kind} {self.last_number}"


class Document(TypedIdModel):
    """One paper, for one lab or one expert; it never changes (migration 0008)."""

    PREFIX: ClassVar[str] = "doc"

    mode = models.CharField(max_length=4, choices=Mode)
    kind = models.CharField(max_length=20, choices=DocumentKind)
    number = models.PositiveIntegerField()
    lab = models.ForeignKey(Lab, models.PROTECT, null=True, related_name="documents")
    expert = models.ForeignKey(Expert, models.PROTECT, null=True, related_name="documents")
    funding = models.ForeignKey(Funding, models.PROTECT, null=True, related_name="documents")
    start = models.DateField(null=True)  # Of the period, of which ``end`` is the day after the last.
    end = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()  # What is due, was received, is left, was earned or was sent.
    figures = models.JSONField()  # All that it says, in whole minor units: the papers set the same bytes from them.
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ("-issued_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["mode", "kind", "number"], name="document_numbered_once"),
            models.UniqueConstraint(
                fields=["kind", "funding"], condition=Q(funding__isnull=False), name="document_once_per_payment"
            ),
            models.UniqueConstraint(
                fields=["kind", "lab", "start", "currency"],
                condition=Q(start__isnull=False, lab__isnull=False),
                name="document_once_per_lab_and_period",
            ),
            models.UniqueConstraint(
                fields=["kind", "expert", "start", "currency"],
                condition=Q(start__isnull=False, expert__isnull=False),
                name="document_once_per_expert_and_period",
            ),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="document_mode_known"),
            models.CheckConstraint(condition=Q(number__gt=0), name="document_numbers_begin_at_one"),
            models.CheckConstraint(
                condition=Q(kind__in=OF_A_LAB, lab__isnull=False, expert__isnull=True)
                | Q(
                    kind__in=[DocumentKind.EXPERT_STATEMENT, DocumentKind.EXPERT_YEAR],
                    lab__isnull=True,
                    expert__isnull=False,
                ),
                name="document_is_for_one",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OF_A_PAYMENT, funding__isnull=False, start__isnull=True, end__isnull=True)
                | (~Q(kind__in=OF_A_PAYMENT) & Q(funding__isnull=True, end__gt=F("start"))),
                name="document_of_a_payment_or_a_period",
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Return its number as people quote it: INV-000042, or TEST-INV-000042 of play money."""
        return number_text(self.mode, self.kind, self.number)


def number_text(mode: str, kind: str, number: int) -> str:
    """Return a number of a series as people quote it."""
    world = "TEST-" if mode == Mode.TEST else ""
    return f"{world}{SERIES[DocumentKind(kind)]}-{number:06d}"
