"""Experts, what they ask for, what they hold, and who said so."""

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
            name="Domain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "path",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="experts.domain",
                    ),
                ),
            ],
            options={
                "ordering": ("position", "name"),
            },
        ),
        migrations.CreateModel(
            name="Expert",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], default="live", max_length=4)),
                ("country", models.CharField(max_length=2)),
                (
                    "languages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), default=list, size=None
                    ),
                ),
                ("headline", models.CharField(blank=True, default="", max_length=120)),
                ("bio", models.TextField(blank=True, default="", max_length=4000)),
                ("employer", models.CharField(blank=True, default="", max_length=200)),
                ("network", models.CharField(blank=True, default="", max_length=200)),
                (
                    "content_flags_accepted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("weekly_hours", models.PositiveSmallIntegerField(default=20)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="expert", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                (
                    "credential_class",
                    models.CharField(
                        choices=[
                            ("physician_licence", "Physician licence"),
                            ("nurse_licence", "Nursing licence"),
                            ("psychologist_licence", "Psychologist licence"),
                            ("board_certification", "Board certification"),
                            ("bar_admission", "Bar admission"),
                            ("degree", "Degree"),
                            ("professional_certificate", "Professional certificate"),
                            ("publication_record", "Published or produced work"),
                            ("employment", "Employment"),
                        ],
                        max_length=40,
                    ),
                ),
                ("title", models.CharField(blank=True, default="", max_length=200)),
                ("issuer", models.CharField(max_length=200)),
                ("jurisdiction", models.CharField(blank=True, default="", max_length=40)),
                ("number", models.CharField(blank=True, default="", max_length=80)),
                ("expires_on", models.DateField(blank=True, null=True)),
                ("added_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("checked_where", models.CharField(blank=True, default="", max_length=300)),
                ("finding", models.TextField(blank=True, default="", max_length=2000)),
                (
                    "checked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credentials", to="experts.expert"
                    ),
                ),
            ],
            options={
                "ordering": ("added_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("statement", models.TextField(blank=True, default="", max_length=4000)),
                ("created_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("promised_at", models.DateTimeField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, default="", max_length=2000)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="applications", to="experts.expert"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReviewerMark",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("reason", models.TextField(max_length=2000)),
                ("granted_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("revoke_reason", models.TextField(blank=True, default="", max_length=2000)),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="experts.domain"
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviewer_marks", to="experts.expert"
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TierGrant",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tier", models.PositiveSmallIntegerField()),
                ("reason", models.TextField(max_length=2000)),
                ("granted_at", models.DateTimeField()),
                ("second_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("revoke_reason", models.TextField(blank=True, default="", max_length=2000)),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="experts.domain"
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tier_grants", to="experts.expert"
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "second_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TierRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tier", models.PositiveSmallIntegerField()),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="requests", to="experts.application"
                    ),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="experts.domain"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Verdict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approve", "approved"),
                            ("second", "approved as the second"),
                            ("more", "asked for more"),
                            ("decline", "declined"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(max_length=2000)),
                (
                    "checks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="verdicts", to="experts.application"
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("id")), _negated=True), name="domain_is_not_its_own_parent"
            ),
        ),
        migrations.AddConstraint(
            model_name="expert",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["APPLICANT", "ACTIVE", "AWAY", "SUSPENDED", "REMOVED"])),
                name="expert_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="expert",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["live", "test"])), name="expert_mode_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="expert",
            constraint=models.CheckConstraint(
                condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="expert_country_iso2"
            ),
        ),
        migrations.AddConstraint(
            model_name="expert",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekly_hours__lte", 80)), name="expert_weekly_hours_at_most_80"
            ),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["CLAIMED", "CHECKING", "VERIFIED", "REFUSED", "EXPIRED", "REVOKED"])),
                name="credential_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "credential_class__in",
                        [
                            "physician_licence",
                            "nurse_licence",
                            "psychologist_licence",
                            "board_certification",
                            "bar_admission",
                            "degree",
                            "professional_certificate",
                            "publication_record",
                            "employment",
                        ],
                    )
                ),
                name="credential_class_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("CLAIMED", "CHECKING")),
                    models.Q(
                        ("checked_by__isnull", False),
                        ("checked_at__isnull", False),
                        models.Q(("checked_where", ""), _negated=True),
                        models.Q(("finding", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="credential_verdict_says_who_what_where",
            ),
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(fields=["state", "submitted_at"], name="application_queue"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["DRAFT", "SUBMITTED", "IN_REVIEW", "MORE_WANTED", "APPROVED", "DECLINED"])
                ),
                name="application_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "DRAFT"), ("submitted_at__isnull", False), _connector="OR"),
                name="application_submitted_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("APPROVED", "DECLINED")), _negated=True),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="application_decided_has_who_when_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("APPROVED", "DECLINED")), _negated=True),
                fields=("expert",),
                name="application_one_open_per_expert",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewermark",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="reviewer_mark_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewermark",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at__isnull", True)),
                fields=("expert", "domain"),
                name="reviewer_mark_one_live_per_domain",
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__gte", 1), ("tier__lte", 5)), name="tier_grant_1_to_5"
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="tier_grant_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("second_by__isnull", True),
                    models.Q(("second_by", models.F("granted_by")), _negated=True),
                    _connector="OR",
                ),
                name="tier_grant_two_people_differ",
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("second_at__isnull", True), ("second_by__isnull", True)),
                    models.Q(("second_at__isnull", False), ("second_by__isnull", False)),
                    _connector="OR",
                ),
                name="tier_grant_second_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("revoked_at__isnull", True),
                    models.Q(("tier__lt", 4), ("second_by__isnull", False), _connector="OR"),
                ),
                fields=("expert", "domain"),
                name="tier_grant_one_live_per_domain",
            ),
        ),
        migrations.AddConstraint(
            model_name="tiergrant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at__isnull", True), ("second_by__isnull", True), ("tier__gte", 4)),
                fields=("expert", "domain"),
                name="tier_grant_one_pending_per_domain",
            ),
        ),
        migrations.AddConstraint(
            model_name="tierrequest",
            constraint=models.UniqueConstraint(fields=("application", "domain"), name="tier_request_once_per_domain"),
        ),
        migrations.AddConstraint(
            model_name="tierrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__gte", 1), ("tier__lte", 5)), name="tier_request_1_to_5"
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["approve", "second", "more", "decline"])), name="verdict_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="verdict_has_reason"
            ),
        ),
    ]
