"""Let a decided case add pay to a claim, and have the platform bear what a line cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0013_keep_ledger_checks"),
    ]

    operations = [
        migrations.AddField("payline", "is_on_house", models.BooleanField(db_default=False, default=False)),
        migrations.RemoveConstraint(
            model_name="payline",
            name="payline_reason_known",
        ),
        migrations.AlterField(
            model_name="payline",
            name="reason",
            field=models.CharField(
                choices=[
                    ("accepted", "Accepted"),
                    ("fixed", "Fixed"),
                    ("rejected", "Rejected"),
                    ("released", "Released"),
                    ("expired", "Expired"),
                    ("closed_out", "Closed Out"),
                    ("reviewed", "Reviewed"),
                    ("case", "Case"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        ["accepted", "fixed", "rejected", "released", "expired", "closed_out", "reviewed", "case"],
                    )
                ),
                name="payline_reason_known",
            ),
        ),
    ]
