"""Make the one clock, the guard of append-only tables, and the trigger that keeps a user's roles in step."""

from django.db import migrations

CLOCK = """
CREATE TABLE app_clock (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    shift interval NOT NULL DEFAULT '0'
);
INSERT INTO app_clock DEFAULT VALUES;
-- STABLE, though the time passes: one statement sees one time, and an index may serve "due at or before now".
CREATE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    'SELECT clock_timestamp() + (SELECT shift FROM app_clock)';
"""
NO_CLOCK = "DROP FUNCTION app_now(); DROP TABLE app_clock;"

# Tests empty their tables by TRUNCATE; their connections, and no others, say so by a setting.
APPEND_ONLY = """
CREATE FUNCTION guard_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('app.allow_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
NO_APPEND_ONLY = "DROP FUNCTION guard_append_only();"

GUARD = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
"""
NO_GUARD = "DROP TRIGGER {table}_append_only ON {table}; DROP TRIGGER {table}_keep ON {table};"
GUARDED = ("accounts_auditevent", "accounts_auditseal")

ROLES = """
CREATE FUNCTION keep_operator_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_user SET operator_roles = ARRAY(
        SELECT role FROM accounts_rolegrant WHERE user_id = COALESCE(NEW.user_id, OLD.user_id) AND revoked_at IS NULL
        ORDER BY role)
    WHERE id = COALESCE(NEW.user_id, OLD.user_id);
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_rolegrant_roles AFTER INSERT OR UPDATE OR DELETE ON accounts_rolegrant
    FOR EACH ROW EXECUTE FUNCTION keep_operator_roles();
"""
NO_ROLES = "DROP TRIGGER accounts_rolegrant_roles ON accounts_rolegrant; DROP FUNCTION keep_operator_roles();"


class Migration(migrations.Migration):
    """Guard what the application must not change."""

    dependencies = [("accounts", "0001_accounts")]

    operations = [
        migrations.RunSQL(CLOCK, NO_CLOCK),
        migrations.RunSQL(APPEND_ONLY, NO_APPEND_ONLY),
        *[migrations.RunSQL(GUARD.format(table=table), NO_GUARD.format(table=table)) for table in GUARDED],
        migrations.RunSQL(ROLES, NO_ROLES),
    ]
