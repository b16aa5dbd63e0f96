"""Let the ledger's functions look rows up by their keys, however small the tables were when a session planned them.

A session keeps the plans of its functions; one that began beside an empty journal would read all of it for each entry.
"""

from django.db import migrations

SETTINGS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material")
ARGUMENTS = "text, text, timestamptz, jsonb, text, bigint, text, text[], text[], bigint[], bigint[]"
FUNCTIONS = ("payments_apply_postings()", f"payments_post({ARGUMENTS})")


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_fundings_in_play")]

    operations = [
        migrations.RunSQL(
            [f"ALTER FUNCTION {function} SET {setting} = off" for setting in SETTINGS],
            [f"ALTER FUNCTION {function} RESET {setting}" for setting in SETTINGS],
        )
        for function in FUNCTIONS
    ]
