"""Keep what moved at Stripe and where we differ, let payouts stand still, and hold approvers to what the action asks."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import kernel.ids

# Nothing is approved, begun or sent while the emergency stop is in force or a difference is open.
STANDSTILL = """
CREATE FUNCTION payments_guard_standstill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payments_payoutstop WHERE lifted_at IS NULL)
            OR EXISTS (SELECT 1 FROM payments_difference WHERE resolved_at IS NULL) THEN
        RAISE EXCEPTION 'payouts stand still'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payouts_stand_still';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payoutrun_standstill BEFORE UPDATE ON payments_payoutrun FOR EACH ROW
    WHEN (NEW.state IN ('APPROVED', 'SENDING') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION payments_guard_standstill();
CREATE TRIGGER payments_payoutitem_standstill BEFORE UPDATE ON payments_payoutitem FOR EACH ROW
    WHEN (OLD.state = 'QUEUED' AND NEW.state = 'SENDING')
    EXECUTE FUNCTION payments_guard_standstill();
CREATE TRIGGER payments_runapproval_standstill BEFORE INSERT ON payments_runapproval FOR EACH ROW
    EXECUTE FUNCTION payments_guard_standstill();
"""
NO_STANDSTILL = """
DROP TRIGGER payments_runapproval_standstill ON payments_runapproval;
DROP TRIGGER payments_payoutitem_standstill ON payments_payoutitem;
DROP TRIGGER payments_payoutrun_standstill ON payments_payoutrun;
DROP FUNCTION payments_guard_standstill();
"""

# What was found and who stopped payouts stays as it was: it is closed once, and never deleted.
KEPT = """
CREATE FUNCTION payments_guard_difference() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.resolved_at IS NOT NULL
            OR (NEW.id, NEW.kind, NEW.key, NEW.movement_id, NEW.run_id, NEW.found_at)
                IS DISTINCT FROM (OLD.id, OLD.kind, OLD.key, OLD.movement_id, OLD.run_id, OLD.found_at) THEN
        RAISE EXCEPTION 'a difference is resolved once, never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_difference_guard BEFORE UPDATE OR DELETE ON payments_difference
    FOR EACH ROW EXECUTE FUNCTION payments_guard_difference();

CREATE FUNCTION payments_guard_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
            OR (NEW.id, NEW.reason, NEW.started_by_id, NEW.started_at)
                IS DISTINCT FROM (OLD.id, OLD.reason, OLD.started_by_id, OLD.started_at) THEN
        RAISE EXCEPTION 'a stop is lifted once, never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payoutstop_guard BEFORE UPDATE OR DELETE ON payments_payoutstop
    FOR EACH ROW EXECUTE FUNCTION payments_guard_stop();

CREATE FUNCTION payments_guard_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.id, NEW.stripe_id, NEW.source, NEW.currency, NEW.amount_minor, NEW.fee_minor)
            IS DISTINCT FROM (OLD.id, OLD.stripe_id, OLD.source, OLD.currency, OLD.amount_minor, OLD.fee_minor) THEN
        RAISE EXCEPTION 'what moved at Stripe never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_movement_guard BEFORE UPDATE OR DELETE ON payments_movement
    FOR EACH ROW EXECUTE FUNCTION payments_guard_movement();
"""
NOT_KEPT = """
DROP TRIGGER payments_movement_guard ON payments_movement;
DROP FUNCTION payments_guard_movement();
DROP TRIGGER payments_payoutstop_guard ON payments_payoutstop;
DROP FUNCTION payments_guard_stop();
DROP TRIGGER payments_difference_guard ON payments_difference;
DROP FUNCTION payments_guard_difference();
"""

# Beside who built, changed or receives (0003): an approver is of finance, and changed none of what the pay rests on.
APPROVERS = """
CREATE FUNCTION payments_guard_approver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM accounts_user WHERE id = NEW.user_id AND is_active
                   AND 'finance' = ANY (operator_roles)) THEN
        RAISE EXCEPTION 'only people of finance approve payouts'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_approved_by_finance';
    END IF;
    IF EXISTS (SELECT 1 FROM payments_payline l JOIN payments_payoutitem i ON i.id = l.item_id
               JOIN payments_ratecard c ON c.version = l.card_version
               WHERE i.run_id = NEW.run_id AND c.installed_by_id = NEW.user_id
               AND c.installed_at > NEW.approved_at - interval '72 hours')
        OR EXISTS (SELECT 1 FROM payments_payoutitem i JOIN experts_tiergrant g ON g.expert_id = i.expert_id
               WHERE i.run_id = NEW.run_id AND i.state <> 'CANCELLED' AND (
                   (g.granted_by_id = NEW.user_id AND g.granted_at > NEW.approved_at - interval '72 hours')
                   OR (g.second_by_id = NEW.user_id AND g.second_at > NEW.approved_at - interval '72 hours'))) THEN
        RAISE EXCEPTION 'nobody approves what rests on a rate or tier of theirs'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_not_on_ones_own_inputs';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_runapproval_inputs BEFORE INSERT ON payments_runapproval
    FOR EACH ROW EXECUTE FUNCTION payments_guard_approver();

CREATE FUNCTION payments_guard_approved_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE given int;
BEGIN
    SELECT count(DISTINCT a.user_id) INTO given FROM payments_runapproval a JOIN accounts_user u ON u.id = a.user_id
        WHERE a.run_id = NEW.id AND a.voided_at IS NULL AND a.content_sha256 = NEW.content_sha256
        AND a.user_id <> NEW.built_by_id AND u.is_active AND 'finance' = ANY (u.operator_roles);
    IF given < payments_needed_approvals(NEW.total_minor) THEN
        RAISE EXCEPTION 'an approver of this run no longer holds the role'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_is_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payoutrun_roles BEFORE UPDATE ON payments_payoutrun FOR EACH ROW
    WHEN ((NEW.state = 'APPROVED' AND OLD.state <> 'APPROVED') OR (NEW.state = 'SENDING' AND OLD.state = 'APPROVED'))
    EXECUTE FUNCTION payments_guard_approved_run();
"""
NO_APPROVERS = """
DROP TRIGGER payments_payoutrun_roles ON payments_payoutrun;
DROP FUNCTION payments_guard_approved_run();
DROP TRIGGER payments_runapproval_inputs ON payments_runapproval;
DROP FUNCTION payments_guard_approver();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0008_number_documents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Movement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("kind", models.CharField(max_length=60)),
                ("source", models.CharField(blank=True, default="", max_length=255)),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField()),
                ("net_minor", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_index=True)),
                ("seen_at", models.DateTimeField()),
                (
                    "entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movement",
                        to="payments.entry",
                    ),
                ),
                (
                    "fee_entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_movement",
                        to="payments.entry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("balance", "Balance"),
                            ("movement", "Movement"),
                            ("entry", "Entry"),
                            ("transfer", "Transfer"),
                            ("cover", "Cover"),
                            ("ledger", "Ledger"),
                        ],
                        max_length=10,
                    ),
                ),
                ("key", models.CharField(max_length=200)),
                ("what", models.CharField(max_length=500)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("ours_minor", models.BigIntegerField(default=0)),
                ("theirs_minor", models.BigIntegerField(default=0)),
                ("found_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.payoutrun",
                    ),
                ),
                (
                    "movement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.movement",
                    ),
                ),
            ],
            options={
                "ordering": ("-found_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="PayoutStop",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=500)),
                ("started_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lift_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-started_at",),
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                ("movements", models.PositiveIntegerField()),
                ("lines", models.JSONField(default=list)),
                ("found", models.PositiveIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-at", "-id"),
            },
        ),
        migrations.AddIndex(
            model_name="movement",
            index=models.Index(condition=models.Q(("entry__isnull", True)), fields=["id"], name="movement_unexplained"),
        ),
        migrations.AddConstraint(
            model_name="movement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "net_minor",
                        django.db.models.expressions.CombinedExpression(
                            models.F("amount_minor"), "-", models.F("fee_minor")
                        ),
                    )
                ),
                name="movement_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="movement",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_entry__isnull", True), ("entry__isnull", False), _connector="OR"),
                name="movement_fee_beside_its_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["balance", "movement", "entry", "transfer", "cover", "ledger"])),
                name="difference_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)), fields=("key",), name="difference_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), ("resolved_at__isnull", True), ("resolved_by__isnull", True)),
                    models.Q(("resolved_at__isnull", False), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="difference_resolved_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutstop",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="stop_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutstop",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lift_reason", ""), ("lifted_at__isnull", True), ("lifted_by__isnull", True)),
                    models.Q(
                        ("lifted_at__isnull", False),
                        ("lifted_by__isnull", False),
                        models.Q(("lift_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="stop_lifted_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutstop",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lifted_by__isnull", True),
                    models.Q(("lifted_by", models.F("started_by")), _negated=True),
                    _connector="OR",
                ),
                name="stop_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutstop",
            constraint=models.UniqueConstraint(
                models.ExpressionWrapper(models.Q(("lifted_at__isnull", True)), output_field=models.BooleanField()),
                condition=models.Q(("lifted_at__isnull", True)),
                name="stop_one_in_force",
            ),
        ),
        migrations.RunSQL(STANDSTILL, NO_STANDSTILL),
        migrations.RunSQL(KEPT, NOT_KEPT),
        migrations.RunSQL(APPROVERS, NO_APPROVERS),
    ]
