"""What the console takes about endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from kernel.errors import FieldError
from kernel.guards import NameField
from labs.models import EndpointState, Mode, WebhookEndpoint
from labs.webhooks import rules

FIELDS = {"types": "kinds"}


class ChangeForm(forms.Form):
    """What may change of an endpoint."""

    url = forms.CharField(
        label="Address",
        max_length=rules.MOST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )
    description = NameField(label="What it is for", max_length=200, required=False)
    kinds = forms.MultipleChoiceField(
        label="Events, or none for all",
        choices=[(kind, kind) for kind in rules.KINDS_TO_CHOOSE],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def add_errors(self, errors: Sequence[FieldError]) -> None:
        """Show what the action refused, each beside its field."""
        for error in errors:
            name = error.pointer.strip("/")
            self.add_error(FIELDS.get(name, name), error.detail)


class EndpointForm(ChangeForm):
    """A new endpoint."""

    mode = forms.ChoiceField(
        label="World",
        choices=((Mode.TEST, "Test: events of what test keys make"), (Mode.LIVE, "Live: events of real work")),
        widget=forms.RadioSelect,
        initial=Mode.TEST,
    )
    field_order = ("url", "description", "mode", "kinds")


class StateForm(forms.Form):
    """Whether an endpoint is called."""

    state = forms.ChoiceField(choices=EndpointState.choices)


def change_form(endpoint: WebhookEndpoint, data: Any = None) -> ChangeForm:
    """Return the form that shows an endpoint as it is."""
    initial = {"url": endpoint.url, "description": endpoint.description, "kinds": endpoint.kinds}
    return ChangeForm(data, initial=initial)
