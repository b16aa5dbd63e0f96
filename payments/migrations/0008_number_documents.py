"""Issue papers under numbers without gaps: the database counts, and keeps what was issued as it went out."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids

# A document takes the number that its series gave last, and its hash is that of its bytes.
NUMBERED = """
CREATE FUNCTION payments_guard_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number IS DISTINCT FROM
            (SELECT last_number FROM payments_documentseries WHERE mode = NEW.mode AND kind = NEW.kind) THEN
        RAISE EXCEPTION 'a document takes the number that its series gave last'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_takes_the_next_number';
    END IF;
    IF NEW.sha256 <> encode(sha256(NEW.pdf), 'hex') OR length(NEW.pdf) = 0 THEN
        RAISE EXCEPTION 'the hash of a document is that of its bytes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_hash_is_of_its_bytes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_document_numbered BEFORE INSERT ON payments_document
    FOR EACH ROW EXECUTE FUNCTION payments_guard_document();
CREATE TRIGGER payments_document_append_only BEFORE UPDATE OR DELETE ON payments_document
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER payments_document_keep BEFORE TRUNCATE ON payments_document
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NOT_NUMBERED = """
DROP TRIGGER payments_document_keep ON payments_document;
DROP TRIGGER payments_document_append_only ON payments_document;
DROP TRIGGER payments_document_numbered ON payments_document;
DROP FUNCTION payments_guard_document();
"""

# A series begins at nothing and grows by one, which the application may do; at commit the number that it gave is on a document.
GAPLESS = """
CREATE FUNCTION payments_guard_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.last_number = 0 THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'TRUNCATE' AND current_setting('app.allow_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.mode, NEW.kind, NEW.last_number) IS NOT DISTINCT FROM (OLD.mode, OLD.kind, OLD.last_number + 1) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a series counts from one, one by one' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payments_series_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_documentseries
    FOR EACH ROW EXECUTE FUNCTION payments_guard_series();
CREATE TRIGGER payments_series_keep BEFORE TRUNCATE ON payments_documentseries
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_series();
CREATE FUNCTION payments_check_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM payments_document
                   WHERE mode = NEW.mode AND kind = NEW.kind AND number = NEW.last_number) THEN
        RAISE EXCEPTION 'number % of % is on no document', NEW.last_number, NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_series_has_no_gap';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_series_without_gap AFTER UPDATE ON payments_documentseries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_check_series();
"""
NOT_GAPLESS = """
DROP TRIGGER payments_series_without_gap ON payments_documentseries;
DROP FUNCTION payments_check_series();
DROP TRIGGER payments_series_keep ON payments_documentseries;
DROP TRIGGER payments_series_guard ON payments_documentseries;
DROP FUNCTION payments_guard_series();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0002_vetting_guards"),
        ("labs", "0004_invitations"),
        ("payments", "0007_post_by_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="DocumentSeries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deposit_invoice", "Deposit invoice"),
                            ("receipt", "Receipt"),
                            ("lab_statement", "Statement"),
                            ("expert_statement", "Statement of earnings"),
                            ("expert_year", "Summary of the year"),
                        ],
                        max_length=20,
                    ),
                ),
                ("last_number", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "document series",
                "constraints": [
                    models.UniqueConstraint(fields=("mode", "kind"), name="document_series_once"),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="document_series_mode_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["deposit_invoice", "receipt", "lab_statement", "expert_statement", "expert_year"],
                            )
                        ),
                        name="document_series_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("mode", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deposit_invoice", "Deposit invoice"),
                            ("receipt", "Receipt"),
                            ("lab_statement", "Statement"),
                            ("expert_statement", "Statement of earnings"),
                            ("expert_year", "Summary of the year"),
                        ],
                        max_length=20,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("start", models.DateField(null=True)),
                ("end", models.DateField(null=True)),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("figures", models.JSONField()),
                ("pdf", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("issued_at", models.DateTimeField()),
                (
                    "expert",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="experts.expert",
                    ),
                ),
                (
                    "funding",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="payments.funding",
                    ),
                ),
                (
                    "lab",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="labs.lab"
                    ),
                ),
            ],
            options={
                "ordering": ("-issued_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(fields=("mode", "kind", "number"), name="document_numbered_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("funding__isnull", False)),
                        fields=("kind", "funding"),
                        name="document_once_per_payment",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("lab__isnull", False), ("start__isnull", False)),
                        fields=("kind", "lab", "start", "currency"),
                        name="document_once_per_lab_and_period",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("expert__isnull", False), ("start__isnull", False)),
                        fields=("kind", "expert", "start", "currency"),
                        name="document_once_per_expert_and_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="document_mode_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("number__gt", 0)), name="document_numbers_begin_at_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("expert__isnull", True),
                                ("kind__in", ("deposit_invoice", "receipt", "lab_statement")),
                                ("lab__isnull", False),
                            ),
                            models.Q(
                                ("expert__isnull", False),
                                ("kind__in", ["expert_statement", "expert_year"]),
                                ("lab__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="document_is_for_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("end__isnull", True),
                                ("funding__isnull", False),
                                ("kind__in", ("deposit_invoice", "receipt")),
                                ("start__isnull", True),
                            ),
                            models.Q(
                                models.Q(("kind__in", ("deposit_invoice", "receipt")), _negated=True),
                                ("end__gt", models.F("start")),
                                ("funding__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="document_of_a_payment_or_a_period",
                    ),
                ],
            },
        ),
        migrations.RunSQL(NUMBERED, NOT_NUMBERED),
        migrations.RunSQL(GAPLESS, NOT_GAPLESS),
    ]
