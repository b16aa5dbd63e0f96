"""What signers and trust operators may send."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from agreements.rules import is_same_name
from kernel.guards import NameField


class SignForm(forms.Form):
    """A consent and a typed name."""

    consent = forms.BooleanField(
        label="I have read the whole agreement and agree to it",
        error_messages={"required": "Tick this once you have read the whole agreement."},
    )
    typed_name = NameField(
        max_length=200,
        label="Type your full name",
        help_text="As your account has it. We store name, time, address and the text's hash.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "gh-signame"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Remember whose name has to be typed."""
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_typed_name(self) -> str:
        """Refuse a name that is not the signer's."""
        typed: str = self.cleaned_data["typed_name"]
        if not is_same_name(typed, self.user.get_full_name()):
            raise forms.ValidationError(f"Type your name as your account has it: {self.user.get_full_name()}.")
        return typed


class RevokeForm(forms.Form):
    """Why a signature ends."""

    reason = NameField(max_length=500, label="Reason")


class AccessForm(forms.Form):
    """What a trust operator looks for: a task, a claim, an export, or a person."""

    q = NameField(
        max_length=254,
        label="Task, claim, export or person",
        help_text="An id such as tsk_… or clm_…, a person's id usr_…, or their e-mail.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
