"""The one table that says how each state looks: six tones, named once."""

from types import MappingProxyType
from typing import Final

IDLE, MOTION, WAIT, SETTLED, STOPPED, OVER = "idle", "motion", "wait", "settled", "stopped", "over"

TONES: Final = MappingProxyType(
    {
        "application": {
            IDLE: "DRAFT",
            MOTION: "SUBMITTED IN_REVIEW",
            WAIT: "MORE_WANTED",
            SETTLED: "APPROVED",
            STOPPED: "DECLINED",
        },
        "expert": {IDLE: "APPLICANT AWAY", SETTLED: "ACTIVE", STOPPED: "SUSPENDED", OVER: "REMOVED"},
        "credential": {
            IDLE: "CLAIMED",
            MOTION: "CHECKING",
            SETTLED: "VERIFIED",
            STOPPED: "REFUSED REVOKED",
            OVER: "EXPIRED",
        },
        "assessment": {
            IDLE: "OFFERED",
            MOTION: "STARTED SUBMITTED",
            SETTLED: "PASSED",
            STOPPED: "FAILED",
            OVER: "EXPIRED",
        },
        "agreementversion": {IDLE: "DRAFT", SETTLED: "PUBLISHED", OVER: "SUPERSEDED WITHDRAWN"},
        "signature": {SETTLED: "LIVE", STOPPED: "REVOKED", OVER: "SUPERSEDED EXPIRED"},
        "lab": {IDLE: "APPLICANT", SETTLED: "ACTIVE", STOPPED: "FROZEN", OVER: "CLOSED"},
        "apikey": {SETTLED: "LIVE", IDLE: "TEST", OVER: "REVOKED EXPIRED"},
        "webhookendpoint": {SETTLED: "ENABLED", STOPPED: "DISABLED"},
        "webhookdelivery": {MOTION: "PENDING", SETTLED: "DELIVERED", STOPPED: "FAILED"},
        "project": {IDLE: "DRAFT", SETTLED: "LIVE", WAIT: "PAUSED", OVER: "CLOSED"},
        "batch": {
            IDLE: "DRAFT STAGED",
            MOTION: "RUNNING DRAINING",
            WAIT: "PAUSED",
            SETTLED: "COMPLETED",
            OVER: "CANCELLED",
        },
        "slot": {IDLE: "OPEN", MOTION: "CLAIMED SUBMITTED", SETTLED: "ACCEPTED", OVER: "VOID"},
        "offer": {WAIT: "OFFERED", SETTLED: "ACCEPTED", OVER: "DECLINED EXPIRED EXHAUSTED RELEASED WITHDRAWN"},
        "claim": {
            MOTION: "WORKING SUBMITTED",
            WAIT: "RETURNED",
            SETTLED: "ACCEPTED CLOSED_OUT",
            STOPPED: "REJECTED",
            OVER: "RELEASED EXPIRED",
        },
        "review": {WAIT: "RETURN", SETTLED: "ACCEPT FIX", STOPPED: "REJECT"},
        "case": {WAIT: "OPEN APPEALED", MOTION: "WITH_FIRST WITH_SECOND", SETTLED: "DECIDED", OVER: "FINAL"},
        "correction": {WAIT: "REQUESTED", SETTLED: "POSTED", STOPPED: "REJECTED", OVER: "WITHDRAWN"},
        "taxprofile": {WAIT: "ASKED", SETTLED: "GIVEN"},
        "hold": {MOTION: "OPEN", SETTLED: "SETTLED", OVER: "RELEASED"},
        "funding": {
            IDLE: "CREATED",
            MOTION: "PROCESSING",
            WAIT: "AWAITING_TRANSFER PARTIAL",
            SETTLED: "SUCCEEDED SETTLED",
            STOPPED: "FAILED DISPUTED LOST",
            OVER: "CANCELLED REFUNDED PARTLY_REFUNDED",
        },
        "payee": {
            IDLE: "NONE CREATED",
            MOTION: "ONBOARDING PENDING",
            SETTLED: "ACTIVE",
            STOPPED: "RESTRICTED",
            OVER: "CLOSED",
        },
        "payline": {
            IDLE: "PENDING",
            WAIT: "DISPUTED",
            MOTION: "LOCKED",
            SETTLED: "AVAILABLE PAID",
            STOPPED: "CLAWED_BACK",
            OVER: "VOID",
        },
        "payoutrun": {
            IDLE: "DRAFT",
            WAIT: "PENDING_APPROVAL PAUSED PARTIAL",
            MOTION: "APPROVED SENDING",
            SETTLED: "COMPLETED RECONCILED",
            STOPPED: "REJECTED",
            OVER: "CANCELLED",
        },
        "payoutitem": {
            IDLE: "QUEUED",
            MOTION: "SENDING",
            WAIT: "UNKNOWN",
            SETTLED: "PAID",
            STOPPED: "BLOCKED FAILED PART_REVERSED REVERSED",
            OVER: "CANCELLED",
        },
        "outboxitem": {
            IDLE: "DUE QUEUED",
            MOTION: "LEASED RUNNING",
            SETTLED: "DONE READY",
            STOPPED: "DEAD FAILED",
            OVER: "EXPIRED",
        },
        "export": {IDLE: "QUEUED", MOTION: "RUNNING", SETTLED: "READY", STOPPED: "FAILED", OVER: "EXPIRED"},
        "why": {
            MOTION: "ALL_HELD",
            IDLE: "NOT_ELIGIBLE FINISHED NO_OFFER",
            WAIT: "PAUSED BUDGET_REACHED NDA_UNSIGNED NO_RAIL",
        },
    }
)


def _flatten() -> dict[tuple[str, str], str]:
    """Return the tone by (thing, state), and by ('', state) where the first thing in the table decides."""
    tones: dict[tuple[str, str], str] = {}
    for thing, row in TONES.items():
        for tone, names in row.items():
            for name in names.split():
                tones[thing, name] = tone
                tones.setdefault(("", name), tone)
    return tones


_BY_STATE: Final = _flatten()


def tone_of(state: str, thing: str = "") -> str:
    """Return the tone of a state; an unknown one is idle."""
    return _BY_STATE.get((thing, state)) or _BY_STATE.get(("", state), IDLE)


def words_of(state: str) -> str:
    """Return a state in words: PENDING_APPROVAL is 'Pending approval'."""
    return state.replace("_", " ").capitalize()
