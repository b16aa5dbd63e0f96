"""Make the ledger append-only, balanced, sealed and floored, and post to it in one statement."""

from django.db import migrations

COMPOSITE_KEY = """
ALTER TABLE payments_posting ADD CONSTRAINT posting_in_the_accounts_currency
    FOREIGN KEY (account_id, currency) REFERENCES payments_account (id, currency);
"""
NO_COMPOSITE_KEY = "ALTER TABLE payments_posting DROP CONSTRAINT posting_in_the_accounts_currency;"

# Once per entry, at commit: an entry has at least two postings, which sum to nothing in each currency.
BALANCED = """
CREATE FUNCTION payments_check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE legs int; bad text;
BEGIN
    SELECT count(*) INTO legs FROM payments_posting WHERE entry_id = NEW.id;
    IF legs < 2 THEN
        RAISE EXCEPTION 'entry % has % postings', NEW.key, legs
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_has_two_postings';
    END IF;
    SELECT currency INTO bad FROM payments_posting WHERE entry_id = NEW.id
        GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'entry % does not balance in %', NEW.key, bad
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_entry_balanced AFTER INSERT ON payments_entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION payments_check_balanced();
"""
NO_BALANCED = "DROP TRIGGER payments_entry_balanced ON payments_entry; DROP FUNCTION payments_check_balanced();"

# Postings enter with their entry's transaction only (top-level, so savepoints do not matter), balanced by statement.
# Accounts with a floor are locked in falling order of code: a project's come before an expert's, so that two decisions
# of one project queue instead of crossing. It runs as its owner: the application may not write balances.
APPLY = """
CREATE FUNCTION payments_apply_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh p JOIN payments_entry e ON e.id = p.entry_id
               WHERE e.xid <> pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'an entry takes no postings after its transaction'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_is_sealed';
    END IF;
    IF EXISTS (SELECT 1 FROM fresh GROUP BY entry_id, currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'postings do not balance'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    PERFORM 1 FROM payments_account WHERE floor IS NOT NULL AND id IN (SELECT account_id FROM fresh)
        ORDER BY code DESC, id FOR NO KEY UPDATE;
    UPDATE payments_account a SET balance = a.balance + d.total, version = a.version + 1
        FROM (SELECT account_id, sum(amount)::bigint AS total FROM fresh GROUP BY account_id) d
        WHERE a.id = d.account_id AND a.floor IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER payments_posting_apply AFTER INSERT ON payments_posting REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION payments_apply_postings();
"""
NO_APPLY = "DROP TRIGGER payments_posting_apply ON payments_posting; DROP FUNCTION payments_apply_postings();"

ACCOUNTS = """
CREATE FUNCTION payments_guard_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (NEW.balance, NEW.version) IS DISTINCT FROM (0::bigint, 0::bigint) THEN
            RAISE EXCEPTION 'an account begins empty' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.code, NEW.kind, NEW.currency, NEW.floor) IS DISTINCT FROM (OLD.code, OLD.kind, OLD.currency, OLD.floor) THEN
        RAISE EXCEPTION 'what an account is never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    -- Only the trigger on postings writes here, so we are inside it: depth two.
    IF (NEW.balance, NEW.version) IS DISTINCT FROM (OLD.balance, OLD.version) AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'a balance is written by posting only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_account_guard BEFORE INSERT OR UPDATE ON payments_account
    FOR EACH ROW EXECUTE FUNCTION payments_guard_account();
CREATE TRIGGER payments_account_append_only BEFORE DELETE ON payments_account
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER payments_account_keep BEFORE TRUNCATE ON payments_account
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NO_ACCOUNTS = """
DROP TRIGGER payments_account_keep ON payments_account;
DROP TRIGGER payments_account_append_only ON payments_account;
DROP TRIGGER payments_account_guard ON payments_account;
DROP FUNCTION payments_guard_account();
"""

GUARD = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NO_GUARD = "DROP TRIGGER {table}_append_only ON {table}; DROP TRIGGER {table}_keep ON {table};"
GUARDED = ("payments_entry", "payments_posting", "payments_ratecard")

# One round trip for an entry: open what accounts are missing, write the entry once per key, write its postings.
# It answers with the entry, whether it is new, and the stored digest, so that a key used for another payload is seen.
POST = """
CREATE FUNCTION payments_post(
    wanted_key text, entry_kind text, happened_at timestamptz, entry_memo jsonb, digest text, reversed_entry bigint,
    in_currency text, codes text[], kinds text[], floors bigint[], amounts bigint[],
    OUT entry bigint, OUT is_new boolean, OUT stored_digest text
) LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM payments_account WHERE currency = in_currency AND code = ANY (codes))
            < (SELECT count(DISTINCT code) FROM unnest(codes) AS code) THEN
        INSERT INTO payments_account (code, kind, currency, floor, balance, version)
            SELECT DISTINCT ON (u.code) u.code, u.kind, in_currency, u.floor, 0, 0
            FROM unnest(codes, kinds, floors) AS u (code, kind, floor) ORDER BY u.code
            ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO payments_entry (key, kind, payload_sha256, reverses_id, at, memo)
        VALUES (wanted_key, entry_kind, digest, reversed_entry, happened_at, entry_memo)
        ON CONFLICT (key) DO NOTHING RETURNING id, true, payload_sha256 INTO entry, is_new, stored_digest;
    IF entry IS NULL THEN
        SELECT e.id, false, e.payload_sha256 INTO entry, is_new, stored_digest
            FROM payments_entry e WHERE e.key = wanted_key;
        RETURN;
    END IF;
    INSERT INTO payments_posting (entry_id, account_id, currency, amount)
        SELECT entry, a.id, in_currency, u.amount
        FROM unnest(codes, amounts) WITH ORDINALITY AS u (code, amount, place)
        JOIN payments_account a ON a.code = u.code AND a.currency = in_currency
        ORDER BY u.place;
END $$;

-- The same, except that an account without enough money is an answer (no entry), not an error.
CREATE FUNCTION payments_try_post(
    wanted_key text, entry_kind text, happened_at timestamptz, entry_memo jsonb, digest text, reversed_entry bigint,
    in_currency text, codes text[], kinds text[], floors bigint[], amounts bigint[],
    OUT entry bigint, OUT is_new boolean, OUT stored_digest text
) LANGUAGE plpgsql AS $$
DECLARE violated text;
BEGIN
    SELECT p.entry, p.is_new, p.stored_digest INTO entry, is_new, stored_digest
        FROM payments_post(wanted_key, entry_kind, happened_at, entry_memo, digest, reversed_entry,
                           in_currency, codes, kinds, floors, amounts) p;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated <> 'account_not_below_floor' THEN
        RAISE;
    END IF;
    entry := NULL; is_new := false; stored_digest := NULL;
END $$;
"""
ARGUMENTS = "text, text, timestamptz, jsonb, text, bigint, text, text[], text[], bigint[], bigint[]"
NO_POST = f"DROP FUNCTION payments_try_post({ARGUMENTS}); DROP FUNCTION payments_post({ARGUMENTS});"


class Migration(migrations.Migration):
    """Guard the ledger, whatever the application does."""

    dependencies = [("payments", "0001_payments"), ("accounts", "0002_clock_and_guards")]

    operations = [
        migrations.RunSQL(COMPOSITE_KEY, NO_COMPOSITE_KEY),
        migrations.RunSQL(BALANCED, NO_BALANCED),
        migrations.RunSQL(APPLY, NO_APPLY),
        migrations.RunSQL(ACCOUNTS, NO_ACCOUNTS),
        *[migrations.RunSQL(GUARD.format(table=table), NO_GUARD.format(table=table)) for table in GUARDED],
        migrations.RunSQL(POST, NO_POST),
    ]
