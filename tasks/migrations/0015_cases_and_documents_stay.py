"""Keep cases and numbered documents for good in the world that they were made in."""

from django.db import migrations

STAYS = """
CREATE TRIGGER {table}_stays BEFORE UPDATE OF mode ON {table} FOR EACH ROW
    WHEN (OLD.mode IS DISTINCT FROM NEW.mode) EXECUTE FUNCTION keep_world();
"""
TABLES = ("experts_case", "payments_document", "payments_documentseries")


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0003_cases"),
        ("payments", "0008_number_documents"),
        ("tasks", "0014_guideline_changed"),
    ]

    operations = [
        migrations.RunSQL(STAYS.format(table=table), f"DROP TRIGGER {table}_stays ON {table};") for table in TABLES
    ]
