"""Find a batch's tasks by tag, and by the state of their answers, in the order in which they are listed."""

import django.db.models.deletion
from django.db import migrations, models

KNOWN = """
INSERT INTO tasks_tasktag (batch_id, tag, task_id) SELECT batch_id, unnest(tags), id FROM tasks_task
    ON CONFLICT DO NOTHING
"""
UNCHECKED = {"on_delete": django.db.models.deletion.CASCADE, "db_index": False, "db_constraint": False}


class Migration(migrations.Migration):
    dependencies = [("tasks", "0010_take_slot_by_key")]

    operations = [
        migrations.CreateModel(
            name="TaskTag",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "batch", "tag", "task", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("batch", models.ForeignKey(to="tasks.batch", related_name="+", **UNCHECKED)),
                ("tag", models.CharField(max_length=200)),
                ("task", models.ForeignKey(to="tasks.task", related_name="+", **UNCHECKED)),
            ],
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.RemoveIndex("slot", "slot_progress"),
        migrations.AddIndex("slot", models.Index(fields=["batch", "kind", "state", "task"], name="slot_progress")),
    ]
