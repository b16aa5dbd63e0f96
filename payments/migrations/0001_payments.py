"""Store money: the ledger, the rate card, fundings, holds, pay lines, payees, runs and Stripe's events."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("experts", "0002_vetting_guards"),
        ("labs", "0001_labs_members_keys_and_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Exclusion constraints mix equality and ranges; other apps use the extension too, so it stays.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("asset", "Asset"),
                            ("liability", "Liability"),
                            ("equity", "Equity"),
                            ("revenue", "Revenue"),
                            ("expense", "Expense"),
                        ],
                        max_length=10,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("floor", models.BigIntegerField(null=True)),
                ("balance", models.BigIntegerField(default=0, editable=False)),
                ("version", models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                "ordering": ("code", "currency"),
                "constraints": [
                    models.UniqueConstraint(fields=("code", "currency"), name="account_once_per_currency"),
                    models.UniqueConstraint(fields=("id", "currency"), name="account_id_with_currency"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["asset", "liability", "equity", "revenue", "expense"])),
                        name="account_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency", django.db.models.functions.text.Upper("currency"))),
                        name="account_currency_is_upper",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor__isnull", True),
                            models.Q(("balance__gte", models.F("floor")), ("kind__in", ["asset", "expense"])),
                            models.Q(
                                models.Q(("kind__in", ["asset", "expense"]), _negated=True),
                                (
                                    "balance__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("floor"), "*", models.Value(-1)
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="account_not_below_floor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("created_at", models.DateTimeField()),
                (
                    "lab",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="stripe_customer", to="labs.lab"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200, unique=True)),
                ("kind", models.CharField(max_length=40)),
                ("payload_sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.expressions.RawSQL("clock_timestamp()", ()), editable=False
                    ),
                ),
                (
                    "xid",
                    models.BigIntegerField(
                        db_default=django.db.models.expressions.RawSQL("(pg_current_xact_id()::text::bigint)", ()),
                        editable=False,
                    ),
                ),
                ("memo", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="payments.entry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
            },
        ),
        migrations.CreateModel(
            name="Payee",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                (
                    "rail",
                    models.CharField(
                        choices=[("stripe", "Stripe"), ("manual", "Manual")], default="stripe", max_length=10
                    ),
                ),
                ("stripe_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "needs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("ready_at", models.DateTimeField(null=True)),
                ("bank_changed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "expert",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payee", to="experts.expert"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutItem",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("destination", models.CharField(max_length=255)),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("line_count", models.PositiveIntegerField()),
                ("seconds", models.PositiveBigIntegerField()),
                ("usual_minor", models.BigIntegerField(null=True)),
                (
                    "anomalies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                ("stripe_key", models.CharField(blank=True, default="", max_length=255)),
                ("stripe_id", models.CharField(blank=True, default="", max_length=255)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("first_sent_at", models.DateTimeField(null=True)),
                ("last_sent_at", models.DateTimeField(null=True)),
                ("absent_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("problem_code", models.CharField(blank=True, default="", max_length=100)),
                ("problem", models.CharField(blank=True, default="", max_length=500)),
                ("paid_at", models.DateTimeField(null=True)),
                ("reversed_minor", models.BigIntegerField(default=0)),
                (
                    "bank_state",
                    models.CharField(
                        choices=[
                            ("NONE", "None"),
                            ("IN_TRANSIT", "In Transit"),
                            ("BANK_PAID", "Bank Paid"),
                            ("BANK_FAILED", "Bank Failed"),
                        ],
                        default="NONE",
                        max_length=12,
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to="experts.expert"
                    ),
                ),
                (
                    "payee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="payments.payee"
                    ),
                ),
            ],
            options={
                "ordering": ("run", "id"),
            },
        ),
        migrations.CreateModel(
            name="PayLine",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("project", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=40, unique=True)),
                ("kind", models.CharField(choices=[("work", "Work"), ("review", "Review")], max_length=10)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("fixed", "Fixed"),
                            ("rejected", "Rejected"),
                            ("released", "Released"),
                            ("expired", "Expired"),
                            ("closed_out", "Closed Out"),
                            ("reviewed", "Reviewed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("seconds", models.PositiveIntegerField()),
                ("rate_minor", models.BigIntegerField()),
                ("tier", models.PositiveSmallIntegerField()),
                ("card_version", models.PositiveIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("week_start", models.DateField()),
                ("decided_at", models.DateTimeField()),
                (
                    "entry",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.entry"
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pay_lines", to="experts.expert"
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"),
                ),
                (
                    "item",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.payoutitem",
                    ),
                ),
            ],
            options={
                "ordering": ("-decided_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="PayoutRun",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("number", models.PositiveIntegerField(unique=True)),
                ("week_start", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("total_minor", models.BigIntegerField(default=0)),
                ("item_count", models.PositiveIntegerField(default=0)),
                ("left_out", models.JSONField(default=list)),
                ("content_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("built_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("sending_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "built_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-number",),
            },
        ),
        migrations.AddField(
            model_name="payoutitem",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="items", to="payments.payoutrun"
            ),
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="payments.account",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="postings", to="payments.entry"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RateCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(unique=True)),
                ("fee_bps", models.PositiveIntegerField()),
                ("valid_from", models.DateField()),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("installed_at", models.DateTimeField()),
                (
                    "installed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-version",),
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tier", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(blank=True, default="", max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("during", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("minor_per_hour", models.BigIntegerField()),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="experts.domain"
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rates", to="payments.ratecard"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunApproval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_sha256", models.CharField(max_length=64)),
                ("approved_at", models.DateTimeField()),
                ("voided_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="payments.payoutrun"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="payments.payoutrun"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("stripe_id", models.CharField(max_length=255)),
                ("endpoint", models.CharField(max_length=10)),
                ("kind", models.CharField(max_length=120)),
                ("object_id", models.CharField(blank=True, default="", max_length=255)),
                ("account", models.CharField(blank=True, default="", max_length=255)),
                ("payload", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "ordering": ("-received_at", "-id"),
                "indexes": [models.Index(fields=["object_id", "received_at"], name="stripe_event_by_object")],
                "constraints": [
                    models.UniqueConstraint(fields=("mode", "stripe_id"), name="stripe_event_once_per_mode"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["RECEIVED", "RETRY", "DONE", "IGNORED", "DEAD"])),
                        name="stripe_event_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="stripe_event_mode_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Funding",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField(default=0)),
                ("payment_method", models.CharField(blank=True, default="", max_length=255)),
                ("stripe_id", models.CharField(blank=True, db_index=True, default="", max_length=255)),
                ("stripe_key", models.CharField(max_length=255, unique=True)),
                ("failure_code", models.CharField(blank=True, default="", max_length=100)),
                ("failure_detail", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField()),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="fundings", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "CREATED",
                                    "PROCESSING",
                                    "AWAITING_TRANSFER",
                                    "PARTIAL",
                                    "SUCCEEDED",
                                    "SETTLED",
                                    "PARTLY_REFUNDED",
                                    "REFUNDED",
                                    "DISPUTED",
                                    "LOST",
                                    "FAILED",
                                    "CANCELLED",
                                ],
                            )
                        ),
                        name="funding_state_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="funding_is_of_something"),
                    models.CheckConstraint(condition=models.Q(("fee_minor__gte", 0)), name="funding_fee_not_negative"),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_id", ""), _negated=True),
                        fields=("stripe_id",),
                        name="funding_once_per_payment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["SUCCEEDED", "SETTLED"]), _negated=True),
                            ("succeeded_at__isnull", False),
                            _connector="OR",
                        ),
                        name="funding_confirmed_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("subject", models.CharField(max_length=40, unique=True)),
                ("project", models.CharField(max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("review_minor", models.BigIntegerField(default=0)),
                ("review_parts_left", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "lab",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="labs.lab"),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="payments.hold"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "OPEN")), fields=["project"], name="hold_open_by_project"
                    ),
                    models.Index(condition=models.Q(("state", "OPEN")), fields=["lab"], name="hold_open_by_lab"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["OPEN", "SETTLED", "RELEASED"])), name="hold_state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount_minor__gte", 0), ("state", "OPEN")), ("amount_minor", 0), _connector="OR"
                        ),
                        name="hold_closed_holds_nothing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("review_minor__gte", 0)), name="hold_review_part_not_negative"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["NONE", "CREATED", "ONBOARDING", "PENDING", "ACTIVE", "RESTRICTED", "CLOSED"])
                ),
                name="payee_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.CheckConstraint(
                condition=models.Q(("rail__in", ["stripe", "manual"])), name="payee_rail_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_id", ""), _negated=True),
                fields=("stripe_id",),
                name="payee_once_per_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ACTIVE"), _negated=True),
                    models.Q(models.Q(("stripe_id", ""), _negated=True), ("ready_at__isnull", False)),
                    ("rail", "manual"),
                    _connector="OR",
                ),
                name="payee_ready_has_account",
            ),
        ),
        migrations.AddIndex(
            model_name="payline",
            index=models.Index(fields=["expert", "-decided_at"], name="payline_by_expert"),
        ),
        migrations.AddIndex(
            model_name="payline",
            index=models.Index(fields=["lab", "project"], name="payline_by_project"),
        ),
        migrations.AddIndex(
            model_name="payline",
            index=models.Index(
                condition=models.Q(("state", "AVAILABLE")), fields=["currency", "decided_at"], name="payline_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["AVAILABLE", "LOCKED", "PAID", "VOID", "CLAWED_BACK"])),
                name="payline_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["work", "review"])), name="payline_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reason__in", ["accepted", "fixed", "rejected", "released", "expired", "closed_out", "reviewed"])
                ),
                name="payline_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(condition=models.Q(("seconds__gt", 0)), name="payline_pays_time"),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gte", 0), ("fee_minor__gte", 0), ("rate_minor__gt", 0)),
                name="payline_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(("week_start__iso_week_day", 1)), name="payline_week_starts_on_monday"
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("item__isnull", True), ("state__in", ["AVAILABLE", "VOID"])),
                    models.Q(("item__isnull", False), ("state__in", ["LOCKED", "PAID", "CLAWED_BACK"])),
                    _connector="OR",
                ),
                name="payline_locked_in_an_item",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "DRAFT",
                            "PENDING_APPROVAL",
                            "APPROVED",
                            "REJECTED",
                            "SENDING",
                            "PAUSED",
                            "PARTIAL",
                            "COMPLETED",
                            "RECONCILED",
                            "CANCELLED",
                        ],
                    )
                ),
                name="run_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("week_start__iso_week_day", 1)), name="run_week_starts_on_monday"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("total_minor__gte", 0)), name="run_total_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "CANCELLED"), _negated=True),
                fields=("week_start", "currency"),
                name="run_once_per_week",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["DRAFT", "CANCELLED"]),
                    models.Q(models.Q(("content_sha256", ""), _negated=True), ("submitted_at__isnull", False)),
                    _connector="OR",
                ),
                name="run_submitted_has_content_hash",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutitem",
            index=models.Index(fields=["run", "state"], name="item_by_run_and_state"),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "QUEUED",
                            "SENDING",
                            "UNKNOWN",
                            "BLOCKED",
                            "PAID",
                            "PART_REVERSED",
                            "REVERSED",
                            "FAILED",
                            "CANCELLED",
                        ],
                    )
                ),
                name="item_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0), ("line_count__gt", 0)), name="item_pays_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.UniqueConstraint(fields=("run", "expert"), name="item_once_per_expert"),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_id", ""), _negated=True),
                fields=("stripe_id",),
                name="item_once_per_transfer",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_key", ""), _negated=True), fields=("stripe_key",), name="item_once_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "PAID"), _negated=True),
                    models.Q(("paid_at__isnull", False), models.Q(("stripe_id", ""), _negated=True)),
                    _connector="OR",
                ),
                name="item_paid_has_transfer",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("bank_state__in", ["NONE", "IN_TRANSIT", "BANK_PAID", "BANK_FAILED"])),
                name="item_bank_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("reversed_minor__gte", 0)), name="item_reversal_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(fields=["account", "id"], include=("amount",), name="posting_by_account"),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="posting_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="ratecard",
            constraint=models.CheckConstraint(
                condition=models.Q(("version__gt", 0)), name="rate_card_version_counts_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="ratecard",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_bps__lte", 10000)), name="rate_card_fee_at_most_whole"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__gte", 1), ("tier__lte", 5)), name="rate_tier_is_1_to_5"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("minor_per_hour__gt", 0)), name="rate_pays_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("domain", "="), ("tier", "="), ("kind", "="), ("currency", "="), ("during", "&&")],
                name="rate_holds_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="runapproval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("voided_at__isnull", True)), fields=("run", "user"), name="approval_once_per_person"
            ),
        ),
    ]
