"""Tasks and slots belong to their batch and project, checked once a statement instead of once a row and key.

A hundred thousand tasks arrive in one statement. Five row-wise foreign keys took more than half of its time, and they
could not see that a slot's project is its task's. These triggers can: they compare whole sets, and lock the batch as a
key would. What a key does for the parent, refusing to let it go, two more triggers do.
"""

import django.db.models.deletion
from django.db import migrations, models

HAVE_PARENTS = """
CREATE FUNCTION tasks_tasks_have_parents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM tasks_batch WHERE id IN (SELECT DISTINCT batch_id FROM made) FOR KEY SHARE;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT batch_id, project_id FROM made) AS m
        WHERE (SELECT b.project_id FROM tasks_batch AS b WHERE b.id = m.batch_id) IS DISTINCT FROM m.project_id
    ) THEN
        RAISE EXCEPTION 'a task has no batch, or one of another project' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tasks_have_parents AFTER INSERT ON tasks_task REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION tasks_tasks_have_parents();

-- One look-up by key for each slot, whatever the planner believes of tables that just grew: hence the setting.
CREATE FUNCTION tasks_slots_have_parents() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM made AS m
        WHERE (SELECT t.batch_id FROM tasks_task AS t WHERE t.id = m.task_id) IS DISTINCT FROM m.batch_id
    ) THEN
        RAISE EXCEPTION 'a slot has no task, or one of another batch' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT batch_id, project_id FROM made) AS m
        WHERE (SELECT b.project_id FROM tasks_batch AS b WHERE b.id = m.batch_id) IS DISTINCT FROM m.project_id
    ) THEN
        RAISE EXCEPTION 'a slot is of another project than its batch' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER slots_have_parents AFTER INSERT ON tasks_slot REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION tasks_slots_have_parents();

CREATE FUNCTION tasks_keep_parents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a % never changes whose it is', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER task_keeps_its_parents BEFORE UPDATE OF id, batch_id, project_id ON tasks_task FOR EACH ROW
    WHEN ((OLD.id, OLD.batch_id, OLD.project_id) IS DISTINCT FROM (NEW.id, NEW.batch_id, NEW.project_id))
    EXECUTE FUNCTION tasks_keep_parents();
CREATE TRIGGER slot_keeps_its_parents BEFORE UPDATE OF task_id, batch_id, project_id ON tasks_slot FOR EACH ROW
    WHEN ((OLD.task_id, OLD.batch_id, OLD.project_id) IS DISTINCT FROM (NEW.task_id, NEW.batch_id, NEW.project_id))
    EXECUTE FUNCTION tasks_keep_parents();

CREATE FUNCTION tasks_keep_children() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'tasks_batch' AND EXISTS (SELECT FROM tasks_task WHERE batch_id = OLD.id)
       OR TG_TABLE_NAME = 'tasks_task' AND EXISTS (SELECT FROM tasks_slot WHERE task_id = OLD.id) THEN
        RAISE EXCEPTION 'this % still has rows below it', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER batch_keeps_its_tasks BEFORE DELETE ON tasks_batch
    FOR EACH ROW EXECUTE FUNCTION tasks_keep_children();
CREATE TRIGGER task_keeps_its_slots BEFORE DELETE ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION tasks_keep_children();
"""
LET_PARENTS_GO = """
DROP TRIGGER task_keeps_its_slots ON tasks_task;
DROP TRIGGER batch_keeps_its_tasks ON tasks_batch;
DROP FUNCTION tasks_keep_children();
DROP TRIGGER slot_keeps_its_parents ON tasks_slot;
DROP TRIGGER task_keeps_its_parents ON tasks_task;
DROP FUNCTION tasks_keep_parents();
DROP TRIGGER slots_have_parents ON tasks_slot;
DROP FUNCTION tasks_slots_have_parents();
DROP TRIGGER tasks_have_parents ON tasks_task;
DROP FUNCTION tasks_tasks_have_parents();
"""
# Rows under way live for seconds; the merge counts them, so losing them in a crash is noticed.
UNLOGGED = "ALTER TABLE tasks_stagedline SET UNLOGGED"
LOGGED = "ALTER TABLE tasks_stagedline SET LOGGED"


def unchecked(to: str, related_name: str) -> models.ForeignKey:
    """Return a reference whose key is checked by the triggers above."""
    return models.ForeignKey(
        to=to,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        db_index=False,
        db_constraint=False,
    )


class Migration(migrations.Migration):
    """Replace five keys by triggers."""

    dependencies = [("tasks", "0002_task_guards")]

    operations = [
        migrations.AlterField("task", "batch", unchecked("tasks.batch", "tasks")),
        migrations.AlterField("task", "project", unchecked("tasks.project", "+")),
        migrations.AlterField("slot", "project", unchecked("tasks.project", "+")),
        migrations.AlterField("slot", "batch", unchecked("tasks.batch", "slots")),
        migrations.AlterField("slot", "task", unchecked("tasks.task", "slots")),
        migrations.RunSQL(HAVE_PARENTS, LET_PARENTS_GO),
        migrations.RunSQL(UNLOGGED, LOGGED),
    ]
