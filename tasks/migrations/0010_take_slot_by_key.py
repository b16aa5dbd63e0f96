"""Look an expert's earlier claim on a task up among the task's, one at a time, however small the table was when planned.

As an anti-join the planner may read all of the expert's claims, or all claims there are, for each slot: a subquery with
an OFFSET is never joined, and no index answers IS NOT DISTINCT FROM. (Their text otherwise is migration 0004's.)
"""

from django.db import migrations

JOINED = "mine.task_id = s.task_id AND mine.expert_id = p_expert AND mine.kind = 'work')"
ASKED = "mine.task_id = s.task_id AND mine.expert_id IS NOT DISTINCT FROM p_expert AND mine.kind = 'work' OFFSET 0)"
REPLACE = """
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('{name}'::regproc), $was${was}$was$, $becomes${becomes}$becomes$);
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0009_tasks_in_order")]

    operations = [
        migrations.RunSQL(
            REPLACE.format(name=name, was=JOINED, becomes=ASKED), REPLACE.format(name=name, was=ASKED, becomes=JOINED)
        )
        for name in ("tasks_take_work", "tasks_take_review")
    ]
