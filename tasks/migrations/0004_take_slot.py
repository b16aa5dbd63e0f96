"""Take a slot in one statement inside the database, where its plan is kept: planning it took ten times as long as it."""

from django.db import migrations

# The expert may start something now: no live claim, and the hours of the day and of the week not used up.
FREE = """
    NOT EXISTS (SELECT 1 FROM tasks_claim live WHERE live.expert_id = p_expert AND live.state = 'WORKING')
    AND (SELECT COALESCE(SUM(EXTRACT(epoch FROM upper(part) - lower(part))), 0) < p_week_seconds
            AND COALESCE(SUM(EXTRACT(epoch FROM upper(part) - lower(part)))
                FILTER (WHERE lower(part) >= p_day_start), 0) < p_day_seconds
           FROM (SELECT during * tstzrange(p_week_start, p_now) AS part FROM tasks_segment
                  WHERE expert_id = p_expert AND during && tstzrange(p_week_start, p_now)) spent)
"""

# Who asks, and which agreements they have signed as they stand now. Each part is planned by itself: the planner tries
# every order of the tables of one join, which for all of them at once took twenty times as long as the claim itself.
PERSON = """
person AS MATERIALIZED (
    SELECT x.id, x.user_id, x.employer, x.network
      FROM experts_expert x
      JOIN accounts_user u ON u.id = x.user_id AND u.is_active
     WHERE x.id = p_expert AND x.state = 'ACTIVE'
), signed AS MATERIALIZED (
    SELECT g.agreement_id, v.id
      FROM person
      JOIN agreements_signature g ON g.user_id = person.user_id AND g.state = 'LIVE'
      JOIN agreements_agreementversion v ON v.id = g.version_id AND v.state = 'PUBLISHED'
)"""

# What an expert may work on: eligible, LIVE, within budget, under the newest agreement as they signed it.
ADMITTED = """
    FROM person x
    JOIN tasks_eligibility e ON e.expert_id = x.id
    JOIN tasks_project p ON p.id = e.project_id
    JOIN signed v ON v.agreement_id = p.agreement_id
    JOIN tasks_batch b ON b.project_id = p.id
   WHERE e.expert_id = p_expert
     AND (p_batch IS NULL OR b.id = p_batch)
     AND (p_project IS NULL OR p.id = p_project)
     AND p.id <> ALL (p_without)
"""

# Move the picked slot and claim it. "picked" has one row at most, and holds the only lock on its slot.
TAKE = """
moved AS (
    UPDATE tasks_slot SET state = 'CLAIMED', state_changed_at = p_now
      FROM picked WHERE tasks_slot.id = picked.slot_id
    RETURNING tasks_slot.id
)
INSERT INTO tasks_claim (
    id, state, state_changed_at, slot_id, task_id, batch_id, project_id, lab_id, expert_id, kind,
    subject_claim_id, rate_minor, currency, tier, card_version, fee_bps, cap_seconds, review_cap_seconds,
    review_rate_minor, review_layers, is_review_drawn, hold_id, guideline_id, agreement_version_id, lease_until,
    working_since, claimed_at)
SELECT p_claim, 'WORKING', p_now, k.slot_id, k.task_id, k.batch_id, k.project_id, k.lab_id, p_expert, p_kind,
       k.subject_claim_id, k.rate_minor, k.currency, k.tier, k.card_version, k.fee_bps, k.cap_seconds,
       k.review_cap_seconds, k.review_rate_minor, k.review_layers, k.is_review_drawn, p_hold, k.guideline_id,
       k.agreement_version_id,
       LEAST(p_lease, p_now + p_lease_caps * k.cap_seconds * interval '1 second'), p_now, p_now
  FROM picked k JOIN moved ON moved.id = k.slot_id
RETURNING *
"""

# The candidates are put in order first; then each batch is asked, in that order, for one free slot until one is found.
# The lock is taken inside, so exactly one slot is ever locked, however many are open.
WORK = f"""
WITH {PERSON}, admitted AS MATERIALIZED (
    SELECT b.id AS batch_id, p.id AS project_id, p.lab_id, e.rate_minor, e.tier, e.card_version, e.fee_bps,
           COALESCE(e.review_rate_minor, 0) AS review_rate_minor, p.currency, p.cap_seconds, p.guideline_seconds,
           p.review_cap_seconds, p.review_layers, p.review_policy, p.review_share_bps, v.id AS agreement_version_id
    {ADMITTED}
     AND e.is_eligible AND p.state = 'LIVE' AND b.state IN ('RUNNING', 'DRAINING')
     AND EXISTS (SELECT 1 FROM payments_account a WHERE a.id = e.budget_account_id AND -a.balance >= e.hold_minor)
     AND (p.assignment = 'open' OR EXISTS (
            SELECT 1 FROM tasks_offer o WHERE o.expert_id = e.expert_id AND o.batch_id = b.id
               AND o.kind = 'work' AND o.state = 'ACCEPTED'))
     AND {FREE}
   ORDER BY b.priority DESC, b.due_at NULLS LAST, b.id
), found AS (
    SELECT a.*, free.id AS slot_id, free.task_id
      FROM admitted a
     CROSS JOIN LATERAL (
        SELECT s.id, s.task_id FROM tasks_slot s
         WHERE s.batch_id = a.batch_id AND s.kind = 'work' AND s.state = 'OPEN'
           AND NOT EXISTS (SELECT 1 FROM tasks_claim mine
                            WHERE mine.task_id = s.task_id AND mine.expert_id = p_expert AND mine.kind = 'work')
         ORDER BY s.priority DESC, s.id
         LIMIT 1
           FOR UPDATE SKIP LOCKED) free
     LIMIT 1
), picked AS (
    SELECT f.slot_id, f.task_id, f.batch_id, f.project_id, f.lab_id, NULL::uuid AS subject_claim_id, f.rate_minor,
           f.currency, f.tier, f.card_version, f.fee_bps, f.review_cap_seconds, f.review_rate_minor, f.review_layers,
           f.agreement_version_id, newest.id AS guideline_id,
           f.cap_seconds + CASE WHEN newest.id IS NULL OR EXISTS (
                SELECT 1 FROM tasks_claim c WHERE c.expert_id = p_expert AND c.guideline_id = newest.id)
                THEN 0 ELSE f.guideline_seconds END AS cap_seconds,
           f.review_policy = 'all' OR f.review_policy = 'sampled' AND p_draw < f.review_share_bps AS is_review_drawn
      FROM found f
      LEFT JOIN LATERAL (SELECT id FROM tasks_guidelineversion WHERE project_id = f.project_id
                          ORDER BY number DESC LIMIT 1) newest ON TRUE
), {TAKE}"""  # noqa: S608 -- put together from constants of this file.

# Work is reviewed whatever became of its batch, oldest first within a project: its pay waits for the decision.
REVIEW = f"""
WITH {PERSON}, admitted AS MATERIALIZED (
    SELECT DISTINCT ON (p.id) p.id AS project_id, p.lab_id, e.rate_minor, e.tier, e.card_version, e.fee_bps, p.currency,
           v.id AS agreement_version_id, x.employer, x.network
    {ADMITTED}
     AND e.can_review AND p.state <> 'DRAFT' AND {FREE}
), found AS (
    SELECT a.*, free.*
      FROM admitted a
     CROSS JOIN LATERAL (
        SELECT s.id AS slot_id, s.task_id, s.batch_id, s.subject_claim_id, w.review_cap_seconds, w.guideline_id
          FROM tasks_slot s
          JOIN tasks_claim w ON w.id = s.subject_claim_id AND w.state = 'SUBMITTED'
          JOIN experts_expert author ON author.id = w.expert_id
          JOIN payments_hold h ON h.id = w.hold_id AND h.review_parts_left > 0
         WHERE s.project_id = a.project_id AND s.kind = 'review' AND s.state = 'OPEN'
           AND (p_batch IS NULL OR s.batch_id = p_batch)
           AND NOT (author.employer <> '' AND lower(author.employer) = lower(a.employer))
           AND NOT (author.network <> '' AND lower(author.network) = lower(a.network))
           AND NOT EXISTS (SELECT 1 FROM tasks_claim mine
                            WHERE mine.task_id = s.task_id AND mine.expert_id = p_expert AND mine.kind = 'work')
           AND NOT EXISTS (SELECT 1 FROM tasks_claim mine JOIN tasks_slot seen ON seen.id = mine.slot_id
                            WHERE mine.subject_claim_id = s.subject_claim_id AND mine.expert_id = p_expert
                              AND mine.kind = 'review' AND seen.round = s.round)
         ORDER BY s.priority DESC, s.id
         LIMIT 1
           FOR UPDATE OF s SKIP LOCKED) free
     LIMIT 1
), picked AS (
    SELECT f.slot_id, f.task_id, f.batch_id, f.project_id, f.lab_id, f.subject_claim_id, f.rate_minor, f.currency,
           f.tier, f.card_version, f.fee_bps, 0 AS review_cap_seconds, 0 AS review_rate_minor, 0 AS review_layers,
           f.agreement_version_id, f.guideline_id, f.review_cap_seconds AS cap_seconds, FALSE AS is_review_drawn
      FROM found f
), {TAKE}"""  # noqa: S608 -- put together from constants of this file.

FUNCTION = """
CREATE FUNCTION {name}(
    p_claim uuid, p_hold uuid, p_expert uuid, p_kind text, p_batch uuid, p_project uuid, p_without uuid[],
    p_now timestamptz, p_lease timestamptz, p_lease_caps integer, p_day_start timestamptz, p_week_start timestamptz,
    p_day_seconds integer, p_week_seconds integer, p_draw integer)
RETURNS SETOF tasks_claim LANGUAGE plpgsql
-- One plan for all values, made once a session: every step looks a few rows up in an index. Without the last four a
-- session that began beside small tables would keep reading them whole while they grew.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
AS $$
BEGIN
    RETURN QUERY {body};
END $$;
"""
ARGUMENTS = (
    "uuid, uuid, uuid, text, uuid, uuid, uuid[], timestamptz, timestamptz, integer, timestamptz, timestamptz,"
    " integer, integer, integer"
)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_task_parents_in_bulk")]

    operations = [
        migrations.RunSQL(FUNCTION.format(name=name, body=body.strip()), f"DROP FUNCTION {name}({ARGUMENTS})")
        for name, body in (("tasks_take_work", WORK), ("tasks_take_review", REVIEW))
    ]
