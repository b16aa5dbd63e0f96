"""Projects, batches, tasks, slots, claims and reviews, with the constraints that keep them honest."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agreements", "0002_agreement_guards"),
        ("experts", "0002_vetting_guards"),
        ("labs", "0001_labs_members_keys_and_events"),
        ("payments", "0003_payout_guards"),
    ]

    operations = [
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("name", models.CharField(max_length=200)),
                ("priority", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("staged_at", models.DateTimeField(blank=True, null=True)),
                ("launched_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("cancel_reason", models.CharField(blank=True, default="", max_length=500)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lab",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("name", models.CharField(max_length=200)),
                ("code_name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=40)),
                ("description", models.TextField(blank=True, default="")),
                ("tier_min", models.PositiveSmallIntegerField()),
                ("tier_max", models.PositiveSmallIntegerField()),
                (
                    "credential_classes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "jurisdictions_wanted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "jurisdictions_barred",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "languages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "content_flags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "review_policy",
                    models.CharField(
                        choices=[("none", "None"), ("sampled", "Sampled"), ("all", "All")], default="all", max_length=10
                    ),
                ),
                ("review_share_bps", models.PositiveIntegerField(default=10000)),
                ("review_layers", models.PositiveSmallIntegerField(default=1)),
                ("review_window_hours", models.PositiveSmallIntegerField(default=72)),
                ("overlap_min", models.PositiveSmallIntegerField(default=1)),
                ("overlap_max", models.PositiveSmallIntegerField(default=1)),
                ("expected_seconds", models.PositiveIntegerField()),
                ("cap_seconds", models.PositiveIntegerField()),
                ("review_cap_seconds", models.PositiveIntegerField()),
                ("guideline_seconds", models.PositiveIntegerField(default=0)),
                ("idle_seconds", models.PositiveIntegerField(default=300)),
                (
                    "assignment",
                    models.CharField(choices=[("seats", "Seats"), ("open", "Open")], default="seats", max_length=10),
                ),
                ("seat_minutes", models.PositiveIntegerField(default=120)),
                ("closeout_minutes", models.PositiveIntegerField(default=15)),
                ("allowance_bps", models.PositiveIntegerField(default=1000)),
                ("currency", models.CharField(max_length=3)),
                ("budget_alerted_bps", models.PositiveIntegerField(default=0)),
                ("retention_days", models.PositiveIntegerField(default=365)),
                ("data_key", models.BinaryField()),
                ("pause_reason", models.CharField(blank=True, default="", max_length=40)),
                ("created_at", models.DateTimeField()),
                ("launched_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agreements.agreement"
                    ),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="experts.domain"
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="projects", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="GuidelineVersion",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("published_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="guidelines", to="tasks.project"
                    ),
                ),
            ],
            options={
                "ordering": ("-number",),
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("shape", models.CharField(max_length=40)),
                ("file_format", models.CharField(default="jsonl", max_length=10)),
                ("since", models.DateTimeField(null=True)),
                ("requested_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("rows_total", models.PositiveIntegerField(null=True)),
                ("rows", models.PositiveIntegerField(null=True)),
                ("size_bytes", models.PositiveBigIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("schema_id", models.CharField(blank=True, default="", max_length=100)),
                ("file_name", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("ready_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="tasks.batch"
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="labs.lab"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="tasks.project"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Eligibility",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tier", models.PositiveSmallIntegerField(null=True)),
                ("rate_minor", models.PositiveIntegerField(null=True)),
                ("card_version", models.PositiveIntegerField(null=True)),
                ("fee_bps", models.PositiveIntegerField(null=True)),
                ("review_rate_minor", models.PositiveIntegerField(null=True)),
                ("hold_minor", models.PositiveBigIntegerField(null=True)),
                ("is_eligible", models.BooleanField()),
                ("can_review", models.BooleanField()),
                ("reasons", models.JSONField(default=list)),
                ("review_reasons", models.JSONField(default=list)),
                ("computed_at", models.DateTimeField()),
                (
                    "budget_account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.account",
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="experts.expert"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tasks.project"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("kind", models.CharField(choices=[("work", "Work"), ("review", "Review")], max_length=6)),
                ("rate_minor", models.PositiveIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("tier", models.PositiveSmallIntegerField()),
                ("card_version", models.PositiveIntegerField()),
                ("fee_bps", models.PositiveIntegerField()),
                ("cap_seconds", models.PositiveIntegerField()),
                ("review_cap_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("review_rate_minor", models.PositiveIntegerField(db_default=0, default=0)),
                ("review_layers", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("is_cap_extended", models.BooleanField(db_default=False, default=False)),
                ("is_review_drawn", models.BooleanField(db_default=False, default=False)),
                (
                    "shown_order",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("fence", models.PositiveIntegerField(db_default=1, default=1)),
                ("lease_until", models.DateTimeField()),
                ("working_since", models.DateTimeField()),
                ("raw_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("active_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("research_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("billable_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("approved_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("beat_session", models.CharField(blank=True, db_default="", default="", max_length=40)),
                ("beat_nonce", models.CharField(blank=True, db_default="", default="", max_length=40)),
                ("beat_nonce_was", models.CharField(blank=True, db_default="", default="", max_length=40)),
                ("beat_counter", models.PositiveIntegerField(db_default=0, default=0)),
                ("last_beat_at", models.DateTimeField(blank=True, null=True)),
                ("input_at", models.DateTimeField(blank=True, null=True)),
                ("is_visible", models.BooleanField(db_default=False, default=False)),
                ("running_since", models.DateTimeField(blank=True, null=True)),
                ("running_until", models.DateTimeField(blank=True, null=True)),
                (
                    "running_kind",
                    models.CharField(
                        choices=[("work", "Work"), ("research", "Research"), ("reading", "Reading")],
                        db_default="work",
                        default="work",
                        max_length=10,
                    ),
                ),
                ("research_until", models.DateTimeField(blank=True, null=True)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("paused_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("claimed_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("decision_due_at", models.DateTimeField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision", models.CharField(blank=True, db_default="", default="", max_length=20)),
                ("end_reason", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("returns", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("overturned_at", models.DateTimeField(blank=True, null=True)),
                (
                    "agreement_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agreements.agreementversion",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="tasks.batch",
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="experts.expert",
                    ),
                ),
                (
                    "hold",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.hold"
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"
                    ),
                ),
                (
                    "subject_claim",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="review_claims",
                        to="tasks.claim",
                    ),
                ),
                (
                    "guideline",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tasks.guidelineversion",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="tasks.project",
                    ),
                ),
            ],
            options={
                "ordering": ("-claimed_at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="batch",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="tasks.project"
            ),
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("work", "Work"), ("research", "Research"), ("reading", "Reading")], max_length=10
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="segments", to="tasks.claim"
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="experts.expert",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("kind", models.CharField(choices=[("work", "Work"), ("review", "Review")], max_length=6)),
                ("number", models.PositiveSmallIntegerField(default=1)),
                ("layer", models.PositiveSmallIntegerField(default=0)),
                ("round", models.PositiveSmallIntegerField(default=0)),
                ("priority", models.IntegerField(default=0)),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="tasks.batch",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tasks.project",
                    ),
                ),
                (
                    "subject_claim",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="review_slots",
                        to="tasks.claim",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="claim",
            name="slot",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="tasks.slot"
            ),
        ),
        migrations.CreateModel(
            name="StagedLine",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("run_id", models.UUIDField()),
                ("line", models.PositiveIntegerField()),
                ("external_id", models.CharField(max_length=200)),
                ("payload", models.BinaryField()),
                ("payload_sha256", models.BinaryField(max_length=32)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                ("metadata", models.BinaryField(null=True)),
                ("gold", models.BinaryField(null=True)),
                ("overlap", models.PositiveSmallIntegerField()),
                ("priority", models.SmallIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["run_id"], name="staged_line_by_run")],
            },
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("version", models.PositiveSmallIntegerField()),
                ("fence", models.PositiveIntegerField()),
                ("response", models.BinaryField()),
                ("active_seconds", models.PositiveIntegerField()),
                ("attestations", models.JSONField(default=dict)),
                ("submitted_at", models.DateTimeField()),
                (
                    "claim",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="tasks.claim",
                    ),
                ),
            ],
            options={
                "ordering": ("claim", "version"),
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "decision",
                    models.CharField(
                        choices=[("ACCEPT", "Accept"), ("FIX", "Fix"), ("RETURN", "Return"), ("REJECT", "Reject")],
                        max_length=10,
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("incorrect", "Incorrect"),
                            ("incomplete", "Incomplete"),
                            ("off_task", "Off Task"),
                            ("guidelines", "Guidelines"),
                            ("unsupported", "Unsupported"),
                            ("not_own_work", "Not Own Work"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("notes", models.BinaryField(null=True)),
                ("fixed_response", models.BinaryField(null=True)),
                ("decided_by", models.CharField(max_length=64)),
                ("decided_at", models.DateTimeField()),
                (
                    "claim",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="review", to="tasks.claim"
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="tasks.submission"
                    ),
                ),
            ],
            options={
                "ordering": ("decided_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("external_id", models.CharField(max_length=200)),
                ("payload", models.BinaryField()),
                ("payload_sha256", models.BinaryField(max_length=32)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                ("metadata", models.BinaryField(null=True)),
                ("gold", models.BinaryField(null=True)),
                ("overlap", models.PositiveSmallIntegerField(default=1)),
                ("priority", models.IntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="tasks.batch",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tasks.project",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.AddField(
            model_name="slot",
            name="task",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="slots", to="tasks.task"
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="tasks.task"
            ),
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", models.BinaryField()),
                ("revision", models.PositiveIntegerField()),
                ("saved_at", models.DateTimeField()),
                (
                    "claim",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="draft", to="tasks.claim"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("revision__gte", 1)), name="draft_counts_from_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="IngestRun",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "ingest_mode",
                    models.CharField(
                        choices=[("partial", "Partial"), ("all_or_nothing", "All Or Nothing")], max_length=20
                    ),
                ),
                ("idempotency_key", models.CharField(blank=True, default="", max_length=255)),
                ("lines", models.PositiveIntegerField(default=0)),
                ("staged", models.PositiveIntegerField(default=0)),
                ("accepted", models.PositiveIntegerField(default=0)),
                ("duplicates", models.PositiveIntegerField(default=0)),
                ("rejected", models.PositiveIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("touched_at", models.DateTimeField()),
                ("merged_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="ingest_runs", to="tasks.batch"
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("merged_at__isnull", True)),
                        fields=["touched_at"],
                        name="ingest_run_unfinished",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ingest_mode__in", ["partial", "all_or_nothing"])),
                        name="ingest_run_mode_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(choices=[("work", "Work"), ("review", "Review")], default="work", max_length=6),
                ),
                ("guaranteed_minutes", models.PositiveIntegerField()),
                ("worked_seconds", models.PositiveIntegerField(default=0)),
                ("rate_minor", models.PositiveIntegerField()),
                ("score", models.PositiveSmallIntegerField()),
                ("reasons", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="tasks.batch"
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="experts.expert"
                    ),
                ),
            ],
            options={
                "ordering": ("-score", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "OFFERED")), fields=["expires_at"], name="offer_by_expiry"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("OFFERED", "ACCEPTED"))),
                        fields=("expert", "batch", "kind"),
                        name="one_standing_offer_per_seat",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["OFFERED", "ACCEPTED", "DECLINED", "EXPIRED", "EXHAUSTED", "RELEASED", "WITHDRAWN"],
                            )
                        ),
                        name="offer_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("OFFERED", "EXPIRED")), ("answered_at__isnull", False), _connector="OR"
                        ),
                        name="offer_taken_was_answered",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["lab", "mode", "-created_at", "-id"], name="project_of_lab"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["DRAFT", "LIVE", "PAUSED", "CLOSED"])), name="project_state_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["live", "test"])), name="project_mode_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier_max__lte", 5), ("tier_min__gte", 1), ("tier_min__lte", models.F("tier_max"))),
                name="project_tiers_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("overlap_min__gte", 1), ("overlap_min__lte", models.F("overlap_max"))),
                name="project_overlap_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("cap_seconds__gt", 0), ("review_cap_seconds__gt", 0)),
                name="project_caps_are_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mode", "live"), models.Q(("currency", "XTS"), _negated=True)),
                    models.Q(("currency", "XTS"), ("mode", "test")),
                    _connector="OR",
                ),
                name="project_play_money_in_test_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "DRAFT"), ("launched_at__isnull", False), _connector="OR"),
                name="project_live_was_launched",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "CLOSED"), _negated=True), ("closed_at__isnull", False), _connector="OR"
                ),
                name="project_closed_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="guidelineversion",
            constraint=models.UniqueConstraint(fields=("project", "number"), name="one_guideline_per_number"),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(fields=["lab", "mode", "-created_at", "-id"], name="export_of_lab"),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["live", "test"])), name="export_mode_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["QUEUED", "RUNNING", "READY", "FAILED", "EXPIRED"])),
                name="export_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "READY"), _negated=True),
                    models.Q(("ready_at__isnull", False), ("rows__isnull", False), ("size_bytes__isnull", False)),
                    _connector="OR",
                ),
                name="export_ready_has_its_file",
            ),
        ),
        migrations.AddConstraint(
            model_name="eligibility",
            constraint=models.UniqueConstraint(fields=("expert", "project"), name="one_eligibility_per_pair"),
        ),
        migrations.AddConstraint(
            model_name="eligibility",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("can_review", False), ("is_eligible", False)),
                    models.Q(
                        ("card_version__isnull", False),
                        ("fee_bps__isnull", False),
                        ("rate_minor__isnull", False),
                        ("tier__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="eligibility_knows_its_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["DRAFT", "STAGED", "RUNNING", "PAUSED", "DRAINING", "COMPLETED", "CANCELLED"])
                ),
                name="batch_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("DRAFT", "STAGED", "CANCELLED")), ("launched_at__isnull", False), _connector="OR"
                ),
                name="batch_running_was_launched",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "COMPLETED"), _negated=True), ("completed_at__isnull", False), _connector="OR"
                ),
                name="batch_completed_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "CANCELLED"), _negated=True), ("cancelled_at__isnull", False), _connector="OR"
                ),
                name="batch_cancelled_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("settled_at__isnull", True), ("state__in", ("COMPLETED", "CANCELLED")), _connector="OR"
                ),
                name="batch_settled_is_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("expert", "="), ("during", "&&")], name="one_place_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("during__isempty", False), ("during__lower_inf", False), ("during__upper_inf", False)
                ),
                name="segment_has_two_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["work", "research", "reading"])), name="segment_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(fields=("claim", "version"), name="one_submission_per_version"),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(fields=("claim", "fence"), name="one_submission_per_fence"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["ACCEPT", "FIX", "RETURN", "REJECT"])),
                name="review_decision_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "REJECT"), _negated=True),
                    models.Q(models.Q(("category", ""), _negated=True), ("notes__isnull", False)),
                    _connector="OR",
                ),
                name="review_reject_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "FIX"), _negated=True), ("fixed_response__isnull", False), _connector="OR"
                ),
                name="review_fix_has_the_fix",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "RETURN"), _negated=True), ("notes__isnull", False), _connector="OR"
                ),
                name="review_return_has_notes",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(fields=("batch", "external_id"), name="one_task_per_external_id"),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(condition=models.Q(("overlap__gte", 1)), name="task_wants_an_answer"),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                models.F("batch"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("id"),
                condition=models.Q(("kind", "work"), ("state", "OPEN")),
                name="slot_open_work",
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                models.F("project"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("id"),
                condition=models.Q(("kind", "review"), ("state", "OPEN")),
                name="slot_open_review",
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(fields=["batch", "kind", "state"], name="slot_progress"),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "work")), fields=("task", "number"), name="one_slot_per_answer_wanted"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "review")),
                fields=("subject_claim", "layer", "round"),
                name="one_slot_per_review_wanted",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["OPEN", "CLAIMED", "SUBMITTED", "ACCEPTED", "VOID"])),
                name="slot_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "work"),
                        ("layer", 0),
                        ("number__gte", 1),
                        ("round", 0),
                        ("subject_claim__isnull", True),
                    ),
                    models.Q(
                        ("kind", "review"), ("layer__gte", 1), ("round__gte", 1), ("subject_claim__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="slot_review_has_its_subject",
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(condition=models.Q(("state", "WORKING")), fields=["lease_until"], name="claim_by_lease"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("state__in", ("SUBMITTED", "RETURNED"))),
                fields=["decision_due_at"],
                name="claim_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["expert", "-claimed_at"], name="claim_of_expert"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["batch", "state"], name="claim_of_batch"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("kind", "review")), fields=["subject_claim"], name="claim_reviews_of_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "WORKING")), fields=("expert",), name="one_live_claim_per_expert"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "work")), fields=("task", "expert"), name="one_claim_per_task_and_expert"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("WORKING", "SUBMITTED", "RETURNED", "ACCEPTED"))),
                fields=("slot",),
                name="one_holding_claim_per_slot",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "WORKING",
                            "SUBMITTED",
                            "RETURNED",
                            "ACCEPTED",
                            "REJECTED",
                            "RELEASED",
                            "EXPIRED",
                            "CLOSED_OUT",
                        ],
                    )
                ),
                name="claim_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "work"), ("subject_claim__isnull", True)),
                    models.Q(("kind", "review"), ("subject_claim__isnull", False)),
                    _connector="OR",
                ),
                name="claim_review_has_its_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("SUBMITTED", "RETURNED", "ACCEPTED", "REJECTED")), _negated=True),
                    ("submitted_at__isnull", False),
                    _connector="OR",
                ),
                name="claim_handed_in_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state__in", ("ACCEPTED", "REJECTED", "RELEASED", "EXPIRED", "CLOSED_OUT")), _negated=True
                    ),
                    models.Q(
                        ("approved_seconds__isnull", False),
                        ("billable_seconds__isnull", False),
                        ("decided_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="claim_decided_has_its_time_and_seconds",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "SUBMITTED"), _negated=True), ("decision_due_at__isnull", False), _connector="OR"
                ),
                name="claim_submitted_has_a_due_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("returns__lte", 2)), name="claim_returned_twice_at_most"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("running_since__isnull", True), ("running_until__isnull", True)),
                    ("running_until__gte", models.F("running_since")),
                    _connector="OR",
                ),
                name="claim_meter_runs_forward",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_seconds__isnull", True),
                    ("approved_seconds__lte", models.F("billable_seconds")),
                    _connector="OR",
                ),
                name="claim_approved_within_billable",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("billable_seconds__isnull", True),
                    ("billable_seconds__lte", models.F("cap_seconds")),
                    _connector="OR",
                ),
                name="claim_billable_within_cap",
            ),
        ),
    ]
