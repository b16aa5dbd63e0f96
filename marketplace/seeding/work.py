"""Work is bought, done, judged and paid as it would be: every row through the actions that the pages call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from accounts.models import User
from accounts.outbox import drain
from agreements.actions import draft_agreement, draft_version, publish_version, sign_version
from agreements.models import AgreementVersion
from experts.models import Domain, Expert
from kernel.money import Money
from labs.models import Lab
from marketplace.seeding.clock import StoryClock
from marketplace.seeding.content import AGREEMENT, GUIDELINES, Json
from marketplace.seeding.people import Operators
from payments.actions import approve_run, build_run, submit_run
from payments.models import PayoutRun
from tasks.actions import publishing
from tasks.actions.claims import claim_next
from tasks.actions.posting import create_batch_with_tasks
from tasks.actions.reviews import decide_review
from tasks.actions.submissions import submit
from tasks.actions.timing import beat, take_over
from tasks.errors import NothingToClaim
from tasks.kinds import registry
from tasks.models import Batch, Claim, Project, Task

BEAT_SECONDS: Final = 15
BEATS_AT_ONCE: Final = 8  # Beats that waited while a line was down are sent together, and count.


@dataclass
class Order:
    """A lab's project in the story: who bought it, what it asks, and who does it."""

    lab: Lab
    owner: User
    project: Project
    version: AgreementVersion
    answers: dict[str, Json] = field(default_factory=dict)  # By prompt or brief, in the order of posting.
    experts: list[Expert] = field(default_factory=list)
    reviewers: list[Expert] = field(default_factory=list)


def open_order(
    lab: Lab,
    owner: User,
    *,
    clock: StoryClock,
    name: str,
    code_name: str,
    budget_minor: int,
    domain: str,
    mode: str = "live",
    **values: Any,
) -> Order:
    """Draft the agreement, the guidelines and the project, fund it and launch it."""
    title = f"Agreement for {code_name}"
    agreement = draft_agreement(lab, mode=mode, title=title, code_name=code_name, by=owner, now=clock.now)
    version = draft_version(agreement, text=AGREEMENT.format(code_name=code_name), by=owner, now=clock.now)
    publish_version(version, by=owner, now=clock.now)
    settings = {
        "name": name,
        "code_name": code_name,
        "domain": Domain.objects.get(slug=domain),
        "agreement": agreement,
        "languages": ["en"],
        **values,
    }
    project = publishing.create_project(lab, mode=mode, values=settings, by=owner, now=clock.now)
    publishing.publish_guideline(project, text=GUIDELINES[project.kind], by=owner, now=clock.now)
    publishing.allocate_budget(project, Money(budget_minor, project.currency), by=owner, now=clock.now)
    publishing.launch_project(project, by=owner, now=clock.now)
    return Order(lab, owner, project, version)


def post_batch(
    order: Order, name: str, items: Sequence[tuple[Json, Json]], clock: StoryClock, *, priority: int = 0
) -> Batch:
    """Post tasks as the API would, and hand them out."""
    first = Task.objects.filter(project=order.project).count() + 1
    lines = [
        {"external_id": f"{order.project.code_name.lower()}-{number:04}", "payload": payload}
        for number, (payload, _) in enumerate(items, first)
    ]
    for payload, answer in items:
        order.answers[subject_of(payload)] = answer
    values = {"name": name, "priority": priority, "due_at": clock.now + timedelta(weeks=6)}
    batch = create_batch_with_tasks(order.project, values, lines, by=order.owner, now=clock.now)
    publishing.launch_batch(batch, by=order.owner, now=clock.now)
    return batch


def sign(order: Order, people: Iterable[Expert], clock: StoryClock) -> None:
    """Let people sign the order's agreement."""
    for expert in people:
        sign_version(
            order.version,
            user=expert.user,
            typed_name=expert.user.get_full_name(),
            consent=True,
            ip="127.0.0.1",
            user_agent="The demo's own history",
            now=clock.now,
        )


def work_once(order: Order, expert: Expert, clock: StoryClock, chance: Random) -> bool:
    """Let an expert do one task from claim to submission; say whether there was one."""
    claim = claim_or_none(order, expert, "work", clock)
    if claim is None:
        return False
    spend(
        claim, expert, chance.randrange(order.project.expected_seconds // 2, order.project.cap_seconds * 9 // 10), clock
    )
    kind = registry.get(order.project.kind)
    submit(
        claim.pk,
        expert=expert,
        fence=claim.fence,
        response=answer_to(order, claim),
        attestations=dict.fromkeys(kind.attestations, True),
        now=clock.now,
    )
    return True


def review_once(order: Order, reviewer: Expert, clock: StoryClock, chance: Random) -> bool:
    """Let a reviewer judge one submission; say whether there was one."""
    claim = claim_or_none(order, reviewer, "review", clock)
    if claim is None:
        return False
    spend(claim, reviewer, chance.randrange(120, max(180, claim.cap_seconds * 9 // 10)), clock)
    decide_review(
        claim.pk,
        expert=reviewer,
        fence=claim.fence,
        decision="ACCEPT",
        notes="Careful work, and well sourced.",
        now=clock.now,
    )
    return True


def claim_or_none(order: Order, expert: Expert, kind: str, clock: StoryClock) -> Claim | None:
    """Claim the next slot of an order, if there is one for this person."""
    try:
        return claim_next(expert, project=order.project, kind=kind, now=clock.now)
    except NothingToClaim:
        return None


def spend(claim: Claim, expert: Expert, seconds: int, clock: StoryClock) -> None:
    """Keep the claim's page open and beating for ``seconds``."""
    began = clock.now
    reading = take_over(claim.pk, expert=expert, session="seed", now=began)
    spent = 0
    while spent < seconds:
        step = min(BEAT_SECONDS * BEATS_AT_ONCE, seconds - spent)
        spent += step
        beats = -(-step // BEAT_SECONDS)
        reading = beat(
            claim.pk,
            expert=expert,
            fence=reading.fence,
            nonce=reading.nonce,
            counter=reading.counter + beats,
            is_visible=True,
            had_input=True,
            queued=beats - 1,
            now=began + timedelta(seconds=spent),
        )
    clock.go_to(began + timedelta(seconds=seconds))


def answer_to(order: Order, claim: Claim) -> Json:
    """Return the answer that the story has for the claim's task."""
    number = int(claim.task.external_id.rpartition("-")[2])
    return list(order.answers.values())[number - 1]


def subject_of(payload: Json) -> str:
    """Return the words by which the story knows a task."""
    return str(payload.get("prompt") or payload.get("brief"))


def run_week(week_start: date, operators: Operators, clock: StoryClock, *, is_approved: bool) -> PayoutRun:
    """Build and submit a week's run; let the other finance operator approve it, and send it."""
    run = build_run(week_start, by=operators.builder, now=clock.now)
    run = submit_run(run, by=operators.builder, now=clock.pass_minutes(5))
    if is_approved:
        run = approve_run(run, by=operators.approver, now=clock.pass_minutes(20))
    drain()
    return run
