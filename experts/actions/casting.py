"""Cast the simulated experts of labs' test mode: nobody's accounts, with every tier in every field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.audit import audit
from accounts.models import SIMULATED_HOST, User
from experts.models import TWO_PERSON_TIER, Domain, Expert, ReviewerMark, TierGrant
from experts.states import ExpertState, Mode
from kernel.db import action

TIERS = range(1, 6)
# A task takes up to 20 answers, each by somebody else, and a rejected one is done anew by yet another person.
WORKERS_OF_A_TIER = 24
REVIEWERS_OF_A_TIER = 4
LOWEST_REVIEW_TIER = 2
REASON = "Plays an expert in labs' test mode"


@dataclass(frozen=True)
class Part:
    """Somebody to be played: a tier, a number, and whether they review."""

    tier: int
    number: int
    is_reviewer: bool

    @property
    def name(self) -> str:
        """What they sign with."""
        return f"Simulated {'reviewer' if self.is_reviewer else 'expert'} {self.tier}.{self.number:02}"

    @property
    def email(self) -> str:
        """The address that says who they are, and that no letter reaches."""
        return f"{self.name.replace(' ', '-').lower()}{SIMULATED_HOST}"


def parts() -> Iterator[Part]:
    """Give the whole cast, in its order."""
    for tier in TIERS:
        for number in range(1, WORKERS_OF_A_TIER + 1):
            yield Part(tier, number, is_reviewer=False)
        for number in range(1, REVIEWERS_OF_A_TIER + 1 if tier >= LOWEST_REVIEW_TIER else 1):
            yield Part(tier, number, is_reviewer=True)


@action
def install_cast(*, now: datetime) -> int:
    """Make whoever is missing, with their tier in every field; return how large the cast is."""
    wanted = list(parts())
    known = set(Expert.objects.filter(mode=Mode.TEST).values_list("user__email", flat=True))
    new = [part for part in wanted if part.email not in known]
    if new:
        experts = _make(new, now)
        _grant(list(zip(new, experts, strict=True)), now)
        for expert in experts:
            audit(None, "expert.cast", expert, at=now)
    return len(wanted)


def _make(new: list[Part], now: datetime) -> list[Expert]:
    users = User.objects.bulk_create(_account(part.name, part.email, now) for part in new)
    return Expert.objects.bulk_create(
        Expert(
            user=user,
            mode=Mode.TEST,
            country="US",
            languages=["en"],
            headline=part.name,
            weekly_hours=80,
            created_at=now,
            state=ExpertState.ACTIVE,
            state_changed_at=now,
        )
        for part, user in zip(new, users, strict=True)
    )


def _account(name: str, email: str, now: datetime) -> User:
    user = User(email=email, name=name, is_simulated=True, date_joined=now)
    user.set_unusable_password()
    return user


def _grant(cast: list[tuple[Part, Expert]], now: datetime) -> None:
    """Give each their tier in the root of every tree of fields, from where it counts below."""
    first, second = _granters(now)
    given = {"granted_by": first, "reason": REASON, "granted_at": now}
    seen_twice = {"second_by": second, "second_at": now}
    roots = list(Domain.objects.filter(parent=None))
    TierGrant.objects.bulk_create(
        TierGrant(
            expert=expert,
            domain=root,
            tier=part.tier,
            **given,
            **(seen_twice if part.tier >= TWO_PERSON_TIER else {}),
        )
        for part, expert in cast
        for root in roots
    )
    ReviewerMark.objects.bulk_create(
        ReviewerMark(expert=expert, domain=root, **given) for part, expert in cast if part.is_reviewer for root in roots
    )


def _granters(now: datetime) -> list[User]:
    """Return the two who stand for the vetting desk: simulated too, so that no operator answers for the cast."""
    emails = [f"simulated-desk-{letter}{SIMULATED_HOST}" for letter in "ab"]
    known = {user.email: user for user in User.objects.filter(email__in=emails)}
    missing = [_account("Simulated vetting desk", email, now) for email in emails if email not in known]
    known |= {user.email: user for user in User.objects.bulk_create(missing)}
    return [known[email] for email in emails]
