"""What every page shows around its content: the acting role, its navigation and its counts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts import queries as account_queries
from accounts import rules as account_rules
from accounts.models import User
from experts import queries as expert_queries
from labs import queries as lab_queries
from tasks import queries as task_queries

EXPERT, LAB, DESK = "expert", "lab", "desk"
LABELS: Final = {EXPERT: "Expert", LAB: "Lab console", DESK: "Desk", "": ""}
_PATHS: Final = (
    ("/work/", EXPERT), ("/earnings/", EXPERT), ("/apply/", EXPERT), ("/expert/", EXPERT),
    ("/lab/", LAB), ("/desk/", DESK),
)  # fmt: skip
_SESSION_KEY: Final = "acting_role"


@dataclass(frozen=True)
class Door:
    """A role that this person may switch to, and its first page."""

    role: str
    name: str
    label: str


class Page:
    """The frame of a page; each figure is read only when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        user: User | AnonymousUser | None = request.user  # The API's own pages know of no user.
        self._user = AnonymousUser() if user is None else user

    @cached_property
    def doors(self) -> list[Door]:
        """The roles this person holds, in the order of their daily use."""
        if not self._user.is_authenticated:
            return []
        held = [
            (getattr(self._user, "expert", None) is not None, Door(EXPERT, "tasks:home", "Expert home")),
            (lab_queries.labs_of(self._user).exists(), Door(LAB, "tasks:projects", "Lab console")),
            (account_rules.is_operator(self._user), Door(DESK, self._desk, "Operator desk")),
        ]
        return [door for is_held, door in held if is_held]

    @cached_property
    def role(self) -> str:
        """The role this page acts in: by its address, else the last one used, else the first one held."""
        if not self._user.is_authenticated:
            return ""
        path = self._request.path
        for prefix, role in _PATHS:
            if path.startswith(prefix):
                if path != "/lab/join/" and self._request.session.get(_SESSION_KEY) != role:
                    self._request.session[_SESSION_KEY] = role
                return role if role in {door.role for door in self.doors} else ""
        roles = [door.role for door in self.doors]
        last = self._request.session.get(_SESSION_KEY)
        return last if last in roles else (roles[0] if roles else "")

    @property
    def role_label(self) -> str:
        """The role in words, beside the mark."""
        return LABELS[self.role]

    @property
    def _desk(self) -> str:
        if account_rules.is_vetting(self._user):
            return "experts:vetting"
        return "payments:runs" if account_rules.is_finance(self._user) else "labs:desk"

    @cached_property
    def unread(self) -> int:
        """How many inbox rows are unread."""
        return account_queries.unread_notices(self._user) if self._user.is_authenticated else 0

    @cached_property
    def offer_count(self) -> int:
        """How many offers wait for this expert."""
        expert = getattr(self._user, "expert", None)
        return task_queries.open_offer_count(expert) if expert is not None else 0

    @cached_property
    def is_vetting(self) -> bool:
        """May this operator vet?"""
        return account_rules.is_vetting(self._user)

    @cached_property
    def vetting_count(self) -> int:
        """How many applications wait for an operator."""
        return expert_queries.waiting_count(self._user) if self.is_vetting else 0

    @cached_property
    def is_trust(self) -> bool:
        """May this operator ask who saw what?"""
        return account_rules.is_trust(self._user)

    @cached_property
    def case_count(self) -> int:
        """How many cases nobody has in hand."""
        return expert_queries.cases_in_no_hands() if self.is_trust else 0

    @cached_property
    def is_finance(self) -> bool:
        """May this operator see payouts?"""
        return account_rules.is_finance(self._user)

    @cached_property
    def is_owner(self) -> bool:
        """May this operator grant roles?"""
        return account_rules.is_owner(self._user)


def page(request: HttpRequest) -> dict[str, object]:
    """Give templates ``page`` and ``acting_role``."""
    frame = Page(request)
    return {"page": frame, "acting_role": frame.role if hasattr(request, "user") else ""}
