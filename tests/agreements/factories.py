"""Build agreements and signatures through actions."""

from __future__ import annotations

from accounts.models import User
from agreements import actions
from agreements.models import Agreement, AgreementVersion, Signature
from kernel.sealing import Sealed, new_data_key, seal
from labs.actions import register_lab
from labs.models import Lab
from tests.experts.factories import NOW, a_user

TEXT = """# Confidentiality agreement

## 1. What is confidential

Every prompt, response and guideline shown to the Expert.

## 2. How long it lasts

The duties last for five years from the date of signature.
"""
NEXT_TEXT = TEXT.replace("five years", "three years")


def a_lab(name: str = "Northwind Research") -> Lab:
    """Register a lab."""
    return register_lab(
        owner=a_user("Lee Okoye"),
        name=name,
        contact_email="lab@example.org",
        country="US",
        website="https://lab.example.org",
        purpose="Evaluation",
        is_code_name_only=True,
        now=NOW,
    )


def an_agreement(lab: Lab | None = None, *, by: User | None = None) -> Agreement:
    """Draft a lab's agreement under the code name Saltmarsh."""
    return actions.draft_agreement(
        lab or a_lab(), title="Confidentiality agreement", code_name="Saltmarsh", by=by, now=NOW
    )


def a_version(agreement: Agreement, text: str = TEXT, *, urgent: bool = False) -> AgreementVersion:
    """Publish the next version of an agreement."""
    version = actions.draft_version(agreement, text=text, by=None, now=NOW, urgent=urgent)
    actions.publish_version(version, by=None, now=NOW)
    return version


def a_signature(version: AgreementVersion, user: User) -> Signature:
    """Sign a version under the user's own name."""
    return actions.sign_version(
        version,
        user=user,
        typed_name=user.get_full_name(),
        consent=True,
        ip="192.0.2.7",
        user_agent="Firefox",
        now=NOW,
    )


def sealed(text: str = "CANARY-7391", about: str = "tsk_1/payload") -> Sealed:
    """Seal a text."""
    key = new_data_key()
    return Sealed(key, seal(key, text.encode(), about=about), about)
