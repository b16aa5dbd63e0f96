"""Lock what went to the bookkeeper: batches follow without a gap, and none changes."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.ids

# Each batch has the next number and begins where the last one ended, so that each entry is in one batch.
FOLLOWS = """
CREATE FUNCTION payments_guard_batch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last payments_journalbatch;
BEGIN
    SELECT * INTO last FROM payments_journalbatch ORDER BY number DESC LIMIT 1;
    IF NEW.number <> COALESCE(last.number, 0) + 1 OR NEW.from_xid <> COALESCE(last.to_xid, 0) THEN
        RAISE EXCEPTION 'a batch of the journal follows the last one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_batch_follows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_journalbatch_follows BEFORE INSERT ON payments_journalbatch
    FOR EACH ROW EXECUTE FUNCTION payments_guard_batch();
CREATE TRIGGER payments_journalbatch_append_only BEFORE UPDATE OR DELETE ON payments_journalbatch
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER payments_journalbatch_keep BEFORE TRUNCATE ON payments_journalbatch
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NO_FOLLOWS = """
DROP TRIGGER payments_journalbatch_keep ON payments_journalbatch;
DROP TRIGGER payments_journalbatch_append_only ON payments_journalbatch;
DROP TRIGGER payments_journalbatch_follows ON payments_journalbatch;
DROP FUNCTION payments_guard_batch();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0014_cases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="JournalBatch",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(unique=True)),
                ("from_xid", models.BigIntegerField()),
                ("to_xid", models.BigIntegerField()),
                ("entry_count", models.PositiveIntegerField()),
                ("line_count", models.PositiveIntegerField()),
                ("totals", models.JSONField()),
                ("content", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("locked_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "journal batches",
                "ordering": ("-number",),
            },
        ),
        migrations.AddIndex(
            model_name="entry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["xid"], name="entry_by_xid"),
        ),
        migrations.AddField(
            model_name="journalbatch",
            name="locked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="journalbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("entry_count__gt", 0), ("number__gt", 0)), name="journal_batch_holds_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="journalbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_xid__gt", models.F("from_xid"))), name="journal_batch_goes_forward"
            ),
        ),
        migrations.RunSQL(FOLLOWS, NO_FOLLOWS),
    ]
