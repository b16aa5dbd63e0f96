"""The lives of an agreement's version and of a signature."""

from django.db import models

from kernel.states import Moves


class VersionState(models.TextChoices):
    """Where a version of an agreement stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


class SignatureState(models.TextChoices):
    """Where a signature stands."""

    LIVE = "LIVE"
    SUPERSEDED = "SUPERSEDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class Mode(models.TextChoices):
    """Whether an agreement guards real work or play."""

    LIVE = "live"
    TEST = "test"


V, S = VersionState, SignatureState

VERSION_MOVES: Moves = {
    V.DRAFT: frozenset({V.PUBLISHED}),
    V.PUBLISHED: frozenset({V.SUPERSEDED, V.WITHDRAWN}),
    V.SUPERSEDED: frozenset(),
    V.WITHDRAWN: frozenset(),
}

SIGNATURE_MOVES: Moves = {
    S.LIVE: frozenset({S.SUPERSEDED, S.REVOKED, S.EXPIRED}),
    S.SUPERSEDED: frozenset(),
    S.REVOKED: frozenset(),
    S.EXPIRED: frozenset(),
}
