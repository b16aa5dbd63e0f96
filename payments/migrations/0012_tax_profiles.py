"""Keep which tax form an expert owes and whether Stripe has it; never the number on it."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0002_vetting_guards"),
        ("payments", "0011_read_accounts_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaxProfile",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("form", models.CharField(choices=[("W-9", "W9"), ("W-8BEN", "W8Ben")], max_length=10)),
                ("asked_at", models.DateTimeField()),
                ("given_at", models.DateTimeField(null=True)),
                ("valid_until", models.DateField(null=True)),
                ("has_number", models.BooleanField(default=False)),
                (
                    "expert",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tax_profile", to="experts.expert"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["ASKED", "GIVEN"])), name="tax_state_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("form__in", ["W-9", "W-8BEN"])), name="tax_form_known"),
                    models.CheckConstraint(
                        condition=models.Q(("state", "ASKED"), ("given_at__isnull", False), _connector="OR"),
                        name="tax_given_has_time",
                    ),
                ],
            },
        ),
    ]
