"""Keep sessions with whose they are, and let an update refuse by itself when its row has moved."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

MUST_BE_ONE = """
CREATE FUNCTION must_be_one(rows bigint, sentence text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rows <> 1 THEN
        RAISE EXCEPTION USING MESSAGE = sentence, ERRCODE = 'GH409';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_simulated_people")]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "session", "abstract": False},
        ),
        migrations.RunSQL(MUST_BE_ONE, "DROP FUNCTION must_be_one(bigint, text);"),
    ]
