"""What stands around the work: agreements, projects, their instructions, questions and files."""

from __future__ import annotations

from typing import Literal, TypedDict

from guildhall.models.account import Mode

Assignment = Literal["seats", "open"]

Kind = Literal["factuality", "demonstration", "creative"]

MediaType = Literal["image/png", "image/jpeg", "image/webp", "application/pdf"]

ProjectState = Literal["DRAFT", "LIVE", "PAUSED", "CLOSED"]

ReviewPolicy = Literal["none", "sampled", "all"]

SignatureState = Literal["LIVE", "SUPERSEDED", "REVOKED", "EXPIRED"]

VersionState = Literal["DRAFT", "PUBLISHED", "SUPERSEDED", "WITHDRAWN"]


class Agreement(TypedDict):
    """What experts sign before they see anything; its texts are its versions."""

    id: str
    mode: Mode
    title: str
    code_name: str
    created_at: str


class Signers(TypedDict):
    """How many experts have signed: signatures in force of any version, and those of the version published now."""

    in_force: int
    of_newest: int


class AgreementWithSigners(Agreement):
    """An agreement, and how many experts have signed it."""

    signers: Signers


class Signer(TypedDict):
    """An expert's signature: who, by pseudonym, of which version, and whether it is in force."""

    id: str
    expert: str
    version: int
    state: SignatureState
    signed_at: str


class AgreementVersion(TypedDict):
    """A version of an agreement."""

    id: str
    agreement: str
    number: int
    state: VersionState
    text: str
    text_sha256: str
    note: str
    urgent: bool
    created_at: str
    published_at: str | None


class File(TypedDict):
    """A cleaned file; images have a size in pixels, documents have pages."""

    id: str
    mode: Mode
    media_type: MediaType
    size_bytes: int
    sha256: str
    width: int | None
    height: int | None
    pages: int | None
    created_at: str


class _NewProjectMust(TypedDict):
    name: str
    code_name: str
    kind: Kind
    domain: str
    tier_min: int
    agreement: str
    expected_seconds: int


class NewProject(_NewProjectMust, total=False):
    """The settings of a new project; what is left out follows from the rest."""

    description: str
    tier_max: int
    credential_classes: list[str]
    jurisdictions_wanted: list[str]
    jurisdictions_barred: list[str]
    languages: list[str]
    countries: list[str]
    content_flags: list[str]
    review_policy: ReviewPolicy
    review_share_bps: int
    review_layers: int
    review_window_hours: int
    overlap_min: int
    overlap_max: int
    cap_seconds: int
    review_cap_seconds: int
    guideline_seconds: int
    assignment: Assignment
    seat_minutes: int
    currency: str
    retention_days: int


class ProjectChanges(TypedDict, total=False):
    """What may change of a project."""

    name: str
    code_name: str
    description: str
    kind: Kind
    domain: str
    tier_min: int
    tier_max: int
    agreement: str
    credential_classes: list[str]
    jurisdictions_wanted: list[str]
    jurisdictions_barred: list[str]
    languages: list[str]
    countries: list[str]
    content_flags: list[str]
    review_policy: ReviewPolicy
    review_share_bps: int
    review_layers: int
    review_window_hours: int
    overlap_min: int
    overlap_max: int
    expected_seconds: int
    cap_seconds: int
    review_cap_seconds: int
    guideline_seconds: int
    assignment: Assignment
    seat_minutes: int
    currency: str
    retention_days: int


class Project(TypedDict):
    """A project as its lab sees it."""

    id: str
    mode: Mode
    state: ProjectState
    name: str
    code_name: str
    description: str
    kind: str
    domain: str
    tier_min: int
    tier_max: int
    agreement: str
    credential_classes: list[str]
    jurisdictions_wanted: list[str]
    jurisdictions_barred: list[str]
    languages: list[str]
    countries: list[str]
    content_flags: list[str]
    review_policy: ReviewPolicy
    review_share_bps: int
    review_layers: int
    review_window_hours: int
    overlap_min: int
    overlap_max: int
    expected_seconds: int
    cap_seconds: int
    review_cap_seconds: int
    guideline_seconds: int
    assignment: Assignment
    seat_minutes: int
    currency: str
    retention_days: int
    pause_reason: str
    created_at: str
    launched_at: str | None
    closed_at: str | None


class Guideline(TypedDict):
    """A version of the instructions."""

    id: str
    number: int
    text: str
    note: str
    published_at: str


class Question(TypedDict):
    """A question about a task, with its answer once there is one."""

    id: str
    project: str
    task: str
    expert: str
    text: str
    asked_at: str
    answer: str | None
    answered_at: str | None
    is_public: bool
