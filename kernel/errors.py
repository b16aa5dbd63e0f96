"""Say no with a code, a status and a sentence that a person can act on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """Name one wrong field: a JSON pointer or a form field, a stable code, and what to do about it."""

    pointer: str
    code: str
    detail: str
    line: int | None = None


class Refused(Exception):
    """The base of every error that a door may show: ``detail`` is written for people."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class IllegalMove(Refused):
    """The row's state does not allow this."""

    code = "illegal_move"


class LostRace(Refused):
    """Somebody else changed the row first."""

    code = "lost_race"


class Invalid(Refused):
    """What came from outside is wrong, field by field."""

    code = "invalid"
    status = 422

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].detail if errors else "The request is not valid.")
        self.errors = tuple(errors)

    def below(self, pointer: str) -> "Invalid":
        """Return the same of a value that stands at ``pointer``."""
        return Invalid([replace(error, pointer=f"{pointer}{error.pointer}".rstrip("/")) for error in self.errors])


class Busy(Refused):
    """A row or the database is held by others: ask again in ``retry_after`` seconds."""

    code = "busy"
    status = 503

    def __init__(self, detail: str = "This is busy at the moment. Please try again.", *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
