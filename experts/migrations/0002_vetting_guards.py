"""Nobody vets themselves, whatever the application does."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION experts_no_self_vetting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  own uuid;
  person text;
BEGIN
  SELECT user_id INTO own FROM experts_expert WHERE id = NEW.expert_id;
  FOREACH person IN ARRAY TG_ARGV LOOP
    IF (to_jsonb(NEW) ->> person)::uuid = own THEN
      RAISE EXCEPTION 'nobody vets themselves' USING ERRCODE = '23514', CONSTRAINT = 'vetting_not_self';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER tier_grant_not_self BEFORE INSERT OR UPDATE ON experts_tiergrant
  FOR EACH ROW EXECUTE FUNCTION experts_no_self_vetting('granted_by_id', 'second_by_id');
CREATE TRIGGER reviewer_mark_not_self BEFORE INSERT OR UPDATE ON experts_reviewermark
  FOR EACH ROW EXECUTE FUNCTION experts_no_self_vetting('granted_by_id');
CREATE TRIGGER credential_not_self BEFORE INSERT OR UPDATE ON experts_credential
  FOR EACH ROW EXECUTE FUNCTION experts_no_self_vetting('checked_by_id');
CREATE TRIGGER application_not_self BEFORE INSERT OR UPDATE ON experts_application
  FOR EACH ROW EXECUTE FUNCTION experts_no_self_vetting('taken_by_id', 'decided_by_id');

CREATE FUNCTION experts_grant_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'grants are revoked, not deleted' USING ERRCODE = '23514', CONSTRAINT = 'grant_is_history';
  END IF;
  IF (NEW.expert_id, NEW.domain_id, NEW.granted_by_id, NEW.granted_at, NEW.reason)
     IS DISTINCT FROM (OLD.expert_id, OLD.domain_id, OLD.granted_by_id, OLD.granted_at, OLD.reason)
     OR OLD.revoked_at IS NOT NULL
     OR (to_jsonb(NEW) -> 'tier') IS DISTINCT FROM (to_jsonb(OLD) -> 'tier')
     OR ((to_jsonb(OLD) ->> 'second_by_id') IS NOT NULL
         AND (to_jsonb(NEW) ->> 'second_by_id') IS DISTINCT FROM (to_jsonb(OLD) ->> 'second_by_id')) THEN
    RAISE EXCEPTION 'a grant is changed only by confirming or revoking it'
      USING ERRCODE = '23514', CONSTRAINT = 'grant_is_history';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tier_grant_history BEFORE UPDATE OR DELETE ON experts_tiergrant
  FOR EACH ROW EXECUTE FUNCTION experts_grant_is_history();
CREATE TRIGGER reviewer_mark_history BEFORE UPDATE OR DELETE ON experts_reviewermark
  FOR EACH ROW EXECUTE FUNCTION experts_grant_is_history();
"""

REVERSE = """
DROP TRIGGER reviewer_mark_history ON experts_reviewermark;
DROP TRIGGER tier_grant_history ON experts_tiergrant;
DROP FUNCTION experts_grant_is_history();
DROP TRIGGER application_not_self ON experts_application;
DROP TRIGGER credential_not_self ON experts_credential;
DROP TRIGGER reviewer_mark_not_self ON experts_reviewermark;
DROP TRIGGER tier_grant_not_self ON experts_tiergrant;
DROP FUNCTION experts_no_self_vetting();
"""


class Migration(migrations.Migration):
    """Install the guards on vetting rows."""

    dependencies = (("experts", "0001_experts_and_vetting"),)
    operations = (migrations.RunSQL(FORWARD, REVERSE),)
