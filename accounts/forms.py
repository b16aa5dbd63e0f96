"""Read what people type about themselves and about roles."""

from zoneinfo import available_timezones

from allauth.account.forms import AddEmailForm, SignupForm
from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Role, User
from kernel.guards import NameField, TextField

ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
LONGEST_ADDRESS = 254


class ShortAddress:
    """Refuse an address longer than the column: allauth would cut it, and write to somebody else."""

    def clean_email(self) -> str:
        """Measure the address before anything else looks at it."""
        if len(self.data.get("email", "")) > LONGEST_ADDRESS:  # type: ignore[attr-defined]  # a form's
            raise ValidationError(f"An address has at most {LONGEST_ADDRESS} characters.", code="max_length")
        return str(super().clean_email())  # type: ignore[misc]  # allauth's form


class NewAddressForm(ShortAddress, AddEmailForm):  # type: ignore[misc]  # allauth carries no types
    """Another address for the account."""


class NamedSignupForm(ShortAddress, SignupForm):  # type: ignore[misc]  # allauth carries no types
    """Sign-up: a name beside address and password; the zone comes from the browser, if it says one."""

    name = NameField(max_length=200, label="Your name")
    time_zone = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    field_order = ["name", "email", "password1", "password2"]

    def clean_time_zone(self) -> str:
        """Take only a zone that exists; UTC else."""
        zone = self.cleaned_data["time_zone"]
        return zone if zone in ZONES else "UTC"

    def custom_signup(self, request: object, user: User) -> None:
        """Keep the name and the zone with the new account."""
        user.name, user.time_zone = self.cleaned_data["name"], self.cleaned_data["time_zone"]
        user.save(update_fields=["name", "time_zone"])


class ProfileForm(forms.Form):
    """A person's name and zone."""

    name = NameField(max_length=200, label="Your name")
    time_zone = forms.ChoiceField(choices=[("UTC", "UTC"), *((zone, zone) for zone in ZONES)], label="Time zone")


class RoleForm(forms.Form):
    """Give a role: to whom, which, and why."""

    email = forms.EmailField(label="E-mail of the account", max_length=254)
    role = forms.ChoiceField(choices=Role.choices)
    reason = TextField(max_length=500, label="Reason", widget=forms.Textarea(attrs={"rows": 2}))

    def clean_email(self) -> str:
        """Find the account."""
        email = str(self.cleaned_data["email"]).lower()
        self.person = User.objects.filter(email=email, is_active=True, is_simulated=False).first()
        if self.person is None:
            raise ValidationError("No open account has this address. They sign up first.")
        return email
