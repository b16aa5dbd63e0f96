"""Freeze what was earned and what was submitted, and let no run move without its approvals."""

from django.db import migrations

# A pay line never changes what it pays. It enters an item of a draft only, leaves it only when the item is
# cancelled or the run is a draft again, and never jumps from one item to another: so it is in one at most.
PAY_LINES = """
CREATE FUNCTION payments_guard_pay_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE item record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a pay line is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.id, NEW.expert_id, NEW.lab_id, NEW.project, NEW.subject, NEW.kind, NEW.reason,
            NEW.seconds, NEW.rate_minor, NEW.tier, NEW.card_version, NEW.amount_minor, NEW.fee_minor, NEW.currency,
            NEW.week_start, NEW.decided_at, NEW.entry_id)
        IS DISTINCT FROM (OLD.id, OLD.expert_id, OLD.lab_id, OLD.project, OLD.subject, OLD.kind, OLD.reason,
            OLD.seconds, OLD.rate_minor, OLD.tier, OLD.card_version, OLD.amount_minor, OLD.fee_minor, OLD.currency,
            OLD.week_start, OLD.decided_at, OLD.entry_id) THEN
        RAISE EXCEPTION 'a pay line never changes what it pays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.item_id IS NOT DISTINCT FROM OLD.item_id THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.item_id IS NOT NULL THEN
        IF NEW.item_id IS NOT NULL THEN
            RAISE EXCEPTION 'a pay line is in one payout item at most'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payline_in_one_item';
        END IF;
        SELECT i.state, r.state AS run_state INTO item FROM payments_payoutitem i
            JOIN payments_payoutrun r ON r.id = i.run_id WHERE i.id = OLD.item_id FOR SHARE OF r;
        IF item.state <> 'CANCELLED' AND item.run_state <> 'DRAFT' THEN
            RAISE EXCEPTION 'a submitted run keeps its pay lines'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_frozen';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.item_id IS NOT NULL THEN
        SELECT i.expert_id, i.currency, r.state AS run_state INTO item FROM payments_payoutitem i
            JOIN payments_payoutrun r ON r.id = i.run_id WHERE i.id = NEW.item_id FOR SHARE OF r;
        IF item.run_state <> 'DRAFT' THEN
            RAISE EXCEPTION 'a submitted run takes no more pay lines'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_frozen';
        END IF;
        IF (item.expert_id, item.currency) IS DISTINCT FROM (NEW.expert_id, NEW.currency) THEN
            RAISE EXCEPTION 'a pay line is paid to whom it belongs'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payline_of_the_items_expert';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payline_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_payline
    FOR EACH ROW EXECUTE FUNCTION payments_guard_pay_line();
"""
NO_PAY_LINES = "DROP TRIGGER payments_payline_guard ON payments_payline; DROP FUNCTION payments_guard_pay_line();"

ITEMS = """
CREATE FUNCTION payments_guard_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE in_state text;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.id, NEW.run_id, NEW.expert_id, NEW.payee_id, NEW.destination, NEW.currency,
            NEW.amount_minor, NEW.line_count, NEW.seconds)
        IS NOT DISTINCT FROM (OLD.id, OLD.run_id, OLD.expert_id, OLD.payee_id, OLD.destination, OLD.currency,
            OLD.amount_minor, OLD.line_count, OLD.seconds) THEN
        IF NEW.state IN ('SENDING', 'PAID') AND NEW.state <> OLD.state THEN
            SELECT state INTO in_state FROM payments_payoutrun WHERE id = NEW.run_id;
            IF in_state NOT IN ('SENDING', 'PAUSED', 'PARTIAL', 'COMPLETED') THEN
                RAISE EXCEPTION 'nothing is sent from a run that is %', in_state
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'item_sent_in_a_sending_run';
            END IF;
        END IF;
        RETURN NEW;
    END IF;
    SELECT state INTO in_state FROM payments_payoutrun
        WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.run_id ELSE NEW.run_id END FOR SHARE;
    IF in_state <> 'DRAFT' THEN
        RAISE EXCEPTION 'a submitted run does not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_frozen';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER payments_payoutitem_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_payoutitem
    FOR EACH ROW EXECUTE FUNCTION payments_guard_item();
"""
NO_ITEMS = "DROP TRIGGER payments_payoutitem_guard ON payments_payoutitem; DROP FUNCTION payments_guard_item();"

# One approver up to 10,000.00, two above (payments.rules.TWO_APPROVERS_ABOVE_MINOR says the same).
APPROVALS = """
CREATE FUNCTION payments_needed_approvals(total bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
    'SELECT CASE WHEN total > 1000000 THEN 2 ELSE 1 END';

CREATE FUNCTION payments_guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE run record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an approval is voided, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.run_id, NEW.user_id, NEW.content_sha256, NEW.approved_at)
                IS DISTINCT FROM (OLD.id, OLD.run_id, OLD.user_id, OLD.content_sha256, OLD.approved_at)
                OR OLD.voided_at IS NOT NULL THEN
            RAISE EXCEPTION 'an approval can only be voided' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO run FROM payments_payoutrun WHERE id = NEW.run_id FOR SHARE;
    IF run.state <> 'PENDING_APPROVAL' OR run.content_sha256 <> NEW.content_sha256 THEN
        RAISE EXCEPTION 'an approval is given to exactly what was submitted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_the_content';
    END IF;
    IF run.built_by_id = NEW.user_id OR EXISTS (
            SELECT 1 FROM payments_runedit WHERE run_id = NEW.run_id AND by_id = NEW.user_id
            AND at > NEW.approved_at - interval '72 hours') THEN
        RAISE EXCEPTION 'nobody approves what they built or changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_two_persons';
    END IF;
    IF EXISTS (SELECT 1 FROM payments_payoutitem i JOIN experts_expert e ON e.id = i.expert_id
               WHERE i.run_id = NEW.run_id AND e.user_id = NEW.user_id) THEN
        RAISE EXCEPTION 'nobody approves what they would receive'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_not_to_oneself';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_runapproval_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_runapproval
    FOR EACH ROW EXECUTE FUNCTION payments_guard_approval();
"""
NO_APPROVALS = """
DROP TRIGGER payments_runapproval_guard ON payments_runapproval;
DROP FUNCTION payments_guard_approval();
DROP FUNCTION payments_needed_approvals(bigint);
"""

RUNS = """
CREATE FUNCTION payments_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE given int; items record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a run is cancelled, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.number, NEW.week_start, NEW.currency, NEW.built_by_id, NEW.built_at)
            IS DISTINCT FROM (OLD.id, OLD.number, OLD.week_start, OLD.currency, OLD.built_by_id, OLD.built_at) THEN
        RAISE EXCEPTION 'what a run is never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state NOT IN ('DRAFT', 'REJECTED') AND NEW.state <> 'DRAFT'
            AND (NEW.total_minor, NEW.item_count, NEW.content_sha256, NEW.left_out)
                IS DISTINCT FROM (OLD.total_minor, OLD.item_count, OLD.content_sha256, OLD.left_out) THEN
        RAISE EXCEPTION 'a submitted run does not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_frozen';
    END IF;
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF NEW.state = 'DRAFT' AND EXISTS (
            SELECT 1 FROM payments_runapproval WHERE run_id = NEW.id AND voided_at IS NULL) THEN
        RAISE EXCEPTION 'a run that is edited again has no approvals'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_edit_voids_approvals';
    END IF;
    IF NEW.state = 'PENDING_APPROVAL' THEN
        SELECT count(*) AS n, coalesce(sum(i.amount_minor), 0) AS total,
               coalesce(sum((SELECT sum(l.amount_minor) FROM payments_payline l WHERE l.item_id = i.id)), 0) AS earned,
               coalesce(bool_or(i.amount_minor <> (SELECT coalesce(sum(l.amount_minor), 0)
                                                   FROM payments_payline l WHERE l.item_id = i.id)), false) AS differs
            INTO items FROM payments_payoutitem i WHERE i.run_id = NEW.id AND i.state <> 'CANCELLED';
        IF items.n = 0 OR items.n <> NEW.item_count OR items.total <> NEW.total_minor OR items.differs THEN
            RAISE EXCEPTION 'the totals of a run are those of its items and lines'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'run_adds_up';
        END IF;
    END IF;
    IF NEW.state IN ('APPROVED', 'SENDING') THEN
        SELECT count(DISTINCT user_id) INTO given FROM payments_runapproval
            WHERE run_id = NEW.id AND voided_at IS NULL AND content_sha256 = NEW.content_sha256
            AND user_id <> NEW.built_by_id;
        IF given < payments_needed_approvals(NEW.total_minor) THEN
            RAISE EXCEPTION 'a run of this size needs more approvals'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_approved';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payoutrun_guard BEFORE UPDATE OR DELETE ON payments_payoutrun
    FOR EACH ROW EXECUTE FUNCTION payments_guard_run();

CREATE FUNCTION payments_guard_new_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'DRAFT' THEN
        RAISE EXCEPTION 'a run begins as a draft' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payoutrun_begin BEFORE INSERT ON payments_payoutrun
    FOR EACH ROW EXECUTE FUNCTION payments_guard_new_run();
"""
NO_RUNS = """
DROP TRIGGER payments_payoutrun_begin ON payments_payoutrun;
DROP FUNCTION payments_guard_new_run();
DROP TRIGGER payments_payoutrun_guard ON payments_payoutrun;
DROP FUNCTION payments_guard_run();
"""

EDITS = """
CREATE TRIGGER payments_runedit_append_only BEFORE UPDATE OR DELETE ON payments_runedit
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER payments_runedit_keep BEFORE TRUNCATE ON payments_runedit
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NO_EDITS = """
DROP TRIGGER payments_runedit_append_only ON payments_runedit;
DROP TRIGGER payments_runedit_keep ON payments_runedit;
"""

# A rate that was published stays as it is; only its end is set, when the next card replaces it.
RATES = """
CREATE FUNCTION payments_guard_rate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.id, NEW.card_id, NEW.domain_id, NEW.tier, NEW.kind, NEW.currency, NEW.minor_per_hour,
            lower(NEW.during))
        IS DISTINCT FROM (OLD.id, OLD.card_id, OLD.domain_id, OLD.tier, OLD.kind, OLD.currency, OLD.minor_per_hour,
            lower(OLD.during)) THEN
        RAISE EXCEPTION 'a published rate never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_rate_guard BEFORE UPDATE OR DELETE ON payments_rate
    FOR EACH ROW EXECUTE FUNCTION payments_guard_rate();
"""
NO_RATES = "DROP TRIGGER payments_rate_guard ON payments_rate; DROP FUNCTION payments_guard_rate();"

HOLDS_AND_FUNDINGS = """
CREATE FUNCTION payments_guard_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.id, NEW.subject, NEW.project, NEW.lab_id, NEW.currency, NEW.parent_id)
            IS DISTINCT FROM (OLD.id, OLD.subject, OLD.project, OLD.lab_id, OLD.currency, OLD.parent_id)
            OR (OLD.state <> 'OPEN' AND NEW.amount_minor <> 0) THEN
        RAISE EXCEPTION 'a hold is settled or released, never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_hold_guard BEFORE UPDATE OR DELETE ON payments_hold
    FOR EACH ROW EXECUTE FUNCTION payments_guard_hold();

CREATE FUNCTION payments_guard_funding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.id, NEW.lab_id, NEW.currency, NEW.amount_minor, NEW.stripe_key, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.lab_id, OLD.currency, OLD.amount_minor, OLD.stripe_key, OLD.created_at) THEN
        RAISE EXCEPTION 'what a funding pays never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_funding_guard BEFORE UPDATE OR DELETE ON payments_funding
    FOR EACH ROW EXECUTE FUNCTION payments_guard_funding();
"""
NO_HOLDS_AND_FUNDINGS = """
DROP TRIGGER payments_funding_guard ON payments_funding;
DROP FUNCTION payments_guard_funding();
DROP TRIGGER payments_hold_guard ON payments_hold;
DROP FUNCTION payments_guard_hold();
"""


class Migration(migrations.Migration):
    """Guard pay and payouts, whatever the application does."""

    dependencies = [("payments", "0002_ledger_guards")]

    operations = [
        migrations.RunSQL(PAY_LINES, NO_PAY_LINES),
        migrations.RunSQL(ITEMS, NO_ITEMS),
        migrations.RunSQL(APPROVALS, NO_APPROVALS),
        migrations.RunSQL(RUNS, NO_RUNS),
        migrations.RunSQL(EDITS, NO_EDITS),
        migrations.RunSQL(RATES, NO_RATES),
        migrations.RunSQL(HOLDS_AND_FUNDINGS, NO_HOLDS_AND_FUNDINGS),
    ]
