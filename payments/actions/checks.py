"""Note what the check of the ledger found, and tell the people who answer for the money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from accounts.mail import post_mail
from accounts.models import Role
from accounts.notices import notify
from accounts.queries import live_grants
from kernel.db import action
from payments.checks import Finding
from payments.models import LedgerCheck

ANSWERABLE = (Role.FINANCE, Role.OWNER)


@action
def note_ledger_check(findings: Sequence[Finding], *, now: datetime) -> LedgerCheck:
    """Keep what was found; when anything is broken, tell finance and the owners, in their inbox and by letter."""
    broken = [found for found in findings if found.breaches]
    row = LedgerCheck.objects.create(
        at=now,
        asked=len(findings),
        broken=[{"name": found.name, "breaches": found.breaches} for found in broken],
    )
    if broken:
        _tell(row, broken, now)
    return row


def _tell(row: LedgerCheck, broken: Sequence[Finding], now: datetime) -> None:
    subject = f"The ledger does not add up: {len(broken)} of {row.asked} invariants are broken"
    names = "\n".join(f"* {found.name}" for found in broken)
    body = f"{names}\n\nRun manage.py check_ledger for what breaks each, and follow docs/runbook.md.\n"
    people = {grant.user_id: grant.user for grant in live_grants().filter(role__in=ANSWERABLE)}
    for person in people.values():
        notify(person, subject, reverse("accounts:health"), now)
        post_mail(to=person.email, subject=subject, body=body, key=f"ledger-check-{row.pk}-{person.pk}")
