"""The identities of the chart of accounts: each figure is reached by two ways that must meet."""

from payments.checks.asking import Invariant, count_of, sums_of

# States of a payment that was confirmed once, whatever became of it.
CONFIRMED = "('SUCCEEDED', 'SETTLED', 'PARTLY_REFUNDED', 'REFUNDED', 'DISPUTED', 'LOST')"
BY_ACCOUNT = "payments_posting JOIN (SELECT id AS account, code FROM payments_account) a ON a.account = account_id"

IDENTITIES = (
    Invariant(
        "all money of a currency adds up to nothing",
        "SELECT currency || ': ' || sum(amount) FROM payments_posting GROUP BY currency HAVING sum(amount) <> 0",
        sums_of("payments_posting", "amount", "amount > 0"),
    ),
    Invariant(
        "what projects hold is what their open holds say",
        "SELECT coalesce(h.code, a.code) || ': holds say ' || coalesce(h.held, 0) || ', ledger '"
        " || coalesce(-a.balance, 0) FROM"
        " (SELECT 'project_hold:' || project AS code, currency, sum(amount_minor) AS held"
        " FROM payments_hold WHERE state = 'OPEN' GROUP BY 1, 2) h FULL JOIN"
        " (SELECT * FROM payments_account WHERE starts_with(code, 'project_hold:')) a"
        " ON a.code = h.code AND a.currency = h.currency WHERE coalesce(h.held, 0) <> coalesce(-a.balance, 0)",
        sums_of("payments_hold", "amount_minor"),
    ),
    Invariant(
        "what experts are owed is their unsent pay lines, and what was taken back of sent ones",
        "SELECT coalesce(l.code, a.code) || ': lines say ' || coalesce(l.owed, 0) + b.back || ', ledger '"
        " || coalesce(-a.balance, 0) FROM"
        " (SELECT p.expert_id, p.currency,"
        "  coalesce(sum(p.amount_minor) FILTER (WHERE p.state IN ('AVAILABLE', 'LOCKED')"
        "  AND (i.state IS NULL OR i.state NOT IN ('SENDING', 'UNKNOWN'))), 0) AS owed, max(s.code) AS code"
        "  FROM payments_payline p LEFT JOIN payments_payoutitem i ON i.id = p.item_id"
        "  LEFT JOIN LATERAL (SELECT a.code FROM payments_posting g JOIN payments_account a ON a.id = g.account_id"
        "   WHERE g.entry_id = p.entry_id AND starts_with(a.code, 'expert_available:') LIMIT 1) s ON true"
        "  GROUP BY 1, 2) l"
        " FULL JOIN (SELECT * FROM payments_account WHERE starts_with(code, 'expert_available:')) a"
        "  ON a.code = l.code AND a.currency = l.currency"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(r.reversed_minor), 0) AS back FROM payments_payoutitem r"
        "  WHERE r.expert_id = l.expert_id AND r.currency = l.currency) b"
        " WHERE coalesce(l.owed, 0) + b.back <> coalesce(-a.balance, 0)",
        sums_of(BY_ACCOUNT, "-amount", "starts_with(code, 'expert_available:')"),
    ),
    Invariant(
        "what is in flight is the items being sent",
        "SELECT coalesce(i.currency, a.currency) || ': items say ' || coalesce(i.sent, 0) || ', ledger '"
        " || coalesce(-a.balance, 0) FROM (SELECT currency, sum(amount_minor) AS sent FROM payments_payoutitem"
        " WHERE state IN ('SENDING', 'UNKNOWN') GROUP BY 1) i FULL JOIN"
        " (SELECT * FROM payments_account WHERE code = 'payout_in_flight') a ON a.currency = i.currency"
        " WHERE coalesce(i.sent, 0) <> coalesce(-a.balance, 0)",
        sums_of("payments_payoutitem", "amount_minor", "state IN ('SENDING', 'UNKNOWN')"),
    ),
    Invariant(
        "fees earned are the fees of the pay lines",
        "SELECT coalesce(f.currency, l.currency) || ': lines say ' || coalesce(f.fees, 0) || ', ledger '"
        " || coalesce(l.earned, 0) FROM"
        " (SELECT currency, sum(fee_minor) FILTER (WHERE state <> 'VOID') AS fees"
        " FROM payments_payline GROUP BY 1) f FULL JOIN"
        " (SELECT p.currency, -sum(p.amount) AS earned FROM payments_posting p JOIN payments_account a"
        "  ON a.id = p.account_id WHERE a.code = 'platform_fee' GROUP BY 1) l ON l.currency = f.currency"
        " WHERE coalesce(f.fees, 0) <> coalesce(l.earned, 0)",
        sums_of("payments_payline", "fee_minor"),
    ),
    Invariant(
        "every pay line is its seconds at its rate, ties to even",
        "SELECT id::text || ': ' || amount_minor FROM (SELECT id, amount_minor, seconds * rate_minor AS top,"
        " seconds * rate_minor / 3600 AS whole FROM payments_payline) l WHERE amount_minor <> whole +"
        " CASE WHEN 2 * (top - whole * 3600) > 3600 OR (2 * (top - whole * 3600) = 3600 AND whole % 2 = 1)"
        " THEN 1 ELSE 0 END",
        count_of("payments_payline", "pay lines"),
    ),
    Invariant(
        "every payout is the sum of its pay lines, and paid ones have paid lines only",
        "SELECT i.id::text || ': ' || i.amount_minor FROM payments_payoutitem i LEFT JOIN payments_payline l"
        " ON l.item_id = i.id WHERE i.state <> 'CANCELLED' GROUP BY i.id"
        " HAVING i.amount_minor <> coalesce(sum(l.amount_minor), 0) OR i.line_count <> count(l.id)"
        " OR (i.state = 'PAID' AND bool_or(l.state <> 'PAID'))",
        count_of("payments_payoutitem WHERE state <> 'CANCELLED'", "payouts"),
    ),
    Invariant(
        "every confirmed funding is credited once, to the cent",
        "SELECT f.id::text || ': ' || f.amount_minor FROM payments_funding f LEFT JOIN payments_entry e"  # noqa: S608  (our own text)
        " ON e.key = CASE f.currency WHEN 'XTS' THEN f.stripe_key ELSE 'pi-' || f.stripe_id || '-succeeded' END"
        " LEFT JOIN payments_posting p ON p.entry_id = e.id"
        f" AND p.amount < 0 WHERE f.state IN {CONFIRMED} AND coalesce(-p.amount, 0) <> f.amount_minor",
        sums_of("payments_funding", "amount_minor", f"state IN {CONFIRMED}"),
    ),
    Invariant(
        "every payment credited to a lab is a confirmed funding",
        "SELECT e.key || ': no confirmed funding' FROM payments_entry e WHERE e.key LIKE 'pi-%-succeeded'"  # noqa: S608  (our own text)
        " AND NOT EXISTS (SELECT 1 FROM payments_funding f WHERE f.stripe_id <> ''"
        f"  AND e.key = 'pi-' || f.stripe_id || '-succeeded' AND f.state IN {CONFIRMED})",
        count_of("payments_entry WHERE key LIKE 'pi-%-succeeded'", "credits"),
    ),
    Invariant(
        "nothing is left unexplained in suspense",
        "SELECT p.currency || ': ' || sum(p.amount) FROM payments_posting p JOIN payments_account a"
        " ON a.id = p.account_id WHERE a.code = 'suspense' GROUP BY p.currency HAVING sum(p.amount) <> 0",
        sums_of(BY_ACCOUNT, "-amount", "code = 'suspense'"),
    ),
)
