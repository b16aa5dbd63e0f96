"""What must always be true of the money: one question each, whose answers are the breaches."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

SHOWN = 5


@dataclass(frozen=True)
class Invariant:
    """A sentence, and the statement that finds what breaks it."""

    name: str
    sql: str


@dataclass(frozen=True)
class Finding:
    """An invariant and the first breaches of it: none means it holds."""

    name: str
    breaches: list[str]


INVARIANTS = (
    Invariant(
        "every entry has at least two postings and balances in each currency",
        "SELECT e.key || ': ' || count(p.id) || ' postings, sum ' || coalesce(sum(p.amount), 0) FROM payments_entry e"
        " LEFT JOIN payments_posting p ON p.entry_id = e.id GROUP BY e.id, e.key, p.currency"
        " HAVING count(p.id) < 2 OR sum(p.amount) <> 0",
    ),
    Invariant(
        "every cached balance is the sum of its postings",
        "SELECT a.code || ' ' || a.currency || ': ' || a.balance || ' is not ' || coalesce(sum(p.amount), 0)"
        " FROM payments_account a LEFT JOIN payments_posting p ON p.account_id = a.id WHERE a.floor IS NOT NULL"
        " GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)",
    ),
    Invariant(
        "no account is below its floor",
        "SELECT code || ' ' || currency FROM payments_account WHERE floor IS NOT NULL AND floor >"
        " balance * CASE WHEN kind IN ('asset', 'expense') THEN 1 ELSE -1 END",
    ),
    Invariant(
        "all money of a currency adds up to nothing",
        "SELECT currency || ': ' || sum(amount) FROM payments_posting GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "what projects hold is what their open holds say",
        "SELECT coalesce(h.code, a.code) || ': holds say ' || coalesce(h.held, 0) || ', ledger '"
        " || coalesce(-a.balance, 0) FROM"
        " (SELECT 'project_hold:' || project AS code, currency, sum(amount_minor) AS held"
        " FROM payments_hold WHERE state = 'OPEN' GROUP BY 1, 2) h FULL JOIN"
        " (SELECT * FROM payments_account WHERE starts_with(code, 'project_hold:')) a"
        " ON a.code = h.code AND a.currency = h.currency WHERE coalesce(h.held, 0) <> coalesce(-a.balance, 0)",
    ),
    Invariant(
        "what experts are owed is their unsent pay lines, and what was taken back of sent ones",
        "SELECT l.expert_id::text || ': lines say ' || coalesce(l.owed, 0) + b.back || ', ledger '"
        " || coalesce(-a.balance, 0) FROM"
        " (SELECT p.expert_id, p.currency, sum(p.amount_minor) FILTER (WHERE p.state IN ('AVAILABLE', 'LOCKED')"
        "  AND (i.state IS NULL OR i.state NOT IN ('SENDING', 'UNKNOWN'))) AS owed, max(s.code) AS code"
        "  FROM payments_payline p LEFT JOIN payments_payoutitem i ON i.id = p.item_id"
        "  LEFT JOIN LATERAL (SELECT a.code FROM payments_posting g JOIN payments_account a ON a.id = g.account_id"
        "   WHERE g.entry_id = p.entry_id AND starts_with(a.code, 'expert_available:') LIMIT 1) s ON true"
        "  GROUP BY 1, 2) l"
        " LEFT JOIN payments_account a ON a.code = l.code AND a.currency = l.currency"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(r.reversed_minor), 0) AS back FROM payments_payoutitem r"
        "  WHERE r.expert_id = l.expert_id AND r.currency = l.currency) b"
        " WHERE coalesce(l.owed, 0) + b.back <> coalesce(-a.balance, 0)",
    ),
    Invariant(
        "what is in flight is the items being sent",
        "SELECT coalesce(i.currency, a.currency) || ': items say ' || coalesce(i.sent, 0) || ', ledger '"
        " || coalesce(-a.balance, 0) FROM (SELECT currency, sum(amount_minor) AS sent FROM payments_payoutitem"
        " WHERE state IN ('SENDING', 'UNKNOWN') GROUP BY 1) i FULL JOIN"
        " (SELECT * FROM payments_account WHERE code = 'payout_in_flight') a ON a.currency = i.currency"
        " WHERE coalesce(i.sent, 0) <> coalesce(-a.balance, 0)",
    ),
    Invariant(
        "fees earned are the fees of the pay lines",
        "SELECT f.currency || ': lines say ' || f.fees || ', ledger ' || coalesce(l.earned, 0) FROM"
        " (SELECT currency, sum(fee_minor) AS fees FROM payments_payline GROUP BY 1) f LEFT JOIN"
        " (SELECT p.currency, -sum(p.amount) AS earned FROM payments_posting p JOIN payments_account a"
        "  ON a.id = p.account_id WHERE a.code = 'platform_fee' GROUP BY 1) l ON l.currency = f.currency"
        " WHERE f.fees <> coalesce(l.earned, 0)",
    ),
    Invariant(
        "every pay line is its seconds at its rate, ties to even",
        "SELECT id::text || ': ' || amount_minor FROM (SELECT id, amount_minor, seconds * rate_minor AS top,"
        " seconds * rate_minor / 3600 AS whole FROM payments_payline) l WHERE amount_minor <> whole +"
        " CASE WHEN 2 * (top - whole * 3600) > 3600 OR (2 * (top - whole * 3600) = 3600 AND whole % 2 = 1)"
        " THEN 1 ELSE 0 END",
    ),
    Invariant(
        "every payout is the sum of its pay lines, and paid ones have paid lines only",
        "SELECT i.id::text || ': ' || i.amount_minor FROM payments_payoutitem i LEFT JOIN payments_payline l"
        " ON l.item_id = i.id WHERE i.state <> 'CANCELLED' GROUP BY i.id"
        " HAVING i.amount_minor <> coalesce(sum(l.amount_minor), 0) OR i.line_count <> count(l.id)"
        " OR (i.state = 'PAID' AND bool_or(l.state <> 'PAID'))",
    ),
    Invariant(
        "every run that went out was approved by enough people",
        "SELECT 'run ' || r.number FROM payments_payoutrun r WHERE r.state IN"
        " ('APPROVED', 'SENDING', 'PAUSED', 'PARTIAL', 'COMPLETED', 'RECONCILED') AND"
        " (SELECT count(DISTINCT a.user_id) FROM payments_runapproval a WHERE a.run_id = r.id AND a.voided_at IS NULL"
        "  AND a.content_sha256 = r.content_sha256 AND a.user_id <> r.built_by_id)"
        " < payments_needed_approvals(r.total_minor)",
    ),
    Invariant(
        "every confirmed funding is credited once, to the cent",
        "SELECT f.id::text || ': ' || f.amount_minor FROM payments_funding f LEFT JOIN payments_entry e"
        " ON e.key = CASE f.currency WHEN 'XTS' THEN f.stripe_key ELSE 'pi-' || f.stripe_id || '-succeeded' END"
        " LEFT JOIN payments_posting p ON p.entry_id = e.id"
        " AND p.amount < 0 WHERE f.state IN ('SUCCEEDED', 'SETTLED') AND coalesce(-p.amount, 0) <> f.amount_minor",
    ),
    Invariant(
        "nothing is left unexplained in suspense",
        "SELECT p.currency || ': ' || sum(p.amount) FROM payments_posting p JOIN payments_account a"
        " ON a.id = p.account_id WHERE a.code = 'suspense' GROUP BY p.currency HAVING sum(p.amount) <> 0",
    ),
)


def check_ledger() -> list[Finding]:
    """Ask every question and return what was found."""
    return [Finding(each.name, _breaches(each.sql)) for each in INVARIANTS]


def breaches() -> list[str]:
    """Return every breach as a sentence: an empty list is what all tests end with."""
    return [f"{found.name}: {breach}" for found in check_ledger() for breach in found.breaches]


def _breaches(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) AS found LIMIT {SHOWN}")  # noqa: S608  (our own text)
        return [str(row[0]) for row in cursor.fetchall()]
