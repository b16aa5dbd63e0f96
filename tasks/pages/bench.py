"""What the workbench and the review bench need around the content."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from accounts.models import User
from experts.models import Expert
from experts.queries import expert_of
from payments.rates import pay_minor
from tasks.models import Claim, Decision, Draft, GuidelineVersion, Review, Submission


def expert_or_404(user: User) -> Expert:
    """Return the user's expert; to anyone else the page does not exist."""
    expert = expert_of(user)
    if expert is None:
        raise Http404
    return expert


def claims_of(user: User) -> QuerySet[Claim]:
    """Return the claims this person made, with what every page about one reads."""
    return Claim.objects.filter(expert__user=user).select_related(
        "task", "batch", "project__domain", "project__agreement", "guideline", "agreement_version", "expert__user"
    )


def guideline_before(claim: Claim) -> GuidelineVersion | None:
    """Return the version that this expert worked by last, before the one that the claim goes by."""
    assert claim.guideline is not None  # Asked only of a claim whose guidelines changed.
    earlier = GuidelineVersion.objects.filter(project=claim.project_id, number__lt=claim.guideline.number)
    theirs = Claim.objects.filter(guideline=OuterRef("pk"), expert=claim.expert_id, is_guideline_changed=False)
    return earlier.filter(Exists(theirs)).order_by("-number").first()


def draft_of(claim: Claim) -> Draft | None:
    """Return the claim's stored draft, sealed as it is."""
    return Draft.objects.filter(claim=claim).first()


def revision_of(claim: Claim) -> int:
    """Return the revision of the claim's stored draft, 0 before there is one."""
    saved = draft_of(claim)
    return saved.revision if saved else 0


def newest_return(claim: Claim) -> Review | None:
    """Return the review that last sent the work back, if one did."""
    if not claim.returns:
        return None
    returned = Review.objects.filter(submission__claim=claim, decision=Decision.RETURN, notes__isnull=False)
    return returned.order_by("-decided_at").first()


def submission_under_review(claim: Claim) -> Submission:
    """Return the newest version of the answer that a review claim judges."""
    newest = (
        Submission.objects.filter(claim=claim.subject_claim_id)
        .select_related("claim__task", "claim__project")
        .order_by("-version")
        .first()
    )
    assert newest is not None  # A review slot exists only for what was handed in.
    return newest


def earlier_versions(submission: Submission) -> QuerySet[Submission]:
    """Return the versions before this one, newest first."""
    return Submission.objects.filter(claim=submission.claim_id, version__lt=submission.version).order_by("-version")


def submissions_of(claim: Claim) -> QuerySet[Submission]:
    """Return every version handed in on a claim, oldest first."""
    return Submission.objects.filter(claim=claim).order_by("version")


def reviews_of(claim: Claim) -> QuerySet[Review]:
    """Return what was decided on the claim's versions, oldest first; never who decided."""
    return Review.objects.filter(submission__claim=claim).select_related("submission").order_by("decided_at")


def pay_for(claim: Claim) -> int:
    """Return what the claim's counted time comes to, in minor units: billed where it is, running where it runs."""
    seconds = claim.approved_seconds if claim.approved_seconds is not None else claim.billable_seconds
    if seconds is None:
        seconds = min(claim.active_seconds, claim.cap_seconds)
    return pay_minor(seconds, claim.rate_minor)
