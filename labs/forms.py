"""What the lab console and the labs' desk take from people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from babel import Locale
from django import forms
from django.core.validators import URLValidator

from kernel.errors import Invalid
from kernel.guards import NameField, TextField
from labs.models import Mode, Role, Scope
from labs.networks import clean_networks

SCOPE_WORDS = {
    Scope.TASKS_WRITE: "Post and drive projects, batches and tasks",
    Scope.RESULTS_READ: "Read submissions and exports",
    Scope.FUNDS_READ: "Read balances",
    Scope.WEBHOOKS_WRITE: "Set up webhooks",
    Scope.ADMIN: "Manage keys",
}
NEVER = "0"
LIFETIMES = (("90", "In 90 days"), ("365", "In a year"), (NEVER, "Never"))


def countries() -> list[tuple[str, str]]:
    """List the countries of ISO 3166, by name."""
    names = Locale("en").territories
    found = [(code, str(name)) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    unreal = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
    return sorted(((code, name) for code, name in found if code not in unreal), key=lambda pair: pair[1])


class LabForm(forms.Form):
    """A lab's application."""

    name = NameField(label="Company or lab", max_length=200)
    contact_email = forms.EmailField(label="E-mail for contracts and invoices", max_length=254)
    country = forms.ChoiceField(label="Country")
    website = NameField(
        label="Website",
        max_length=300,
        required=False,
        validators=[URLValidator(schemes=["https", "http"])],
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    purpose = TextField(
        label="What you want experts to do",
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_code_name_only = forms.BooleanField(
        label="Never show our name to experts; use each project's code name", required=False, initial=True
    )
    terms = forms.BooleanField(
        label="We accept the terms and the data agreement, and I may say so for the company",
        error_messages={"required": "A lab cannot be opened without this."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"] = forms.ChoiceField(label="Country", choices=[("", "Choose"), *countries()])

    def values(self) -> dict[str, Any]:
        """Return what the action takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "terms"}


class NetworksField(forms.CharField):
    """Networks, separated by spaces, commas or lines."""

    def __init__(self, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 2, "placeholder": "203.0.113.0/24"})
        super().__init__(label="Only from these networks", max_length=1_000, required=False, widget=widget, **options)

    def clean(self, value: Any) -> list[str]:
        """Return the networks in CIDR form, or say which is none."""
        try:
            return clean_networks(str(super().clean(value)).replace(",", " ").split())
        except Invalid as refusal:
            raise forms.ValidationError(refusal.errors[0].detail) from refusal


class KeyForm(forms.Form):
    """A new key."""

    label = NameField(label="Name", max_length=100, widget=forms.TextInput(attrs={"placeholder": "What will use it"}))
    mode = forms.ChoiceField(
        label="World",
        choices=((Mode.TEST, "Test: reaches nobody, play money"), (Mode.LIVE, "Live: real experts, real money")),
        widget=forms.RadioSelect,
        initial=Mode.TEST,
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.TASKS_WRITE, Scope.RESULTS_READ, Scope.FUNDS_READ],
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    lifetime = forms.ChoiceField(label="It ends", choices=LIFETIMES, initial="90")
    networks = NetworksField()

    def values(self, now: datetime) -> dict[str, Any]:
        """Return what the action takes."""
        data = self.cleaned_data
        days = int(data["lifetime"])
        return {
            "label": data["label"],
            "mode": data["mode"],
            "scopes": data["scopes"],
            "expires_at": now + timedelta(days=days) if days else None,
            "allowed_networks": data["networks"],
        }


class NetworksForm(forms.Form):
    """From where an existing key may be used."""

    networks = NetworksField()


ROLES = ((Role.MEMBER, "Member: sees the work"), (Role.OWNER, "Owner: also keys, people and money"))


class InviteForm(forms.Form):
    """Somebody to act for the lab."""

    email = forms.EmailField(label="Their e-mail address", max_length=254)
    role = forms.ChoiceField(label="Role", choices=ROLES)


class RoleForm(forms.Form):
    """What somebody may do from now on."""

    role = forms.ChoiceField(choices=ROLES)


class DecisionForm(forms.Form):
    """An operator's word on an application."""

    decision = forms.ChoiceField(choices=(("approve", "Approve"), ("decline", "Decline")))
    reason = TextField(
        label="Reason, kept with the decision", max_length=1_000, widget=forms.Textarea(attrs={"rows": 2})
    )
