"""Who may vet whom, what an application still lacks, and when an answer is promised."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.rules import is_vetting
from experts.models import Application, Expert, TierGrant
from experts.states import ApplicationState

ANSWER_BUSINESS_DAYS = 3
COOLING_OFF = timedelta(days=30)
STATEMENT_MIN = 80

CHECKS = (
    ("name", "Name matches the credentials", "As on the licence or the published work"),
    ("current", "Credentials are current", "No expiry passed, no actions on record"),
    ("depth", "Ten years or equal depth", "From the credentials and the statement"),
    ("fit", "Evidence fits the tier asked for", "Compare with experts at that tier"),
    ("sources", "I looked at the sources myself", "Needed from each operator"),
)


def can_vet(user: User | AnonymousUser, expert: Expert) -> bool:
    """Tell whether ``user`` may decide on ``expert``: a vetting operator, and never on themselves."""
    return is_vetting(user) and user.pk != expert.user_id


def can_confirm(user: User | AnonymousUser, grant: TierGrant) -> bool:
    """Tell whether ``user`` may be the second person on ``grant``."""
    return can_vet(user, grant.expert) and user.pk != grant.granted_by_id


def can_edit(application: Application) -> bool:
    """Tell whether the expert may still change what they ask for."""
    return application.state in (ApplicationState.DRAFT, ApplicationState.MORE_WANTED)


def can_apply_again(application: Application, now: datetime) -> bool:
    """Tell whether a declined application may be opened again: after the cooling-off."""
    decided_at = application.decided_at
    return application.state == ApplicationState.DECLINED and decided_at is not None and now >= decided_at + COOLING_OFF


def missing_parts(*, languages: Collection[str], requests: int, credentials: int, statement: str) -> list[str]:
    """Name what an application lacks before it can be sent, as things to do."""
    wants = (
        (not languages, "Say which languages you work in."),
        (not requests, "Choose at least one domain and the tier you ask for."),
        (not credentials, "Add at least one credential, so that somebody can check it at its source."),
        (
            len(statement.strip()) < STATEMENT_MIN,
            f"Write a few sentences about your work: at least {STATEMENT_MIN} characters.",
        ),
    )
    return [sentence for is_wanted, sentence in wants if is_wanted]


def promised_by(submitted_at: datetime) -> datetime:
    """Return when an answer is promised: three business days after ``submitted_at``, Saturdays and Sundays apart."""
    answer, left = submitted_at, ANSWER_BUSINESS_DAYS
    while left:
        answer += timedelta(days=1)
        left -= answer.weekday() < 5
    return answer
