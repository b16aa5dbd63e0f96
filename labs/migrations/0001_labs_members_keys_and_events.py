"""Labs, their people, hashed keys, idempotency records and the feed."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Lab",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("name", models.CharField(max_length=200)),
                ("is_code_name_only", models.BooleanField(default=False)),
                ("contact_email", models.EmailField(max_length=254)),
                ("country", models.CharField(max_length=2)),
                ("website", models.URLField(blank=True, default="", max_length=300)),
                ("purpose", models.TextField(blank=True, default="", max_length=2000)),
                ("terms_version", models.CharField(max_length=20)),
                ("terms_accepted_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["APPLICANT", "ACTIVE", "FROZEN", "CLOSED"])),
                        name="lab_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "APPLICANT"), ("state", "CLOSED"), ("approved_at__isnull", False), _connector="OR"
                        ),
                        name="lab_at_work_was_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="lab_country_is_iso2"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("fence", models.BigIntegerField(default=1)),
                ("lease_until", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("object_id", models.CharField(blank=True, default="", max_length=64)),
                ("status", models.SmallIntegerField(null=True)),
                ("content_type", models.CharField(blank=True, default="", max_length=100)),
                ("body", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "lab",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="labs.lab"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("lab", "mode", "key"), name="one_effect_per_idempotency_key"),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="idempotency_mode_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("kind", models.CharField(max_length=60)),
                ("data", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                (
                    "transaction",
                    models.BigIntegerField(
                        db_default=models.Func(function="txid_current", output_field=models.BigIntegerField()),
                        editable=False,
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("transaction", "id"),
                "indexes": [models.Index(fields=["lab", "mode", "transaction", "id"], name="event_feed")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="event_mode_is_known"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("label", models.CharField(max_length=100)),
                ("key_id", models.CharField(max_length=8)),
                ("secret_sha256", models.BinaryField(max_length=32)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("tasks:write", "Tasks Write"),
                                ("results:read", "Results Read"),
                                ("funds:read", "Funds Read"),
                                ("webhooks:write", "Webhooks Write"),
                                ("admin", "Admin"),
                            ],
                            max_length=20,
                        ),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_ip", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="api_keys", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(fields=("mode", "key_id"), name="one_key_per_key_id"),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="api_key_mode_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "scopes__contained_by",
                                ["tasks:write", "results:read", "funds:read", "webhooks:write", "admin"],
                            )
                        ),
                        name="api_key_scopes_are_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(choices=[("owner", "Owner"), ("member", "Member")], max_length=10)),
                ("added_at", models.DateTimeField()),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="labs.lab"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lab_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("added_at", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("lab", "user"), name="one_membership_per_person"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "member"])), name="member_role_is_known"
                    ),
                ],
            },
        ),
    ]
