"""Keep files: cleaned, sealed, each under a key of its own, and for good in the world they were uploaded to."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids

STAYS = """
CREATE TRIGGER tasks_file_stays BEFORE UPDATE OF mode ON tasks_file FOR EACH ROW
    WHEN (OLD.mode IS DISTINCT FROM NEW.mode) EXECUTE FUNCTION keep_world();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labs", "0003_key_networks"),
        ("tasks", "0005_two_worlds"),
    ]

    operations = [
        migrations.CreateModel(
            name="File",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("media_type", models.CharField(max_length=20)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("width", models.PositiveIntegerField(blank=True, null=True)),
                ("height", models.PositiveIntegerField(blank=True, null=True)),
                ("pages", models.PositiveIntegerField(blank=True, null=True)),
                ("data_key", models.BinaryField(null=True)),
                ("body", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lab",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["lab", "mode", "-id"], name="file_of_lab")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="file_mode_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("body__isnull", False), ("data_key__isnull", False), ("erased_at__isnull", True)),
                            models.Q(("body__isnull", True), ("data_key__isnull", True), ("erased_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="file_erased_has_neither_key_nor_bytes",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STAYS, "DROP TRIGGER tasks_file_stays ON tasks_file"),
    ]
