"""The invariants that the database itself keeps, by their numbers in the design; 15 and 16 are those of tasks.

Each is asked of the rows and of its guards: a trigger that was switched off is told before anything slips past it.
"""

from payments.checks.asking import Invariant, count_of

# How the ledger sealed an entry (payments.ledger.post): kind, what it reverses, and its postings in order.
SEALED_AS = """
encode(sha256(convert_to('[' || to_json(e.kind)::text || ',' || coalesce(e.reverses_id::text, 'null') || ',[' || (
    SELECT coalesce(string_agg('["' || a.code || '","' || p.currency || '",' || p.amount || ']', ','
                               ORDER BY a.code COLLATE "C", p.currency COLLATE "C", p.amount), '')
    FROM payments_posting p JOIN payments_account a ON a.id = p.account_id WHERE p.entry_id = e.id
) || ']]', 'UTF8')), 'hex')
"""
ENTRIES = count_of("payments_entry", "entries")
POSTINGS = count_of("payments_posting", "postings")
ACCOUNTS = count_of("payments_account", "accounts")
WENT_OUT = "('APPROVED', 'SENDING', 'PAUSED', 'PARTIAL', 'COMPLETED', 'RECONCILED')"
APPEND_ONLY = ("payments_entry", "payments_posting", "payments_ratecard")

LAWS = (
    Invariant(
        "1. every entry has at least two postings and balances in each currency",
        "SELECT e.key || ': ' || count(p.id) || ' postings, sum ' || coalesce(sum(p.amount), 0) FROM payments_entry e"
        " LEFT JOIN payments_posting p ON p.entry_id = e.id GROUP BY e.id, e.key, p.currency"
        " HAVING count(p.id) < 2 OR sum(p.amount) <> 0",
        ENTRIES,
        ("payments_entry_balanced",),
    ),
    Invariant(
        "2. no entry took, lost or changed a posting after it was written",
        "SELECT e.key || ': its postings are not those of its digest' FROM payments_entry e"  # noqa: S608  (our own text)
        f" WHERE e.payload_sha256 <> {SEALED_AS}",
        POSTINGS,
        ("payments_posting_apply",),
    ),
    Invariant(
        "3. entries, postings and rate cards are append-only",
        "SELECT current_user || ' may rewrite ' || c.relname FROM pg_class c WHERE c.relname IN"  # noqa: S608  (our own text)
        f" {APPEND_ONLY} AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " AND NOT pg_has_role(c.relowner, 'USAGE')"
        " AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')",
        f"SELECT '{len(APPEND_ONLY)} tables'",
        tuple(f"{table}_{guard}" for table in APPEND_ONLY for guard in ("append_only", "keep")),
    ),
    Invariant(
        "4. every posting is in its account's currency",
        "SELECT a.code || ' is in ' || a.currency || ', its posting ' || p.id || ' in ' || p.currency"
        " FROM payments_posting p JOIN payments_account a ON a.id = p.account_id WHERE a.currency <> p.currency",
        POSTINGS,
        ("posting_in_the_accounts_currency",),
    ),
    Invariant(
        "5. no account is below its floor",
        "SELECT code || ' ' || currency || ': ' || abs(balance) FROM payments_account WHERE floor IS NOT NULL"
        " AND floor > balance * CASE WHEN kind IN ('asset', 'expense') THEN 1 ELSE -1 END",
        count_of("payments_account WHERE floor IS NOT NULL", "accounts with a floor"),
        ("account_not_below_floor",),
    ),
    Invariant(
        "6. every cached balance is the sum of its postings",
        "SELECT a.code || ' ' || a.currency || ': ' || a.balance || ' is not ' || coalesce(sum(p.amount), 0)"
        " FROM payments_account a LEFT JOIN payments_posting p ON p.account_id = a.id WHERE a.floor IS NOT NULL"
        " GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)",
        count_of("payments_account WHERE floor IS NOT NULL", "cached balances"),
        ("payments_posting_apply", "payments_account_guard"),
    ),
    Invariant(
        "7. a natural key is posted once",
        "SELECT key || ': ' || count(*) || ' entries' FROM payments_entry GROUP BY key HAVING count(*) > 1",
        ENTRIES,
        ("payments_entry_key_key",),
    ),
    Invariant(
        "8. an entry is reversed once at most, by its exact opposite",
        "SELECT b.key || ' is not the opposite of ' || e.key FROM payments_entry b"
        " JOIN payments_entry e ON e.id = b.reverses_id WHERE EXISTS (SELECT 1 FROM payments_posting p"
        "  WHERE p.entry_id IN (b.id, e.id) GROUP BY p.account_id HAVING sum(p.amount) <> 0)"
        " UNION ALL SELECT 'entry ' || reverses_id || ': ' || count(*) || ' reversals' FROM payments_entry"
        " WHERE reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1",
        count_of("payments_entry WHERE reverses_id IS NOT NULL", "reversals"),
        ("payments_entry_reverses_id_key",),
    ),
    Invariant(
        "9. every posting moves whole minor units, and some",
        "SELECT 'posting ' || id FROM payments_posting WHERE amount = 0",
        POSTINGS,
        ("posting_moves_something",),
    ),
    Invariant(
        "10. what an account is never changes",
        "SELECT split_part(code, ':', 1) || ': ' || count(DISTINCT (kind, floor)) || ' ways of one account'"
        " FROM payments_account GROUP BY split_part(code, ':', 1) HAVING count(DISTINCT (kind, floor)) > 1",
        ACCOUNTS,
        (
            "payments_account_guard",
            "payments_account_append_only",
            "payments_account_keep",
            "account_once_per_currency",
        ),
    ),
    Invariant(
        "11. a pay line is in one live payout at most, of its own expert",
        "SELECT l.id::text || ': ' || l.state || ' in an item ' || i.state FROM payments_payline l"
        " JOIN payments_payoutitem i ON i.id = l.item_id WHERE i.state = 'CANCELLED' OR i.expert_id <> l.expert_id"
        " OR i.currency <> l.currency",
        count_of("payments_payline", "pay lines"),
        ("payments_payline_guard", "payline_locked_in_an_item"),
    ),
    Invariant(
        "12. every run that went out was approved by enough people, none of whom built it",
        f"SELECT 'run ' || r.number FROM payments_payoutrun r WHERE r.state IN {WENT_OUT} AND"  # noqa: S608  (our own text)
        " (SELECT count(DISTINCT a.user_id) FROM payments_runapproval a WHERE a.run_id = r.id AND a.voided_at IS NULL"
        "  AND a.content_sha256 = r.content_sha256 AND a.user_id <> r.built_by_id)"
        " < payments_needed_approvals(r.total_minor)",
        count_of(f"payments_payoutrun WHERE state IN {WENT_OUT}", "runs that went out"),
        ("payments_runapproval_guard", "payments_payoutrun_guard", "approval_once_per_person"),
    ),
    Invariant(
        "13. a submitted run pays what it was submitted with",
        "SELECT 'run ' || r.number || ': ' || r.total_minor || ' is not ' || coalesce(sum(i.amount_minor), 0)"  # noqa: S608  (our own text)
        " FROM payments_payoutrun r LEFT JOIN payments_payoutitem i ON i.run_id = r.id"
        "  AND (i.state <> 'CANCELLED' OR i.state_changed_at > r.submitted_at)"
        f" WHERE r.state IN {WENT_OUT} OR r.state = 'PENDING_APPROVAL' GROUP BY r.id"
        " HAVING r.total_minor <> coalesce(sum(i.amount_minor), 0) OR r.item_count <> count(i.id)",
        count_of("payments_payoutrun WHERE content_sha256 <> ''", "submitted runs"),
        ("payments_payoutrun_guard", "payments_payoutitem_guard", "payments_payline_guard"),
    ),
    Invariant(
        "14. rates do not overlap",
        "SELECT a.id || ' and ' || b.id FROM payments_rate a JOIN payments_rate b ON a.id < b.id"
        " AND (a.domain_id, a.tier, a.kind, a.currency) = (b.domain_id, b.tier, b.kind, b.currency)"
        " AND a.during && b.during",
        count_of("payments_rate", "rates"),
        ("rate_holds_alone", "payments_rate_guard"),
    ),
)
