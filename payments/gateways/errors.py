"""What can go wrong with a call to Stripe, by what the caller may do next."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why Stripe definitely refused, as far as the caller must tell reasons apart."""

    BALANCE = "balance"
    NOT_PAYABLE = "not_payable"
    UNKNOWN_DESTINATION = "unknown_destination"
    UNSUPPORTED = "unsupported"
    DECLINED = "declined"
    OTHER = "other"


class GatewayError(Exception):
    """The base of them all; ``detail`` is for operators and holds no secret."""

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class Ambiguous(GatewayError):
    """The call may or may not have been executed: look before sending again."""


class NotExecuted(GatewayError):
    """The call was certainly not executed: repeat it later under the same key."""


class AuthenticationFailed(GatewayError):
    """The key was refused, so nothing was executed and nothing will be: stop."""


class RefusedByStripe(GatewayError):
    """The call was executed and refused for good: a repetition needs a new key."""

    def __init__(self, detail: str, *, code: str, reason: Reason) -> None:
        super().__init__(detail, code=code)
        self.reason = reason


class ForgedEvent(GatewayError):
    """A webhook that was not signed by Stripe, or not for this endpoint."""


NOT_CAPABLE = "at least one of the following capabilities enabled"
REASONS = {
    "balance_insufficient": Reason.BALANCE,
    "insufficient_capabilities_for_transfer": Reason.NOT_PAYABLE,
    "transfers_not_allowed": Reason.NOT_PAYABLE,
    "account_closed": Reason.NOT_PAYABLE,
    "account_invalid": Reason.NOT_PAYABLE,
    "country_unsupported": Reason.UNSUPPORTED,
    "card_declined": Reason.DECLINED,
}


def reason_of(code: str, *, param: str, message: str) -> Reason:
    """Return why Stripe refused; the missing capability has no code in the library, so its words count too."""
    if code == "resource_missing" and param == "destination":
        return Reason.UNKNOWN_DESTINATION
    if NOT_CAPABLE in message:
        return Reason.NOT_PAYABLE
    return REASONS.get(code, Reason.UNSUPPORTED if "currency" in f"{code} {param}" else Reason.OTHER)
