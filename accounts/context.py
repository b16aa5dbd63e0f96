"""Know, anywhere in a request, who is at the door: for the audit log."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """The acting role, address and id of the request at hand; blank in jobs and commands."""

    acting_role: str = ""
    ip: str | None = None
    request_id: str = ""


NOWHERE = Door()
door: ContextVar[Door] = ContextVar("door", default=NOWHERE)
