"""Mark a claim whose expert worked by an earlier version of the guidelines and has not yet said that they read this one.

Such a claim does not count as having read it: given back unread, the next one has the time for reading again.
"""

from django.db import migrations, models

EARLIER = "c.expert_id = p_expert AND c.guideline_id = newest.id)"
READ = "c.expert_id = p_expert AND c.guideline_id = newest.id AND NOT c.is_guideline_changed)"
NEWEST = """LEFT JOIN LATERAL (SELECT id FROM tasks_guidelineversion WHERE project_id = f.project_id
                          ORDER BY number DESC LIMIT 1) newest ON TRUE"""
# Asked of a first version: nothing, for no other came before it. Of a later one: of this expert's claims, by their key.
CHANGED = """LEFT JOIN LATERAL (SELECT id, number FROM tasks_guidelineversion WHERE project_id = f.project_id
                          ORDER BY number DESC LIMIT 1) newest ON TRUE
      LEFT JOIN LATERAL (
        SELECT NOT EXISTS (SELECT 1 FROM tasks_claim c
                            WHERE c.expert_id = p_expert AND c.guideline_id = newest.id AND NOT c.is_guideline_changed)
               AND EXISTS (SELECT 1 FROM tasks_claim c
                            WHERE c.expert_id = p_expert AND c.project_id = f.project_id AND c.kind = 'work'
                              AND c.guideline_id <> newest.id) AS is_guideline_changed
         WHERE newest.number > 1) since ON TRUE"""
CHANGES = (
    (EARLIER, READ),
    (NEWEST, CHANGED),
    ("newest.id AS guideline_id,", "newest.id AS guideline_id,\n           since.is_guideline_changed,"),
    (
        "guideline_id, agreement_version_id, lease_until,",
        "guideline_id, is_guideline_changed, agreement_version_id, lease_until,",
    ),
    ("p_hold, k.guideline_id,", "p_hold, k.guideline_id, COALESCE(k.is_guideline_changed, FALSE),"),
)
REPLACE = """
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('tasks_take_work'::regproc), $was${was}$was$, $becomes${becomes}$becomes$);
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0013_batch_caps")]

    operations = [
        migrations.AddField("claim", "is_guideline_changed", models.BooleanField(db_default=False, default=False)),
        *(
            migrations.RunSQL(REPLACE.format(was=was, becomes=becomes), REPLACE.format(was=becomes, becomes=was))
            for was, becomes in CHANGES
        ),
    ]
