"""Which papers there are for whom, without their bytes until one is asked for."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.rules import is_finance
from experts.models import Expert
from labs.models import Lab, Mode
from payments.models import Document

MOST_SHOWN = 120


def documents_seen_by(user: User, *, lab: Lab | None, expert: Expert | None) -> QuerySet[Document]:
    """Return what a person may open: their lab's papers and their own; finance may open all."""
    if is_finance(user):
        return Document.objects.all()
    return Document.objects.filter(Q(lab=lab, lab__isnull=False) | Q(expert=expert, expert__isnull=False))


def documents_of_lab(lab: Lab) -> list[Document]:
    """List a lab's papers of real money, newest first."""
    return _listed(Document.objects.filter(lab=lab, mode=Mode.LIVE))


def documents_of_expert(expert: Expert) -> list[Document]:
    """List an expert's papers, newest first."""
    return _listed(Document.objects.filter(expert=expert, mode=Mode.LIVE))


def _listed(documents: QuerySet[Document]) -> list[Document]:
    return list(documents.defer("pdf", "figures").order_by("-issued_at", "-id")[:MOST_SHOWN])
