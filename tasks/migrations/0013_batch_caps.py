"""Bound what a batch may cost: claims add what they hold, endings give back what was not spent, a check refuses more."""

from django.db import migrations, models
from django.db.models import F, Q

# A batch without a cap is not written to: there no claim waits for another.
COMMIT = """
CREATE FUNCTION tasks_commit_to_batch(p_batch uuid, p_minor bigint) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    UPDATE tasks_batch SET committed_minor = committed_minor + p_minor WHERE id = p_batch AND cap_minor IS NOT NULL;
END $$;
"""
# Whoever would not fit anyway is offered another batch, rather than refused by the check.
ANY = "b.state IN ('RUNNING', 'DRAINING')"
FITTING = f"{ANY} AND (b.cap_minor IS NULL OR b.committed_minor + e.hold_minor <= b.cap_minor)"
REPLACE = """
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('tasks_take_work'::regproc), $was${was}$was$, $becomes${becomes}$becomes$);
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0012_cancelled_tasks")]

    operations = [
        migrations.AddField("batch", "cap_minor", models.BigIntegerField(blank=True, null=True)),
        migrations.AddField("batch", "committed_minor", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddConstraint(
            "batch",
            models.CheckConstraint(
                condition=Q(cap_minor__isnull=True) | Q(cap_minor__gt=0, committed_minor__lte=F("cap_minor")),
                name="batch_within_cap",
            ),
        ),
        migrations.AddConstraint(
            "batch",
            models.CheckConstraint(condition=Q(committed_minor__gte=0), name="batch_commits_no_less_than_nothing"),
        ),
        migrations.RunSQL(COMMIT, "DROP FUNCTION tasks_commit_to_batch(uuid, bigint)"),
        migrations.RunSQL(REPLACE.format(was=ANY, becomes=FITTING), REPLACE.format(was=FITTING, becomes=ANY)),
    ]
