"""Versions, signatures and the access log, as doors and other apps ask for them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from agreements.models import Agreement, AgreementVersion, ContentAccess, Signature
from agreements.states import SignatureState, VersionState

ACCESS_ROWS = 200


def newest_version(agreement: Agreement) -> AgreementVersion | None:
    """Return the version that can be signed now, if one is published."""
    return AgreementVersion.objects.filter(agreement=agreement, state=VersionState.PUBLISHED).first()


def live_signature(user: User, agreement: Agreement) -> Signature | None:
    """Return the user's signature in force under any version of the agreement."""
    return (
        Signature.objects.filter(user=user, agreement=agreement, state=SignatureState.LIVE)
        .select_related("version")
        .first()
    )


def signed_newest(user_id: UUID, agreement_id: UUID) -> bool:
    """Tell whether the user's signature in force is of the version published now."""
    return Signature.objects.filter(
        user_id=user_id,
        agreement_id=agreement_id,
        state=SignatureState.LIVE,
        version__state=VersionState.PUBLISHED,
    ).exists()


def house_agreement(mode: str = "live") -> Agreement | None:
    """Return the operators' own agreement."""
    return Agreement.objects.filter(lab__isnull=True, mode=mode).first()


def versions_shown_to(user: User) -> QuerySet[AgreementVersion]:
    """Return the versions a person may open: all that are published, and any they have signed."""
    signed = Signature.objects.filter(user=user).values("version")
    return (
        AgreementVersion.objects.exclude(state=VersionState.DRAFT)
        .filter(Q(state=VersionState.PUBLISHED) | Q(pk__in=signed))
        .select_related("agreement")
    )


def signatures_of(user: User) -> QuerySet[Signature]:
    """Return the user's signatures, newest first, each with the id of the version that can be signed now."""
    newest = AgreementVersion.objects.filter(agreement=OuterRef("agreement"), state=VersionState.PUBLISHED)
    return (
        Signature.objects.filter(user=user)
        .select_related("agreement", "version")
        .annotate(newest_number=Subquery(newest.values("number")[:1]), newest_id=Subquery(newest.values("pk")[:1]))
        .order_by("-signed_at")
    )


def previous_signature(user: User, version: AgreementVersion) -> Signature | None:
    """Return the user's newest signature of an earlier version of the same agreement."""
    return (
        Signature.objects.filter(user=user, agreement=version.agreement_id, version__number__lt=version.number)
        .select_related("version", "agreement")
        .order_by("-version__number")
        .first()
    )


def accesses(*, subject: str = "", viewer: str = "") -> QuerySet[ContentAccess]:
    """Return who saw a subject, or what a viewer saw, newest first."""
    rows = ContentAccess.objects.order_by("-at", "-pk")
    if subject:
        rows = rows.filter(subject=subject)
    if viewer:
        rows = rows.filter(viewer=viewer)
    return rows[:ACCESS_ROWS]
