"""Let nobody approve a run that pays what they decided in a case within 72 hours."""

from django.db import migrations

# A line that a case adds is named after its claim and the number of the case.
CORRECTIONS = """
CREATE FUNCTION payments_guard_corrections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payments_payline l JOIN payments_payoutitem i ON i.id = l.item_id
               JOIN experts_case c ON c.subject = split_part(l.subject, '-', 1)
               JOIN experts_casedecision d ON d.case_id = c.id
               WHERE i.run_id = NEW.run_id AND l.reason = 'case' AND d.by_id = NEW.user_id
               AND d.decided_at > NEW.approved_at - interval '72 hours') THEN
        RAISE EXCEPTION 'nobody approves what rests on a case that they decided'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_not_on_ones_own_cases';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_runapproval_inputs_of_cases BEFORE INSERT ON payments_runapproval
    FOR EACH ROW EXECUTE FUNCTION payments_guard_corrections();
"""
NO_CORRECTIONS = """
DROP TRIGGER payments_runapproval_inputs_of_cases ON payments_runapproval;
DROP FUNCTION payments_guard_corrections();
"""


class Migration(migrations.Migration):
    dependencies = [("experts", "0003_cases"), ("payments", "0016_correct_by_two")]

    operations = [migrations.RunSQL(CORRECTIONS, NO_CORRECTIONS)]
