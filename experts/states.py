"""The lives of an application, an expert and a credential, and the words they use, on one screen."""

from django.db import models

from kernel.states import Moves


class ApplicationState(models.TextChoices):
    """Where an application stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    IN_REVIEW = "IN_REVIEW"
    MORE_WANTED = "MORE_WANTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"


class ExpertState(models.TextChoices):
    """Where an expert stands."""

    APPLICANT = "APPLICANT"
    ACTIVE = "ACTIVE"
    AWAY = "AWAY"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


class CredentialState(models.TextChoices):
    """Where a credential stands."""

    CLAIMED = "CLAIMED"
    CHECKING = "CHECKING"
    VERIFIED = "VERIFIED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class CredentialClass(models.TextChoices):
    """What kind of proof a credential is; projects ask for these by name."""

    PHYSICIAN = "physician_licence", "Physician licence"
    NURSE = "nurse_licence", "Nursing licence"
    PSYCHOLOGIST = "psychologist_licence", "Psychologist licence"
    BOARD = "board_certification", "Board certification"
    BAR = "bar_admission", "Bar admission"
    DEGREE = "degree", "Degree"
    CERTIFICATE = "professional_certificate", "Professional certificate"
    PUBLICATION = "publication_record", "Published or produced work"
    EMPLOYMENT = "employment", "Employment"


class Mode(models.TextChoices):
    """Whether a person is real or simulated for labs' integration tests."""

    LIVE = "live"
    TEST = "test"


class ContentFlag(models.TextChoices):
    """Disturbing content that an expert may choose to be shown."""

    SELF_HARM = "self_harm", "Self-harm and suicide"
    VIOLENCE = "violence", "Violence"
    SEXUAL = "sexual", "Sexual content"
    ABUSE = "abuse", "Abuse of people"
    HATE = "hate", "Hate and harassment"
    DRUGS = "drugs", "Drugs"
    MEDICAL_IMAGES = "medical_images", "Medical images"


A, E, C = ApplicationState, ExpertState, CredentialState

APPLICATION_MOVES: Moves = {
    A.DRAFT: frozenset({A.SUBMITTED}),
    A.SUBMITTED: frozenset({A.IN_REVIEW}),
    A.IN_REVIEW: frozenset({A.APPROVED, A.DECLINED, A.MORE_WANTED}),
    A.MORE_WANTED: frozenset({A.SUBMITTED}),
    A.APPROVED: frozenset(),
    A.DECLINED: frozenset({A.DRAFT}),  # After a cooling-off: rules.can_apply_again().
}

EXPERT_MOVES: Moves = {
    E.APPLICANT: frozenset({E.ACTIVE}),
    E.ACTIVE: frozenset({E.AWAY, E.SUSPENDED}),
    E.AWAY: frozenset({E.ACTIVE, E.SUSPENDED}),
    E.SUSPENDED: frozenset({E.ACTIVE, E.REMOVED}),
    E.REMOVED: frozenset(),
}

CREDENTIAL_MOVES: Moves = {
    C.CLAIMED: frozenset({C.CHECKING}),
    C.CHECKING: frozenset({C.VERIFIED, C.REFUSED}),
    C.VERIFIED: frozenset({C.EXPIRED, C.REVOKED}),
    C.REFUSED: frozenset(),
    C.EXPIRED: frozenset(),
    C.REVOKED: frozenset(),
}


class CaseKind(models.TextChoices):
    """What a case is about."""

    REVIEW = "review", "Contested review"
    TIME = "time", "Time query"
    REFUND = "refund", "Refund"
    WITHHOLDING = "withholding", "Withholding"


class CaseSide(models.TextChoices):
    """Who opened a case."""

    EXPERT = "expert", "The expert"
    LAB = "lab", "The client"
    OPERATOR = "operator", "Guildhall"


class CaseState(models.TextChoices):
    """Where a case stands."""

    OPEN = "OPEN"
    WITH_FIRST = "WITH_FIRST"
    DECIDED = "DECIDED"
    APPEALED = "APPEALED"
    WITH_SECOND = "WITH_SECOND"
    FINAL = "FINAL"


class CaseOutcome(models.TextChoices):
    """Whether what was asked for is granted."""

    UPHELD = "upheld", "Upheld"
    DISMISSED = "dismissed", "Dismissed"


S = CaseState

CASE_MOVES: Moves = {
    S.OPEN: frozenset({S.WITH_FIRST}),
    S.WITH_FIRST: frozenset({S.DECIDED, S.OPEN}),  # Given back: somebody else takes it.
    S.DECIDED: frozenset({S.APPEALED, S.FINAL}),
    S.APPEALED: frozenset({S.WITH_SECOND}),
    S.WITH_SECOND: frozenset({S.FINAL, S.APPEALED}),
    S.FINAL: frozenset(),
}
