"""Keep the two worlds apart, live and test, whatever any code means to do; and store how test batches are simulated.

Each trigger refuses one way in which a row of one world could meet a row of the other. They stand together here, on
tables of several apps, so that what keeps them apart is read on one page.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

KEEP_WORLD = """
CREATE FUNCTION keep_world() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row never changes worlds: %', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'worlds_apart';
END $$;
"""
STAYS = """
CREATE TRIGGER {table}_stays BEFORE UPDATE OF {column} ON {table} FOR EACH ROW
    WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION keep_world();
"""
STAYING = (
    ("accounts_user", "is_simulated"),
    ("experts_expert", "mode"),
    ("labs_apikey", "mode"),
    ("labs_idempotencyrecord", "mode"),
    ("labs_event", "mode"),
    ("labs_webhookendpoint", "mode"),
    ("agreements_agreement", "mode"),
    ("tasks_project", "mode"),
    ("tasks_export", "mode"),
)

APART = """
CREATE FUNCTION {table}_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS ({same}) THEN
        RAISE EXCEPTION '{sentence}' USING ERRCODE = 'check_violation', CONSTRAINT = 'worlds_apart';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER {table}_apart BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_apart();
"""
TOGETHER = "DROP TRIGGER {table}_apart ON {table}; DROP FUNCTION {table}_apart();"

# Table, when, what must be there for a row to be one of a single world, and what is said otherwise.
RULES = (
    (
        "experts_expert",
        "INSERT OR UPDATE OF user_id",
        "SELECT FROM accounts_user u WHERE u.id = NEW.user_id AND u.is_simulated = (NEW.mode = 'test')",
        "a test expert is simulated, and a live one is a person",
    ),
    (
        "experts_application",
        "INSERT",
        "SELECT FROM experts_expert x WHERE x.id = NEW.expert_id AND x.mode = 'live'",
        "simulated experts never apply",
    ),
    (
        "labs_member",
        "INSERT OR UPDATE OF user_id",
        "SELECT FROM accounts_user u WHERE u.id = NEW.user_id AND NOT u.is_simulated",
        "nobody simulated acts for a lab",
    ),
    (
        "labs_webhookdelivery",
        "INSERT",
        "SELECT FROM labs_event e JOIN labs_webhookendpoint w ON w.mode = e.mode AND w.lab_id = e.lab_id"
        " WHERE e.id = NEW.event_id AND w.id = NEW.endpoint_id",
        "an endpoint is told of its own lab and world",
    ),
    (
        "agreements_signature",
        "INSERT",
        "SELECT FROM agreements_agreement a JOIN accounts_user u ON u.is_simulated = (a.mode = 'test')"
        " WHERE a.id = NEW.agreement_id AND u.id = NEW.user_id",
        "test agreements are signed by simulated experts, and by nobody else",
    ),
    (
        "payments_payline",
        "INSERT",
        "SELECT FROM experts_expert x WHERE x.id = NEW.expert_id AND (x.mode = 'test') = (NEW.currency = 'XTS')",
        "simulated experts earn play money, and nobody else does",
    ),
    (
        "payments_payee",
        "INSERT OR UPDATE OF expert_id",
        "SELECT FROM experts_expert x WHERE x.id = NEW.expert_id AND x.mode = 'live'",
        "nobody simulated is paid out",
    ),
    (
        "payments_hold",
        "INSERT",
        "SELECT WHERE NOT EXISTS (SELECT FROM tasks_claim c WHERE c.hold_id = NEW.id AND c.currency <> NEW.currency)",
        "a claim is held for in its own currency",
    ),
    (
        "tasks_project",
        "INSERT OR UPDATE OF agreement_id, lab_id",
        "SELECT FROM agreements_agreement a WHERE a.id = NEW.agreement_id AND a.mode = NEW.mode"
        " AND a.lab_id = NEW.lab_id",
        "a project has an agreement of its own lab and world",
    ),
    (
        "tasks_eligibility",
        "INSERT OR UPDATE OF expert_id, project_id",
        "SELECT FROM tasks_project p JOIN experts_expert x ON x.mode = p.mode"
        " WHERE p.id = NEW.project_id AND x.id = NEW.expert_id",
        "experts are judged against projects of their own world",
    ),
    (
        "tasks_offer",
        "INSERT",
        "SELECT FROM tasks_batch b JOIN tasks_project p ON p.id = b.project_id JOIN experts_expert x ON x.mode = p.mode"
        " WHERE b.id = NEW.batch_id AND x.id = NEW.expert_id",
        "seats are offered to experts of the batch''s own world",
    ),
    (
        "tasks_claim",
        "INSERT OR UPDATE OF hold_id, project_id",
        "SELECT FROM tasks_project p JOIN experts_expert x ON x.mode = p.mode"
        " WHERE p.id = NEW.project_id AND x.id = NEW.expert_id AND p.currency = NEW.currency"
        " AND NOT EXISTS (SELECT FROM payments_hold h WHERE h.id = NEW.hold_id AND h.currency <> p.currency)",
        "a claim, its expert, its project and its money are of one world",
    ),
    (
        "tasks_export",
        "INSERT",
        "SELECT FROM tasks_project p WHERE p.id = NEW.project_id AND p.mode = NEW.mode",
        "an export is of its project''s world",
    ),
    (
        "tasks_simulation",
        "INSERT",
        "SELECT FROM tasks_batch b JOIN tasks_project p ON p.id = b.project_id WHERE b.id = NEW.batch_id"
        " AND p.mode = 'test'",
        "only test batches are simulated",
    ),
    (
        "tasks_simulatedcalendar",
        "INSERT",
        "SELECT FROM experts_expert x WHERE x.id = NEW.expert_id AND x.mode = 'test'",
        "only simulated experts have a calendar of their own",
    ),
)


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0004_take_slot"),
        ("accounts", "0003_simulated_people"),
        ("experts", "0002_vetting_guards"),
        ("agreements", "0002_agreement_guards"),
        ("labs", "0003_key_networks"),
        ("payments", "0004_play_money_apart"),
    ]

    operations = [
        migrations.CreateModel(
            name="Simulation",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="simulation",
                        serialize=False,
                        to="tasks.batch",
                    ),
                ),
                ("seed", models.BigIntegerField()),
                ("accept_bps", models.PositiveIntegerField(default=8_000)),
                ("return_bps", models.PositiveIntegerField(default=800)),
                ("reject_bps", models.PositiveIntegerField(default=400)),
                ("disagree_bps", models.PositiveIntegerField(default=2_000)),
                ("gold_fail_bps", models.PositiveIntegerField(default=1_000)),
                ("accept_after_seconds", models.PositiveIntegerField(default=0)),
                ("turn_until", models.DateTimeField(blank=True, null=True)),
                ("turn_holder", models.CharField(blank=True, default="", max_length=32)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(seed__gte=0), name="simulation_seed_not_negative"),
                    models.CheckConstraint(
                        condition=Q(accept_bps__lte=10_000 - F("return_bps") - F("reject_bps")),
                        name="simulation_decisions_are_one_whole",
                    ),
                    models.CheckConstraint(
                        condition=Q(disagree_bps__lte=10_000, gold_fail_bps__lte=10_000), name="simulation_shares_fit"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SimulatedCalendar",
            fields=[
                (
                    "expert",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="experts.expert",
                    ),
                ),
                ("reached", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(KEEP_WORLD, "DROP FUNCTION keep_world();"),
        *[
            migrations.RunSQL(STAYS.format(table=table, column=column), f"DROP TRIGGER {table}_stays ON {table};")
            for table, column in STAYING
        ],
        *[
            migrations.RunSQL(
                APART.format(table=table, when=when, same=same, sentence=sentence), TOGETHER.format(table=table)
            )
            for table, when, same, sentence in RULES
        ],
    ]
