"""Issue papers: the next number, the exact figures and the bytes in one transaction, once for what each is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.audit import audit
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action, require_transaction
from kernel.errors import Refused
from labs.models import Lab, Mode
from payments import papers
from payments.models import PLAY_MONEY, Document, DocumentKind, DocumentSeries, Funding, FundingWay
from payments.models.documents import number_text
from payments.papers import Figures, Paper
from payments.queries import papers as figures_of
from payments.queries.papers import Period
from payments.states import FundingState

K = DocumentKind
SAYS: dict[str, Callable[[Figures], Paper]] = {
    K.DEPOSIT_INVOICE: papers.deposit_invoice,
    K.RECEIPT: papers.receipt,
    K.LAB_STATEMENT: papers.lab_statement,
    K.EXPERT_STATEMENT: papers.expert_statement,
    K.EXPERT_YEAR: papers.expert_year,
}
# What a list shows of each: the figure that it is about.
AMOUNT = {
    K.DEPOSIT_INVOICE: "amount_minor",
    K.RECEIPT: "amount_minor",
    K.LAB_STATEMENT: "closing_minor",
    K.EXPERT_STATEMENT: "earned_minor",
    K.EXPERT_YEAR: "paid_minor",
}
UNPAID = (FundingState.CREATED, FundingState.FAILED, FundingState.CANCELLED)


@action
def issue_invoice(funding: Funding, *, now: datetime) -> Document:
    """Issue the invoice of a deposit that is paid by invoice."""
    if funding.way != FundingWay.INVOICE or funding.state in UNPAID:
        raise Refused("An invoice is issued once the page to pay it on is open.")
    return _of_payment(K.DEPOSIT_INVOICE, funding, now)


@action
def issue_receipt(funding: Funding, *, now: datetime) -> Document:
    """Issue the receipt of a confirmed payment."""
    if funding.succeeded_at is None:
        raise Refused("A receipt is issued once the payment is confirmed.")
    return _of_payment(K.RECEIPT, funding, now)


@action
def issue_lab_statement(lab: Lab, period: Period, *, now: datetime, currency: str = "USD") -> Document:
    """Issue a lab's statement of a month that is over."""
    _check_over(period, now)
    what = {"lab": lab, "start": period.start, "end": period.end, "currency": currency}
    return _issue(K.LAB_STATEMENT, what, lambda: figures_of.lab_figures(lab, period, currency), now)


@action
def issue_expert_statement(expert: Expert, period: Period, *, now: datetime, currency: str = "USD") -> Document:
    """Issue an expert's statement of a month that is over."""
    _check_over(period, now)
    what = {"expert": expert, "start": period.start, "end": period.end, "currency": currency}
    return _issue(K.EXPERT_STATEMENT, what, lambda: figures_of.expert_figures(expert, period, currency), now)


@action
def issue_expert_year(expert: Expert, year: int, *, now: datetime, currency: str = "USD") -> Document:
    """Issue an expert's summary of a year that is over."""
    period = figures_of.year_of(year)
    _check_over(period, now)
    what = {"expert": expert, "start": period.start, "end": period.end, "currency": currency}
    return _issue(K.EXPERT_YEAR, what, lambda: figures_of.expert_year_figures(expert, year, currency), now)


@action
def close_month(period: Period) -> None:
    """Make it due, once, that a month's statements are made."""
    month = period.start.isoformat()
    due("payments.make_statements_due", key=month, start=month)


@action
def make_statements_due(period: Period, *, currency: str = "USD") -> None:
    """Make each lab's and each expert's statement of a month due, once; with December's, the year's summaries."""
    month = period.start.isoformat()
    for lab in figures_of.labs_with_money(period, currency):
        due("payments.issue_lab_statement", key=f"{lab.public_id}-{month}", lab=lab.pk, start=month)
    for expert in figures_of.experts_with_money(period, currency):
        due("payments.issue_expert_statement", key=f"{expert.public_id}-{month}", expert=expert.pk, start=month)
    if period.start.month == 12:
        year = period.start.year
        for expert in figures_of.experts_with_money(figures_of.year_of(year), currency):
            due("payments.issue_expert_year", key=f"{expert.public_id}-{year}", expert=expert.pk, year=year)


def render(document: Document) -> bytes:
    """Set a document again from its figures: the bytes that were kept, as long as the papers are what they were."""
    figures = document.figures
    head = papers.Head(document.label, document.issued_at, figures["issuer"], document.mode == Mode.TEST)
    return papers.set_paper(head, SAYS[document.kind](figures))


def _of_payment(kind: str, funding: Funding, now: datetime) -> Document:
    what = {"lab": funding.lab, "funding": funding, "currency": funding.currency}
    return _issue(kind, what, lambda: figures_of.funding_figures(funding), now)


def _issue(kind: str, what: dict[str, Any], read: Callable[[], Figures], now: datetime) -> Document:
    """Write one paper, or return the one that there is; if it cannot be set, its number is the next one's."""
    mode = Mode.TEST if what["currency"] == PLAY_MONEY else Mode.LIVE
    series = _lock_series(mode, kind)
    known = Document.objects.defer("pdf").filter(kind=kind, **what).first()  # Looked for under the lock.
    if known is not None:
        return known
    series.last_number += 1
    figures = {**read(), "issuer": list(settings.ISSUER)}
    label = number_text(mode, kind, series.last_number)
    pdf = papers.set_paper(papers.Head(label, now, settings.ISSUER, mode == Mode.TEST), SAYS[kind](figures))
    series.save(update_fields=["last_number"])
    document = Document.objects.create(
        mode=mode,
        kind=kind,
        number=series.last_number,
        amount_minor=figures[AMOUNT[K(kind)]],
        figures=figures,
        pdf=pdf,
        sha256=hashlib.sha256(pdf).hexdigest(),
        issued_at=now,
        **what,
    )
    audit(None, "document.issued", document, at=now, number=document.label, sha256=document.sha256)
    return document


def _lock_series(mode: str, kind: str) -> DocumentSeries:
    """Return a series that nobody else numbers from until the end of the transaction."""
    require_transaction()
    DocumentSeries.objects.bulk_create([DocumentSeries(mode=mode, kind=kind)], ignore_conflicts=True)
    return DocumentSeries.objects.select_for_update().get(mode=mode, kind=kind)


def _check_over(period: Period, now: datetime) -> None:
    if now < period.until:
        raise Refused(f"The statement is issued when {period.last:%d %B %Y} is over.")
