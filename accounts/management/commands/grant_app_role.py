"""Give the application's database role its rights: all it needs, and no change of what is append-only."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from psycopg import sql


class Command(BaseCommand):
    """Grant, as the owner, after each migrate."""

    help = "Grant the app role its rights on all tables; take UPDATE, DELETE and TRUNCATE on append-only ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """Read the role's name."""
        parser.add_argument("--role", default="guildhall_app")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        """Grant in one transaction."""
        app = sql.Identifier(role)
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
                "REVOKE ALL ON django_migrations FROM {}",
                "GRANT SELECT ON django_migrations TO {}",
            ):
                cursor.execute(sql.SQL(statement).format(app))
            guarded = self._append_only(cursor)
            for table in guarded:
                cursor.execute(sql.SQL("REVOKE UPDATE, DELETE ON {} FROM {}").format(sql.Identifier(table), app))
            clock = "REVOKE INSERT, DELETE ON app_clock FROM {}"
            if settings.GUILDHALL_MODE == "production":
                clock = "REVOKE INSERT, UPDATE, DELETE ON app_clock FROM {}"
            cursor.execute(sql.SQL(clock).format(app))
        self.stdout.write(f"{role} may read and write; append-only: {', '.join(guarded)}")

    def _append_only(self, cursor: Any) -> list[str]:
        """Find the tables whose triggers refuse every UPDATE and DELETE."""
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND t.tgname LIKE '%%_append_only' ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]
