"""Let the ledger itself refuse a natural key that comes again with other postings, however it is called.

A function that is replaced loses its settings, so those of 0007 are said again.
"""

from django.db import migrations

POST = """
CREATE OR REPLACE FUNCTION payments_post(
    wanted_key text, entry_kind text, happened_at timestamptz, entry_memo jsonb, digest text, reversed_entry bigint,
    in_currency text, codes text[], kinds text[], floors bigint[], amounts bigint[],
    OUT entry bigint, OUT is_new boolean, OUT stored_digest text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
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
        {compare}RETURN;
    END IF;
    INSERT INTO payments_posting (entry_id, account_id, currency, amount)
        SELECT entry, a.id, in_currency, u.amount
        FROM unnest(codes, amounts) WITH ORDINALITY AS u (code, amount, place)
        JOIN payments_account a ON a.code = u.code AND a.currency = in_currency
        ORDER BY u.place;
END $$;
"""
COMPARE = """IF stored_digest <> digest THEN
            RAISE EXCEPTION '% was posted before with other postings', wanted_key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'entry_key_means_one_thing';
        END IF;
        """


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_reconciling")]

    operations = [migrations.RunSQL(POST.format(compare=COMPARE), POST.format(compare=""))]
