"""Ask experts for the tax form that they owe, and note when Stripe has it."""

from __future__ import annotations

from datetime import date, datetime

from django.urls import reverse

from accounts.audit import audit
from accounts.notices import notify
from experts.models import Expert
from kernel.db import action, require_transaction
from kernel.errors import FieldError, Invalid
from kernel.states import move
from payments.gateways.types import Recipient
from payments.models import TaxForm, TaxProfile
from payments.states import TAX_MOVES, TaxState

W8BEN_YEARS = 3  # It holds to the end of the third calendar year after it is signed (IRS, Instructions for W-8BEN).
EXPIRED = "Your form W-8BEN holds no longer. Go through your details at Stripe again."


@action
def declare_tax_form(expert: Expert, *, is_us_person: bool, now: datetime) -> TaxProfile:
    """Write which form an expert owes, by what they say they are; another form than before is asked for anew."""
    if expert.country == "US" and not is_us_person:
        message = "Whoever lives in the United States is a US person for tax, and gives form W-9."
        raise Invalid([FieldError("is_us_person", "resident", message)])
    form = TaxForm.W9 if is_us_person else TaxForm.W8BEN
    profile = _open(expert, form, now)
    if profile.form != form:
        was = profile.form
        TaxProfile.objects.filter(pk=profile.pk).update(
            form=form, state=TaxState.ASKED, state_changed_at=now, asked_at=now, given_at=None, valid_until=None
        )
        profile.refresh_from_db()
        audit(expert.user, "tax.form_changed", profile, at=now, was=was, form=form)
    return profile


def ask_for_tax_form(expert: Expert, *, now: datetime) -> TaxProfile:
    """Ask an expert for the form that their country suggests, if none was asked for."""
    return _open(expert, TaxForm.W9 if expert.country == "US" else TaxForm.W8BEN, now)


def note_tax_form(expert: Expert, recipient: Recipient, *, now: datetime) -> None:
    """Write whether Stripe has what the form asks for: it says so, and never what it is."""
    require_transaction()
    profile = ask_for_tax_form(expert, now=now)
    has_number = bool(recipient.number_kinds)
    if profile.has_number != has_number:
        TaxProfile.objects.filter(pk=profile.pk).update(has_number=has_number)
    is_given = recipient.is_ready and not any("id_number" in need for need in recipient.needs)
    if is_given and profile.state == TaxState.ASKED:
        until = date(now.year + W8BEN_YEARS, 12, 31) if profile.form == TaxForm.W8BEN else None
        was = move(profile, TaxState.GIVEN, moves=TAX_MOVES, now=now, given_at=now, valid_until=until)
        audit(None, "tax.given", profile, at=now, was=was, form=profile.form)


@action
def expire_tax_forms(now: datetime, limit: int = 200) -> int:
    """Ask again for forms that hold no longer; return for how many."""
    over = TaxProfile.objects.filter(state=TaxState.GIVEN, valid_until__lt=now.date())
    rows = list(over.select_for_update(of=("self",), skip_locked=True).select_related("expert__user")[:limit])
    for profile in rows:
        was = move(profile, TaxState.ASKED, moves=TAX_MOVES, now=now, asked_at=now, valid_until=None)
        audit(None, "tax.expired", profile, at=now, was=was, form=profile.form)
        notify(profile.expert.user, EXPIRED, reverse("payments:tax"), now)
    return len(rows)


def _open(expert: Expert, form: str, now: datetime) -> TaxProfile:
    require_transaction()
    fields = {"form": form, "state": TaxState.ASKED, "state_changed_at": now, "asked_at": now}
    profile, is_new = TaxProfile.objects.get_or_create(expert=expert, defaults=fields)
    if is_new:
        audit(None, "tax.asked", profile, at=now, form=form)
    return profile
