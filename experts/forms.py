"""What experts and operators may send: each field says what it takes and what was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from babel import Locale
from django import forms

from experts.models import Domain, TierRequest
from experts.rules import CHECKS
from experts.states import ContentFlag, CredentialClass
from kernel.guards import NameField, TextField

ENGLISH = Locale("en")
NOT_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "QO", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
LANGUAGES = tuple(
    "ar bn cs da de el en es fa fi fr he hi id it ja ko nl no pl pt ro ru sv th tr uk vi zh".split()  # noqa: SIM905 -- thirty quoted codes hide a slip
)
COUNTRY_CHOICES = sorted(
    ((code, name) for code, name in ENGLISH.territories.items() if code.isalpha() and code not in NOT_COUNTRIES),
    key=lambda pair: pair[1],
)
LANGUAGE_CHOICES = [(code, ENGLISH.languages[code]) for code in LANGUAGES]
TIER_CHOICES = [(str(tier), f"Tier {tier}") for tier in range(1, 6)]
REQUESTS_MAX = 5


def country_name(code: str) -> str:
    """Return a country's English name."""
    return str(ENGLISH.territories.get(code, code))


def language_names(codes: Iterable[str]) -> list[str]:
    """Return languages' English names."""
    return [ENGLISH.languages.get(code, code) for code in codes]


class AboutForm(forms.Form):
    """Who the expert is and where they work."""

    headline = NameField(
        max_length=120, label="What you do", help_text="One line, for example: psychiatrist, perinatal mood clinic."
    )
    country = forms.ChoiceField(
        choices=[("", "Choose a country"), *COUNTRY_CHOICES],
        label="Country you work and pay tax in",
    )
    languages = forms.MultipleChoiceField(
        choices=LANGUAGE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        label="Languages you can judge work in",
        error_messages={"required": "Choose at least one language."},
    )
    employer = NameField(
        max_length=200,
        required=False,
        label="Employer",
        help_text="Nobody reviews a colleague's work; labs never see this.",
    )
    network = NameField(
        max_length=200,
        required=False,
        label="Practice, chambers or agency you share with others",
        help_text="Used in the same way.",
    )
    bio = TextField(max_length=4000, required=False, label="About you", widget=forms.Textarea(attrs={"rows": 4}))


class AvailabilityForm(forms.Form):
    """How much time the expert has."""

    weekly_hours = forms.IntegerField(
        min_value=0, max_value=80, label="Hours a week", help_text="Offers are sized to fit; nothing is owed."
    )
    is_away = forms.BooleanField(required=False, label="I am away: send me no offers")


class ContentForm(forms.Form):
    """Which disturbing content the expert is willing to see."""

    flags = forms.MultipleChoiceField(
        choices=ContentFlag.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="I am willing to see",
        help_text="Work that carries a kind you did not tick is never offered. Declining costs nothing.",
    )


class CredentialForm(forms.Form):
    """One proof, as the expert claims it."""

    credential_class = forms.ChoiceField(choices=[("", "Choose"), *CredentialClass.choices], label="Kind")
    title = NameField(max_length=200, required=False, label="Title", help_text="Degree, speciality or work.")
    issuer = NameField(max_length=200, label="Issued by")
    jurisdiction = NameField(
        max_length=40, required=False, label="Where it counts", help_text="For a licence: US-NY, GB, DE-BY and so on."
    )
    number = NameField(max_length=80, required=False, label="Number")
    expires_on = forms.DateField(
        required=False, label="Valid through", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean_expires_on(self) -> date | None:
        """Refuse a last day that is long past or further off than any licence lasts."""
        last_day: date | None = self.cleaned_data["expires_on"]
        if last_day is not None and not date(2000, 1, 1) <= last_day <= date.today() + timedelta(days=366 * 60):
            raise forms.ValidationError("Give the last day printed on it.")
        return last_day


class RequestForm(forms.Form):
    """One domain and the tier asked for there."""

    domain = forms.ModelChoiceField(
        Domain.objects.select_related("parent"), required=False, empty_label="Choose a domain", label="Domain"
    )
    tier = forms.ChoiceField(choices=[("", "Choose a tier"), *TIER_CHOICES], required=False, label="Tier")

    def __init__(self, *args: Any, domains: list[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        """Take the domain choices once for all rows, so that a page asks the database for them once."""
        super().__init__(*args, **kwargs)
        if domains is not None:
            self.fields["domain"].widget.choices = domains

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        cleaned = super().clean() or self.cleaned_data
        if "domain" in cleaned and "tier" in cleaned and bool(cleaned["domain"]) != bool(cleaned["tier"]):
            raise forms.ValidationError("Choose both a domain and a tier, or clear both.")
        return cleaned


class BaseRequestFormSet(forms.BaseFormSet[RequestForm]):
    """All the domains asked for, each once."""

    def clean(self) -> None:
        """Refuse one domain asked for twice."""
        chosen = [form.cleaned_data["domain"] for form in self.forms if getattr(form, "cleaned_data", {}).get("domain")]
        if len(chosen) != len(set(chosen)):
            raise forms.ValidationError("Ask for each domain once.")

    def requests(self) -> list[tuple[Domain, int]]:
        """Return the rows that were filled in."""
        rows = (form.cleaned_data for form in self.forms)
        return [(row["domain"], int(row["tier"])) for row in rows if row.get("domain")]


RequestFormSet: type[BaseRequestFormSet] = forms.formset_factory(  # type: ignore[assignment]  # It is of this class.
    RequestForm, formset=BaseRequestFormSet, extra=0, max_num=REQUESTS_MAX, absolute_max=REQUESTS_MAX, validate_max=True
)


class StatementForm(forms.Form):
    """The expert's own words."""

    statement = TextField(
        max_length=4000,
        required=False,
        label="In your words",
        help_text="What you do, for how long, and why you would judge this work well. Who decides reads it.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class VerdictForm(forms.Form):
    """What an operator found about a credential, and where they looked."""

    verdict = forms.ChoiceField(choices=(("verify", "Verified"), ("refuse", "Not confirmed")), label="Verdict")
    where = NameField(max_length=300, label="Where you looked", help_text="The register, page or office.")
    finding = TextField(max_length=2000, label="What it says", widget=forms.Textarea(attrs={"rows": 2}))


class ReasonForm(forms.Form):
    """A reason, and nothing else."""

    reason = TextField(max_length=2000, label="Reason", widget=forms.Textarea(attrs={"rows": 3}))


class GrantForm(ReasonForm):
    """A tier to grant in a domain, with its reason."""

    domain = forms.ModelChoiceField(Domain.objects.all(), label="Domain", empty_label="Choose a domain")
    tier = forms.TypedChoiceField(choices=TIER_CHOICES, coerce=int, label="Tier")
    field_order = ("domain", "tier", "reason")


class MarkForm(ReasonForm):
    """A domain to review in, with the reason."""

    domain = forms.ModelChoiceField(Domain.objects.all(), label="Domain", empty_label="Choose a domain")
    field_order = ("domain", "reason")


class DecisionForm(forms.Form):
    """An operator's decision: which checks they made, which tiers they grant, and why."""

    APPROVING = ("approve", "confirm")

    decision = forms.ChoiceField(choices=[(name, name) for name in ("approve", "confirm", "more", "decline")])
    checks = forms.MultipleChoiceField(
        choices=[(name, text) for name, text, _ in CHECKS], required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = TextField(
        max_length=2000,
        label="Reason",
        help_text="The expert reads it, and so does every later operator.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, requests: Iterable[TierRequest], **kwargs: Any) -> None:
        """Add one tier field for each domain that is asked for, set to the tier asked for."""
        super().__init__(*args, **kwargs)
        self.requests = list(requests)
        for request in self.requests:
            self.fields[self._name(request)] = forms.ChoiceField(
                choices=[("", "Not granted"), *TIER_CHOICES],
                required=False,
                initial=str(request.tier),
                label=f"{request.domain.name}, asks tier {request.tier}",
            )

    @staticmethod
    def _name(request: TierRequest) -> str:
        """Return the name of the tier field of one request."""
        return f"tier_{request.domain_id}"

    def tier_fields(self) -> list[forms.BoundField]:
        """Return the tier fields, bound."""
        return [self[self._name(request)] for request in self.requests]

    def tiers(self) -> dict[Domain, int]:
        """Return the tiers to grant, by domain."""
        chosen = {request.domain: self.cleaned_data[self._name(request)] for request in self.requests}
        return {domain: int(tier) for domain, tier in chosen.items() if tier}

    def clean(self) -> dict[str, Any]:
        """Refuse an approval with a check left open, or with no tier at all."""
        cleaned = super().clean() or self.cleaned_data
        decision = cleaned.get("decision")
        if decision in self.APPROVING and len(cleaned.get("checks", ())) < len(CHECKS):
            self.add_error("checks", "Make and tick every check before you approve; or ask for more.")
        if decision == "approve" and not any(cleaned.get(self._name(request)) for request in self.requests):
            raise forms.ValidationError("Grant a tier in at least one domain, or decline.")
        return cleaned
