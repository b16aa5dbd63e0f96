"""Correct the books by two people: the database lets no correction be posted without a second one, or change."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.ids

# What was asked for never changes, and what was decided stays decided.
KEPT = """
CREATE FUNCTION payments_guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('app.allow_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.state = 'REQUESTED' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'REQUESTED' AND
        (NEW.id, NEW.debit, NEW.credit, NEW.currency, NEW.amount_minor, NEW.reason, NEW.requested_by_id, NEW.requested_at)
        IS NOT DISTINCT FROM
        (OLD.id, OLD.debit, OLD.credit, OLD.currency, OLD.amount_minor, OLD.reason, OLD.requested_by_id, OLD.requested_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a correction is asked for, then decided once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payments_correction_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_correction
    FOR EACH ROW EXECUTE FUNCTION payments_guard_correction();
CREATE TRIGGER payments_correction_keep BEFORE TRUNCATE ON payments_correction
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_correction();
"""
NOT_KEPT = """
DROP TRIGGER payments_correction_keep ON payments_correction;
DROP TRIGGER payments_correction_guard ON payments_correction;
DROP FUNCTION payments_guard_correction();
"""

# At commit an entry that corrects is one that was asked for by one person and posted by another, to the cent.
BY_TWO = """
CREATE FUNCTION payments_check_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM payments_correction c
        JOIN payments_posting d ON d.entry_id = NEW.id AND d.amount = c.amount_minor AND d.currency = c.currency
        JOIN payments_account da ON da.id = d.account_id AND da.code = c.debit
        JOIN payments_posting k ON k.entry_id = NEW.id AND k.amount = -c.amount_minor
        JOIN payments_account ka ON ka.id = k.account_id AND ka.code = c.credit
        WHERE c.entry_id = NEW.id AND c.state = 'POSTED' AND c.decided_by_id <> c.requested_by_id
            AND (SELECT count(*) FROM payments_posting WHERE entry_id = NEW.id) = 2)
    THEN
        RAISE EXCEPTION 'a correction is posted by another person than asked for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_is_by_two';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_entry_corrected_by_two AFTER INSERT ON payments_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'correction')
    EXECUTE FUNCTION payments_check_correction();
"""
NOT_BY_TWO = """
DROP TRIGGER payments_entry_corrected_by_two ON payments_entry;
DROP FUNCTION payments_check_correction();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0015_lock_journal_batches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=20)),
                ("state_changed_at", models.DateTimeField()),
                ("debit", models.CharField(max_length=80)),
                ("credit", models.CharField(max_length=80)),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("requested_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="correction",
                        to="payments.entry",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-requested_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["REQUESTED", "POSTED", "REJECTED", "WITHDRAWN"])),
                        name="correction_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="correction_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("debit", models.F("credit")), _negated=True),
                        name="correction_is_between_two_accounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency", "XTS"), _negated=True), name="correction_is_of_real_money"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "POSTED"), _negated=True),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("entry__isnull", False),
                                models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="correction_posted_by_another_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("state", "REQUESTED")),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="correction_decided_has_who_and_when",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEPT, NOT_KEPT),
        migrations.RunSQL(BY_TWO, NOT_BY_TWO),
    ]
