"""Number a project's acceptances in the order of their commits, and let exports go by the numbers."""

import django.db.models.deletion
from django.db import migrations, models

# The count's row is locked until the commit, so a number is seen only when all before it are. Reviews are numbered
# too: what is accepted first locks the count, and only then any account of the ledger.
NUMBERED = """
CREATE FUNCTION tasks_number_acceptance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tasks_acceptancecount AS c (project_id, last) VALUES (NEW.project_id, 1)
        ON CONFLICT (project_id) DO UPDATE SET last = c.last + 1 RETURNING last INTO NEW.accepted_number;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_claim_accepted_number BEFORE UPDATE ON tasks_claim FOR EACH ROW
    WHEN (NEW.state = 'ACCEPTED' AND OLD.state <> 'ACCEPTED') EXECUTE FUNCTION tasks_number_acceptance();
UPDATE tasks_claim SET accepted_number = n.number
    FROM (SELECT id, row_number() OVER (PARTITION BY project_id ORDER BY decided_at, id) AS number
            FROM tasks_claim WHERE state = 'ACCEPTED') n WHERE n.id = tasks_claim.id;
INSERT INTO tasks_acceptancecount (project_id, last)
    SELECT project_id, max(accepted_number) FROM tasks_claim WHERE state = 'ACCEPTED' GROUP BY project_id;
"""
NOT_NUMBERED = "DROP TRIGGER tasks_claim_accepted_number ON tasks_claim; DROP FUNCTION tasks_number_acceptance();"


class Migration(migrations.Migration):
    dependencies = [("tasks", "0007_questions")]

    operations = [
        migrations.CreateModel(
            name="AcceptanceCount",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tasks.project",
                    ),
                ),
                ("last", models.BigIntegerField()),
            ],
        ),
        migrations.AddField("claim", "accepted_number", models.BigIntegerField(editable=False, null=True)),
        migrations.RunSQL(NUMBERED, NOT_NUMBERED),
        migrations.AddIndex(
            "claim",
            models.Index(
                condition=models.Q(("kind", "work"), ("state", "ACCEPTED")),
                fields=["project", "accepted_number"],
                name="claim_accepted",
            ),
        ),
        migrations.RemoveField("export", "since"),
        migrations.AddField("export", "since_number", models.BigIntegerField(default=0)),
        migrations.AddField("export", "until_number", models.BigIntegerField(null=True)),
    ]
