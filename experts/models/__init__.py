"""What is stored about those who do work: fields, named constraints, chainable querysets."""

from experts.models.applications import Application, TierRequest, Verdict, VerdictKind
from experts.models.cases import Case, CaseDecision
from experts.models.grants import TWO_PERSON_TIER, Credential, ReviewerMark, TierGrant
from experts.models.people import Domain, Expert

__all__ = [
    "TWO_PERSON_TIER",
    "Application",
    "Case",
    "CaseDecision",
    "Credential",
    "Domain",
    "Expert",
    "ReviewerMark",
    "TierGrant",
    "TierRequest",
    "Verdict",
    "VerdictKind",
]
