"""Versions, signatures and the access log, as doors and other apps ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.rules import is_operator, is_trust
from agreements.models import Agreement, AgreementVersion, ContentAccess, Signature
from agreements.states import Mode, SignatureState, VersionState
from experts.models import Expert
from kernel.ids import BadId
from labs.models import Lab

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


def owes_urgent_signature(user_id: UUID, agreement_id: UUID) -> bool:
    """Tell whether an urgent version is newer than what the user has signed, as the gate asks it."""
    said = (VersionState.PUBLISHED, VersionState.SUPERSEDED)
    urgent = AgreementVersion.objects.filter(agreement_id=agreement_id, urgent=True, state__in=said)
    newest = urgent.order_by("-number").values("number")[:1]
    live = Signature.objects.filter(user_id=user_id, agreement_id=agreement_id, state=SignatureState.LIVE)
    return urgent.exists() and not live.filter(version__number__gte=newest).exists()


def house_agreement(mode: str = "live") -> Agreement | None:
    """Return the operators' own agreement."""
    return Agreement.objects.filter(lab__isnull=True, mode=mode).first()


def versions_shown_to(user: User) -> QuerySet[AgreementVersion]:
    """Return the versions a person may open: what they signed, and what is published for them to sign."""
    signed = Signature.objects.filter(user=user).values("version")
    may = Q(pk__in=signed)
    if Expert.objects.filter(user=user).exists():
        may |= Q(state=VersionState.PUBLISHED, agreement__lab__isnull=False, agreement__mode=Mode.LIVE)
    if is_operator(user):
        may |= Q(state=VersionState.PUBLISHED, agreement__lab__isnull=True)
    return AgreementVersion.objects.filter(may).exclude(state=VersionState.DRAFT).select_related("agreement")


def signatures_of(user: User) -> QuerySet[Signature]:
    """Return the user's signatures, newest first."""
    return Signature.objects.filter(user=user).select_related("agreement", "version").order_by("-signed_at")


def signers_of(agreement: Agreement) -> QuerySet[Signature]:
    """Return what experts signed under an agreement, each with who and which version."""
    signed = Signature.objects.filter(agreement=agreement, user__expert__isnull=False)
    return signed.select_related("version", "user__expert")


def count_signers(agreement: Agreement) -> dict[str, int]:
    """Return how many experts' signatures are in force, and how many of those are of the version published now."""
    live = Q(state=SignatureState.LIVE)
    return signers_of(agreement).aggregate(
        in_force=Count("pk", filter=live),
        of_newest=Count("pk", filter=live & Q(version__state=VersionState.PUBLISHED)),
    )


@dataclass(frozen=True)
class Signed:
    """A signature with the version that can be signed now, when that is a newer one."""

    signature: Signature
    newer: AgreementVersion | None


def signed_by(user: User) -> list[Signed]:
    """Return the user's signatures, newest first, each with the newer version that waits for them."""
    signatures = list(signatures_of(user))
    published = AgreementVersion.objects.filter(
        agreement__in={signature.agreement_id for signature in signatures}, state=VersionState.PUBLISHED
    )
    newest = {version.agreement_id: version for version in published}
    return [Signed(signature, _newer(signature, newest.get(signature.agreement_id))) for signature in signatures]


def _newer(signature: Signature, version: AgreementVersion | None) -> AgreementVersion | None:
    """Return the version if it is newer than the one signed."""
    return version if version and version.number > signature.version.number else None


def signature_under(user: User, version: AgreementVersion) -> Signature | None:
    """Return the user's newest signature of exactly this version."""
    return Signature.objects.filter(user=user, version=version).order_by("-signed_at").first()


def house_to_sign(user: User) -> AgreementVersion | None:
    """Return the house agreement's newest version when an operator has not signed it yet."""
    house = house_agreement() if is_operator(user) else None
    if house is None or signed_newest(user.pk, house.pk):
        return None
    return newest_version(house)


def previous_signature(user: User, version: AgreementVersion) -> Signature | None:
    """Return the user's newest signature of an earlier version of the same agreement."""
    return (
        Signature.objects.filter(user=user, agreement=version.agreement_id, version__number__lt=version.number)
        .select_related("version", "agreement")
        .order_by("-version__number")
        .first()
    )


def signatures_revocable_by(user: User) -> QuerySet[Signature]:
    """Return the signatures this person may end: their own, and as a trust operator everybody's."""
    rows = Signature.objects.select_related("agreement", "version", "user")
    return rows if is_trust(user) else rows.filter(user=user)


def agreements_of(lab: Lab) -> QuerySet[Agreement]:
    """Return a lab's agreements."""
    return Agreement.objects.filter(lab=lab)


def versions_of(agreement: Agreement) -> QuerySet[AgreementVersion]:
    """Return every version of an agreement, newest first."""
    return AgreementVersion.objects.filter(agreement=agreement).select_related("agreement").order_by("-number")


@dataclass(frozen=True)
class AccessRow:
    """One line of the access log with the viewer's name."""

    access: ContentAccess
    name: str


@dataclass(frozen=True)
class AccessFound:
    """What a search of the access log found: rows, and the person when one was asked for."""

    rows: list[AccessRow]
    person: User | None
    is_cut: bool


def accesses(text: str) -> AccessFound:
    """Return who saw a subject, or what a person saw, newest first; ``text`` is an id or an e-mail."""
    person = _person(text)
    viewer = person.public_id if person else text
    is_viewer = person is not None or text.startswith("key_")
    chosen = Q(viewer=viewer) if is_viewer else Q(subject=text) | Q(within=text)
    rows = list(ContentAccess.objects.filter(chosen).order_by("-at", "-pk")[: ACCESS_ROWS + 1])
    names = _names({row.viewer for row in rows})
    shown = [AccessRow(row, names.get(row.viewer, "")) for row in rows[:ACCESS_ROWS]]
    return AccessFound(shown, person, len(rows) > ACCESS_ROWS)


def _person(text: str) -> User | None:
    """Return the user named by an id or an e-mail."""
    if "@" in text:
        return User.objects.filter(email=text.lower()).first()
    if not text.startswith("usr_"):
        return None
    try:
        return User.objects.filter(pk=User.parse_id(text)).first()
    except BadId:
        return None


def _names(viewers: set[str]) -> dict[str, str]:
    """Return the names of the viewers who are people."""
    keys = [User.parse_id(viewer) for viewer in viewers if viewer.startswith("usr_")]
    return {user.public_id: user.get_full_name() for user in User.objects.filter(pk__in=keys)}
