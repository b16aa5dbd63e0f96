"""What experts say about themselves: profile, availability, and what content they accept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.audit import audit
from experts.actions.effects import tell_routing
from experts.models import Expert
from experts.states import EXPERT_MOVES, ExpertState
from kernel.db import action
from kernel.states import move


@action
def change_profile(
    expert: Expert,
    *,
    country: str,
    languages: Sequence[str],
    headline: str,
    bio: str,
    employer: str,
    network: str,
    now: datetime,
) -> None:
    """Record what the expert says about themselves."""
    expert.country, expert.languages = country, list(languages)
    expert.headline, expert.bio = headline, bio
    expert.employer, expert.network = employer, network
    expert.save(update_fields=["country", "languages", "headline", "bio", "employer", "network"])
    audit(expert.user, "expert.profile_changed", expert, at=now)
    tell_routing(expert)


@action
def set_availability(expert: Expert, *, weekly_hours: int, is_away: bool, now: datetime) -> None:
    """Record how many hours a week the expert has, and whether they are away."""
    expert.weekly_hours = weekly_hours
    expert.save(update_fields=["weekly_hours"])
    wanted = ExpertState.AWAY if is_away else ExpertState.ACTIVE
    if expert.state in (ExpertState.ACTIVE, ExpertState.AWAY) and expert.state != wanted:
        was = move(expert, wanted, moves=EXPERT_MOVES, now=now)
        audit(expert.user, "expert.away" if is_away else "expert.back", expert, at=now, was=was)
    audit(expert.user, "expert.availability_set", expert, at=now, weekly_hours=weekly_hours)
    tell_routing(expert)


@action
def choose_content(expert: Expert, *, flags: Sequence[str], now: datetime) -> None:
    """Record which kinds of disturbing content the expert is willing to see; declining costs nothing."""
    expert.content_flags_accepted = sorted(set(flags))
    expert.save(update_fields=["content_flags_accepted"])
    audit(expert.user, "expert.content_chosen", expert, at=now, flags=len(expert.content_flags_accepted))
    tell_routing(expert)
