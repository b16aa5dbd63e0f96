"""Cases: contested reviews, time queries, refunds and withheld pay, each decided by a person and kept as decided."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.ids

KEPT = """
CREATE TRIGGER experts_casedecision_append_only BEFORE UPDATE OR DELETE ON experts_casedecision
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER experts_casedecision_keep BEFORE TRUNCATE ON experts_casedecision
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NOT_KEPT = """
DROP TRIGGER experts_casedecision_keep ON experts_casedecision;
DROP TRIGGER experts_casedecision_append_only ON experts_casedecision;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0002_vetting_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("review", "Contested review"),
                            ("time", "Time query"),
                            ("refund", "Refund"),
                            ("withholding", "Withholding"),
                        ],
                        max_length=12,
                    ),
                ),
                ("mode", models.CharField(max_length=4)),
                (
                    "side",
                    models.CharField(
                        choices=[("expert", "The expert"), ("lab", "The client"), ("operator", "Guildhall")],
                        max_length=8,
                    ),
                ),
                ("lab", models.CharField(max_length=40)),
                ("project", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=40)),
                ("number", models.PositiveSmallIntegerField()),
                ("opened_by", models.CharField(max_length=40)),
                ("opened_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("statement", models.BinaryField()),
                ("appeal", models.BinaryField(null=True)),
                ("appealed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cases", to="experts.expert"
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("due_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="CaseDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "outcome",
                    models.CharField(choices=[("upheld", "Upheld"), ("dismissed", "Dismissed")], max_length=10),
                ),
                ("seconds", models.PositiveIntegerField(default=0)),
                ("reasons", models.BinaryField()),
                ("decided_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="experts.case"
                    ),
                ),
            ],
            options={
                "ordering": ("round",),
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("state", "FINAL"), _negated=True), fields=["due_at"], name="case_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["lab", "-id"], name="case_by_lab"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["OPEN", "WITH_FIRST", "DECIDED", "APPEALED", "WITH_SECOND", "FINAL"])
                ),
                name="case_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["review", "time", "refund", "withholding"])), name="case_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("side__in", ["expert", "lab", "operator"])), name="case_side_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("second__isnull", True),
                    models.Q(("first__isnull", False), models.Q(("second", models.F("first")), _negated=True)),
                    _connector="OR",
                ),
                name="case_second_is_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("OPEN", "APPEALED")), ("first__isnull", False), _connector="OR"),
                name="case_is_with_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("subject", "kind"), name="case_one_of_a_kind"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("subject", "number"), name="case_numbered_once"),
        ),
        migrations.AddConstraint(
            model_name="casedecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["upheld", "dismissed"])), name="case_outcome_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="casedecision",
            constraint=models.CheckConstraint(condition=models.Q(("round__in", (1, 2))), name="case_has_two_rounds"),
        ),
        migrations.AddConstraint(
            model_name="casedecision",
            constraint=models.UniqueConstraint(fields=("case", "round"), name="case_decided_once_a_round"),
        ),
        migrations.AddConstraint(
            model_name="casedecision",
            constraint=models.UniqueConstraint(fields=("case", "by"), name="case_decided_by_different_people"),
        ),
        migrations.RunSQL(KEPT, NOT_KEPT),
    ]
