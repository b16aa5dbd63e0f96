"""Published text, signatures and the access log are history: the database keeps them so."""

from django.db import migrations

FORWARD = """
ALTER TABLE agreements_agreementversion ADD CONSTRAINT agreement_version_hash_is_of_text
  CHECK (text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'));

CREATE FUNCTION agreements_published_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'DRAFT' THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' OR NEW.state = 'DRAFT'
     OR (to_jsonb(NEW) - 'state' - 'state_changed_at') IS DISTINCT FROM (to_jsonb(OLD) - 'state' - 'state_changed_at') THEN
    RAISE EXCEPTION 'a published text never changes'
      USING ERRCODE = '23514', CONSTRAINT = 'agreement_version_published_is_fixed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER agreement_version_published_is_fixed BEFORE UPDATE OR DELETE ON agreements_agreementversion
  FOR EACH ROW EXECUTE FUNCTION agreements_published_is_fixed();

CREATE FUNCTION agreements_signature_is_true() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  signed agreements_agreementversion;
BEGIN
  SELECT * INTO signed FROM agreements_agreementversion WHERE id = NEW.version_id FOR SHARE;
  IF signed.state <> 'PUBLISHED' OR signed.agreement_id <> NEW.agreement_id OR signed.text_sha256 <> NEW.text_sha256 THEN
    RAISE EXCEPTION 'a signature is of a published text and carries its hash'
      USING ERRCODE = '23514', CONSTRAINT = 'signature_is_of_published_text';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signature_is_of_published_text BEFORE INSERT ON agreements_signature
  FOR EACH ROW EXECUTE FUNCTION agreements_signature_is_true();

CREATE FUNCTION agreements_signature_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state <> 'LIVE'
     OR (to_jsonb(NEW) - 'state' - 'state_changed_at' - 'revoke_reason')
        IS DISTINCT FROM (to_jsonb(OLD) - 'state' - 'state_changed_at' - 'revoke_reason') THEN
    RAISE EXCEPTION 'a signature is history'
      USING ERRCODE = '23514', CONSTRAINT = 'signature_is_history';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signature_is_history BEFORE UPDATE OR DELETE ON agreements_signature
  FOR EACH ROW EXECUTE FUNCTION agreements_signature_is_history();

CREATE FUNCTION agreements_access_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The test runner empties tables between tests; nothing else sets this.
  IF TG_OP = 'TRUNCATE' AND current_setting('app.allow_truncate', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the access log is append-only'
    USING ERRCODE = '23514', CONSTRAINT = 'content_access_append_only';
END $$;
CREATE TRIGGER content_access_append_only BEFORE UPDATE OR DELETE ON agreements_contentaccess
  FOR EACH ROW EXECUTE FUNCTION agreements_access_is_append_only();
CREATE TRIGGER content_access_no_truncate BEFORE TRUNCATE ON agreements_contentaccess
  FOR EACH STATEMENT EXECUTE FUNCTION agreements_access_is_append_only();
"""

REVERSE = """
DROP TRIGGER content_access_no_truncate ON agreements_contentaccess;
DROP TRIGGER content_access_append_only ON agreements_contentaccess;
DROP FUNCTION agreements_access_is_append_only();
DROP TRIGGER signature_is_history ON agreements_signature;
DROP FUNCTION agreements_signature_is_history();
DROP TRIGGER signature_is_of_published_text ON agreements_signature;
DROP FUNCTION agreements_signature_is_true();
DROP TRIGGER agreement_version_published_is_fixed ON agreements_agreementversion;
DROP FUNCTION agreements_published_is_fixed();
ALTER TABLE agreements_agreementversion DROP CONSTRAINT agreement_version_hash_is_of_text;
"""


class Migration(migrations.Migration):
    """Install the guards on agreements, signatures and the access log."""

    dependencies = (("agreements", "0001_agreements_and_access"),)
    operations = (migrations.RunSQL(FORWARD, REVERSE),)
