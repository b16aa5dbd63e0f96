"""Who calls, with which keys, and where the money is."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Mode = Literal["live", "test"]

LabState = Literal["APPLICANT", "ACTIVE", "FROZEN", "CLOSED"]

KeyState = Literal["active", "expired", "revoked"]

NewFundingMethod = Literal["card", "invoice"]

FundingMethod = Literal["charge", "card", "invoice"]

FundingState = Literal[
    "CREATED",
    "PROCESSING",
    "AWAITING_TRANSFER",
    "PARTIAL",
    "SUCCEEDED",
    "SETTLED",
    "PARTLY_REFUNDED",
    "REFUNDED",
    "DISPUTED",
    "LOST",
    "FAILED",
    "CANCELLED",
]

SpendPart = Literal["project", "batch", "tier", "week"]


class Limits(TypedDict):
    """What one key and one request may do."""

    requests_per_second: int
    burst: int
    task_bytes: int
    lines_per_request: int
    bytes_per_request: int
    tasks_per_json_body: int


class Me(TypedDict):
    """Who the key speaks for."""

    lab: str
    name: str
    state: LabState
    mode: Mode
    key: str
    label: str
    scopes: list[str]
    expires_at: str | None
    limits: Limits


class Key(TypedDict):
    """A key, without its secret."""

    id: str
    label: str
    mode: Mode
    begins_with: str
    state: KeyState
    scopes: list[str]
    allowed_networks: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_ip: str | None


class KeyWithSecret(Key):
    """A key and the text to send, which is in this answer and in no later one."""

    secret: str | None


class Money(TypedDict):
    """Money in minor units: ``{"amount_minor": 1050, "currency": "USD"}``."""

    amount_minor: int
    currency: str


class Balance(TypedDict):
    """A lab's money, in minor units; prepaid = available + allocated + held + spent."""

    currency: str
    prepaid_minor: int
    allocated_minor: int
    held_minor: int
    spent_minor: int
    available_minor: int


class Budget(TypedDict):
    """A project's money, in minor units; allocated = held + spent + available."""

    currency: str
    allocated_minor: int
    held_minor: int
    spent_minor: int
    available_minor: int


class Funding(TypedDict):
    """A payment of the lab's; it adds to the balance once Stripe confirms it."""

    id: str
    state: FundingState
    method: FundingMethod
    amount: Money
    po_number: str
    hosted_url: str | None
    invoice_number: str | None
    problem: str | None
    created_at: str
    paid_at: str | None
    settled_at: str | None


class JournalLine(TypedDict):
    """One change of an account: what it added, negative where it took, and what the account held after it."""

    entry: str
    at: str
    kind: str
    amount_minor: int
    balance_minor: int
    currency: str
    about: dict[str, Any]


class SpendRow(TypedDict):
    """What one group cost, in minor units; parts that were not asked for are null."""

    project: str | None
    project_name: str | None
    batch: str | None
    batch_name: str | None
    tier: int | None
    week_start: str | None
    lines: int
    seconds: int
    pay_minor: int
    fee_minor: int
    total_minor: int


class Spend(TypedDict):
    """Sums of the lab's pay lines; without filters `total_minor` is the `spent_minor` of the balance."""

    currency: str
    by: list[SpendPart]
    total_minor: int
    data: list[SpendRow]
