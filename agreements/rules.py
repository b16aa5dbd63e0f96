"""Who may see, sign and take back what; and whether a typed name is the signer's own."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.rules import is_operator, is_trust
from agreements.models import Agreement, Signature
from agreements.states import Mode

PURPOSE_MIN = 10


def is_same_name(typed: str, name: str) -> bool:
    """Tell whether a typed name is ``name``, letter case and spacing apart."""
    return _folded(typed) == _folded(name) != ""


def _folded(name: str) -> str:
    """Return a name as it is compared: composed, without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def is_house(agreement: Agreement) -> bool:
    """Tell whether this is the operators' own agreement."""
    return agreement.lab_id is None


def can_sign(user: User | AnonymousUser, agreement: Agreement) -> bool:
    """Tell whether ``user`` may sign: experts sign labs' agreements of their own world, operators the house's too."""
    if not isinstance(user, User) or user.is_simulated != (agreement.mode == Mode.TEST):
        return False
    return not is_house(agreement) or is_operator(user)


def can_revoke(user: User | AnonymousUser, signature: Signature) -> bool:
    """Tell whether ``user`` may end a signature: their own at any time, another's as a trust operator."""
    return user.pk == signature.user_id or is_trust(user)


def can_search_access(user: User | AnonymousUser) -> bool:
    """Tell whether ``user`` may ask who saw what."""
    return is_trust(user)
