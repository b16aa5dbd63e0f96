"""What no code may change, whatever it means to: the terms of a claim, and what was handed in."""

from django.db import migrations

KEEP_TERMS = """
CREATE FUNCTION tasks_keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.slot_id, NEW.task_id, NEW.expert_id, NEW.kind, NEW.rate_minor, NEW.currency, NEW.tier, NEW.card_version,
        NEW.fee_bps, NEW.agreement_version_id)
       IS DISTINCT FROM
       (OLD.slot_id, OLD.task_id, OLD.expert_id, OLD.kind, OLD.rate_minor, OLD.currency, OLD.tier, OLD.card_version,
        OLD.fee_bps, OLD.agreement_version_id) THEN
        RAISE EXCEPTION 'the terms of a claim never change' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_keeps_its_terms
    BEFORE UPDATE OF slot_id, task_id, expert_id, kind, rate_minor, currency, tier, card_version, fee_bps,
        agreement_version_id ON tasks_claim
    FOR EACH ROW EXECUTE FUNCTION tasks_keep_terms();
"""
FORGET_TERMS = """
DROP TRIGGER claim_keeps_its_terms ON tasks_claim;
DROP FUNCTION tasks_keep_terms();
"""

# Erasing a project destroys its key, so what was handed in never has to be touched.
KEEP_VERSIONS = """
CREATE FUNCTION tasks_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER submission_stays BEFORE UPDATE OR DELETE ON tasks_submission
    FOR EACH ROW EXECUTE FUNCTION tasks_refuse_change();
CREATE TRIGGER review_stays BEFORE UPDATE OR DELETE ON tasks_review
    FOR EACH ROW EXECUTE FUNCTION tasks_refuse_change();
"""
LET_VERSIONS_GO = """
DROP TRIGGER review_stays ON tasks_review;
DROP TRIGGER submission_stays ON tasks_submission;
DROP FUNCTION tasks_refuse_change();
"""

# Claims are updated at each beat and slots at each move: free room keeps the new row versions on their page.
LEAVE_ROOM = """
ALTER TABLE tasks_claim SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE tasks_slot SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
"""
LEAVE_NO_ROOM = """
ALTER TABLE tasks_slot RESET (fillfactor, autovacuum_vacuum_scale_factor);
ALTER TABLE tasks_claim RESET (fillfactor, autovacuum_vacuum_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_tasks")]

    operations = [
        migrations.RunSQL(KEEP_TERMS, FORGET_TERMS),
        migrations.RunSQL(KEEP_VERSIONS, LET_VERSIONS_GO),
        migrations.RunSQL(LEAVE_ROOM, LEAVE_NO_ROOM),
    ]
