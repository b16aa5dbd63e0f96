"""What a project must be before it can be stored, and what it must have before it can launch."""

from __future__ import annotations

from datetime import datetime

from agreements.queries import newest_version
from experts.models import Expert, ReviewerMark
from experts.queries import nearest, tiers_by_domain
from experts.states import ExpertState
from kernel.errors import FieldError, Invalid
from payments.queries import project_funds, rates_by_tier
from tasks.eligibility import HIGHEST_TIER, review_tier_min
from tasks.kinds import registry
from tasks.models import Project, ReviewPolicy


def check_settings(project: Project) -> None:
    """Refuse settings that contradict each other, each by its field."""
    errors = [*_bounds(project), *_belongs(project)]
    if errors:
        raise Invalid(errors)


def _bounds(project: Project) -> list[FieldError]:
    wrong = []
    if not 1 <= project.tier_min <= project.tier_max <= HIGHEST_TIER:
        wrong.append(("tier_max", "Tiers are 1 to 5, the lowest first."))
    if not 1 <= project.overlap_min <= project.overlap_max:
        wrong.append(("overlap_max", "The most answers to a task cannot be fewer than the least."))
    if project.cap_seconds < project.expected_seconds:
        wrong.append(("cap_seconds", "The cap cannot be less than the expected time."))
    if project.review_policy == ReviewPolicy.SAMPLED and not 0 < project.review_share_bps <= 10_000:
        wrong.append(("review_share_bps", "A sample is more than 0 and at most 10,000 basis points."))
    if set(project.jurisdictions_wanted) & set(project.jurisdictions_barred):
        wrong.append(("jurisdictions_barred", "A jurisdiction cannot be both wanted and barred."))
    return [FieldError(f"/{name}", "contradiction", detail) for name, detail in wrong]


def _belongs(project: Project) -> list[FieldError]:
    """The agreement must be the lab's own and of the same world, the kind one that exists."""
    errors = []
    agreement = project.agreement
    if agreement.lab_id != project.lab_id or agreement.mode != project.mode:
        errors.append(FieldError("/agreement", "not_found", "There is no agreement of yours with this id."))
    if project.kind not in registry.KINDS:
        errors.append(FieldError("/kind", "unknown_value", f"Choose one of: {', '.join(registry.names())}."))
    if (project.mode == "test") != (project.currency == "XTS"):
        detail = "Test projects are paid in XTS, live ones in real money."
        errors.append(FieldError("/currency", "wrong_currency", detail))
    return errors


def why_not_launch(project: Project, now: datetime) -> list[FieldError]:
    """List all that is missing before anyone could claim: rates, agreement, budget, reviewers."""
    return [
        *_missing_rates(project, now),
        *_missing_agreement(project),
        *_missing_budget(project),
        *_missing_reviewers(project),
    ]


def _missing_rates(project: Project, now: datetime) -> list[FieldError]:
    rates = rates_by_tier(project.domain, project.kind, project.currency, now.date())
    wanted = set(range(project.tier_min, project.tier_max + 1))
    if project.review_policy != ReviewPolicy.NONE:
        wanted.add(review_tier_min(project.tier_min))
    missing = sorted(wanted - set(rates))
    if not missing:
        return []
    tiers = ", ".join(str(tier) for tier in missing)
    detail = f"The rate card has no {project.currency} rate for {project.domain.name}, tier {tiers}."
    return [FieldError("/domain", "no_rate", detail)]


def _missing_agreement(project: Project) -> list[FieldError]:
    if newest_version(project.agreement) is not None:
        return []
    return [FieldError("/agreement", "no_published_agreement", "Publish a version of the project's agreement first.")]


def _missing_budget(project: Project) -> list[FieldError]:
    funds = project_funds(project.public_id, project.currency)
    if funds.available.minor > 0:
        return []
    return [FieldError("/budget", "no_budget", "Allocate a budget to the project first.")]


def _missing_reviewers(project: Project) -> list[FieldError]:
    if project.review_policy == ReviewPolicy.NONE or count_reviewers(project) > 0:
        return []
    detail = (
        f"Nobody can review {project.domain.name} at tier {review_tier_min(project.tier_min)} or above yet. "
        "Ask an operator, or choose review_policy none."
    )
    return [FieldError("/review_policy", "no_reviewers", detail)]


def count_reviewers(project: Project) -> int:
    """Count the experts with the mark and the tier that reviewing this project takes."""
    path = project.domain.path
    least = review_tier_min(project.tier_min)
    marked = ReviewerMark.objects.filter(domain__in=path, revoked_at__isnull=True).values("expert")
    experts = Expert.objects.filter(pk__in=marked, mode=project.mode, state=ExpertState.ACTIVE)
    return sum(1 for expert in experts if (nearest(path, tiers_by_domain(expert)) or 0) >= least)
