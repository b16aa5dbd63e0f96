"""What the pages of money take from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from kernel.guards import FIRST_YEAR, LAST_YEAR, NameField, TextField
from kernel.ids import BadId
from kernel.money import Money, usd
from labs.models import Lab
from payments.actions.funding import LEAST_MINOR, MOST_MINOR
from payments.models import PLAY_MONEY, FundingWay, TaxForm, TaxProfile
from payments.rules import CORRECTABLE

CURRENCIES = ("USD", "EUR", "GBP", PLAY_MONEY)
# Stripe's own test cards: they exist wherever no real money moves.
TEST_CARDS = (
    ("pm_card_visa", "Test card, Visa ending 4242 (settles in two days)"),
    ("pm_card_bypassPending", "Test card ending 0077 (settles at once)"),
    ("pm_card_chargeDeclined", "Test card ending 0341 (is declined)"),
)


class PayInForm(forms.Form):
    """How much to pay in on a page that Stripe hosts, and how."""

    amount = forms.DecimalField(
        label="Amount in US dollars",
        min_value=Decimal(LEAST_MINOR) / 100,
        max_value=Decimal(MOST_MINOR) / 100,
        max_digits=12,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )
    way = forms.ChoiceField(
        label="How",
        choices=(
            (FundingWay.CARD_PAGE, "By card, on Stripe's page, now"),
            (FundingWay.INVOICE, "By invoice, due in 30 days: bank transfer or card"),
        ),
        widget=forms.RadioSelect,
        initial=FundingWay.CARD_PAGE,
    )
    po_number = NameField(label="Your purchase order number", max_length=100, required=False)
    press = forms.RegexField(regex=r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def money(self) -> Money:
        """Return the amount in whole cents."""
        return usd(int(self.cleaned_data["amount"] * 100))


class TopUpForm(PayInForm):
    """How much to charge at once, and to which of Stripe's test cards."""

    way = None  # type: ignore[assignment]  # Django's way to leave a field of the parent out.
    po_number = None  # type: ignore[assignment]  # As above.
    payment_method = forms.ChoiceField(label="Paid with", choices=TEST_CARDS)


class TaxPersonForm(forms.Form):
    """Whether an expert is a US person for tax, which decides the form that they owe."""

    US = "us"
    person = forms.ChoiceField(
        label="Which are you?",
        choices=(
            (US, "A US person: a citizen, a resident, or a green card holder, wherever I live (form W-9)"),
            ("foreign", "Not a US person (form W-8BEN)"),
        ),
        widget=forms.RadioSelect,
    )


class BuildForm(forms.Form):
    """Which week to build a run for."""

    week_start = forms.DateField(widget=forms.HiddenInput)


class ReasonForm(forms.Form):
    """Why something about a run is stopped or changed."""

    reason = TextField(label="Reason", min_length=3, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ResolveForm(ReasonForm):
    """Why a difference is no longer one, and what a movement that nothing explains turned out to be."""

    book_as = forms.CharField(max_length=10, required=False)


class CorrectionForm(forms.Form):
    """What to move from which account to which, and why."""

    ACCOUNTS = tuple(CORRECTABLE.items())
    debit = forms.ChoiceField(label="Debit (a cost or a claim of ours grows)", choices=ACCOUNTS)
    credit = forms.ChoiceField(label="Credit (a debt of ours grows)", choices=ACCOUNTS)
    lab = NameField(label="The lab's id, if it is a lab's account", max_length=40, required=False)
    amount = forms.DecimalField(
        label="Amount in US dollars",
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )
    reason = TextField(label="Why", min_length=10, max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def clean_lab(self) -> Lab | None:
        """Return the lab that is named, if one is."""
        text = self.cleaned_data["lab"]
        try:
            found = Lab.objects.filter(pk=Lab.parse_id(text)).first() if text else None
        except BadId:
            found = None
        if text and found is None:
            raise forms.ValidationError("There is no such lab. Its id begins with lab_.")
        return found

    def money(self) -> Money:
        """Return the amount in whole cents."""
        return usd(int(self.cleaned_data["amount"] * 100))


class ApprovalForm(forms.Form):
    """What an approver confirms, beside who they are."""

    saw_unusual = forms.BooleanField(required=True)
    means_total = forms.BooleanField(required=True)
    content_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)


def can_use_test_cards() -> bool:
    """Tell whether test cards may be offered: never where real money moves."""
    return bool(settings.GUILDHALL_MODE != "production")


def test_card_form(data: Any, press: str) -> TopUpForm:
    """Return the form, with a fresh press when it is not a press itself."""
    return TopUpForm(data, initial={"press": press, "amount": Decimal("5000.00")})


def pay_in_form(data: Any, press: str) -> PayInForm:
    """Return the form for a hosted page, with a fresh press; its fields stand beside those of the test cards."""
    return PayInForm(data, initial={"press": press, "amount": Decimal("5000.00")}, auto_id="pay_%s")


def tax_form(data: Any, profile: TaxProfile | None) -> TaxPersonForm:
    """Return the form, with what the expert said before."""
    is_us_person = profile is not None and profile.form == TaxForm.W9
    said = {} if profile is None else {"person": TaxPersonForm.US if is_us_person else "foreign"}
    return TaxPersonForm(data, initial=said)


class UtcField(forms.DateTimeField):
    """An instant as bookkeepers write it: in UTC, to the minute."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **options: Any) -> None:
        earliest, latest = (datetime(year, 1, 1, tzinfo=UTC) for year in (FIRST_YEAR, LAST_YEAR))
        super().__init__(validators=[MinValueValidator(earliest), MaxValueValidator(latest)], **options)

    def to_python(self, value: Any) -> datetime | None:
        """Read the instant, whatever zone its reader lives in."""
        with timezone.override(UTC):
            return super().to_python(value)


class StatementForm(forms.Form):
    """Which account, and between which instants."""

    account = NameField(label="Account", max_length=80, required=False)
    currency = forms.ChoiceField(label="Currency", choices=[(each, each) for each in CURRENCIES])
    since = UtcField(label="From (UTC)", required=False)
    until = UtcField(label="Until (UTC), not included", required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    beyond = NameField(max_length=80, required=False)
