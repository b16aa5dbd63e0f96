"""Make a world with funded, launched work in it, and the people who do it: rows in bulk, states through actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

import orjson
from django.db import transaction

from accounts.models import User
from agreements import actions as agreement_actions
from agreements.models import Agreement, AgreementVersion, Signature
from agreements.states import SignatureState
from experts.actions import install_domains
from experts.models import Domain, Expert, ReviewerMark, TierGrant
from experts.states import ExpertState
from kernel.ids import uuid7
from kernel.money import Money
from kernel.sealing import seal
from labs.actions import register_lab
from labs.models import Lab, LabState
from payments import ledger
from payments.models import Rate, RateCard
from tasks.actions import publishing, routes, submissions, timing
from tasks.actions.claims import claim_next
from tasks.models import Batch, Claim, Project, Slot, Submission, Task
from tasks.states import SlotState

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)  # A Monday.
PSYCHIATRY = (60_00, 110_00, 180_00, 260_00, 350_00)
FEE_BPS = 2_000
PAYLOAD: dict[str, object] = {"prompt": "Explain to a colleague when lithium levels are taken, and why then."}
RESPONSE: dict[str, object] = {
    "answer": "Twelve hours after the last dose, once the level is steady, five days after a change.",
    "citations": [],
}
_numbers = count(1)


@dataclass
class World:
    """A lab with a running batch, its experts and its reviewers."""

    lab: Lab
    owner: User
    project: Project
    batch: Batch
    version: AgreementVersion
    experts: list[Expert] = field(default_factory=list)
    reviewers: list[Expert] = field(default_factory=list)

    @property
    def cyd(self) -> Expert:
        """The expert on the claim."""
        return self.experts[0]

    @property
    def dov(self) -> Expert:
        """Another expert."""
        return self.experts[1]

    @property
    def ada(self) -> Expert:
        """The reviewer."""
        return self.reviewers[0]

    @property
    def bo(self) -> Expert:
        """Another reviewer."""
        return self.reviewers[1]


def make_world(
    *,
    tasks: int = 3,
    overlap: int = 1,
    experts: int = 2,
    reviewers: int = 2,
    budget_minor: int = 100_000_00,
    is_signed: bool = True,
    payload: dict[str, object] = PAYLOAD,
    now: datetime = NOW,
    **values: object,
) -> World:
    """Return a funded, launched batch of demonstrations in psychiatry: cap 20 min, review cap 6 min, all reviewed."""
    install_domains()
    psychiatry = Domain.objects.get(slug="psychiatry")
    make_rates(psychiatry)
    lab, owner = make_lab(now=now)
    cast = make_experts(experts, domain=psychiatry, tier=3)
    judges = make_experts(reviewers, domain=psychiatry, tier=4, names=("Ada", "Bo"), is_reviewer=True)
    version = make_agreement(lab, now=now)
    if is_signed:
        sign(version, [*cast, *judges], now=now)
    project = make_project(lab, owner, domain=psychiatry, version=version, now=now, **values)
    fund(lab, project, budget_minor, by=owner, now=now)
    publishing.launch_project(project, by=owner, now=now)
    batch = make_batch(project, owner, tasks=tasks, overlap=overlap, payload=payload, now=now)
    routes.compute_eligibility(project, now=now)
    return World(lab, owner, project, batch, version, cast, judges)


def make_rates(domain: Domain, by_tier: Sequence[int] = PSYCHIATRY, *, fee_bps: int = FEE_BPS) -> RateCard:
    """Put a domain's five rates on the first card, from 2020 on."""
    since = date(2020, 1, 1)
    card, _ = RateCard.objects.get_or_create(
        version=1, defaults={"fee_bps": fee_bps, "valid_from": since, "installed_at": NOW}
    )
    if not Rate.objects.filter(domain=domain).exists():
        Rate.objects.bulk_create(
            Rate(card=card, domain=domain, tier=tier, currency="USD", during=(since, None), minor_per_hour=minor)
            for tier, minor in enumerate(by_tier, start=1)
        )
    return card


def make_lab(name: str = "Northwind Research", *, now: datetime = NOW) -> tuple[Lab, User]:
    """Return an approved lab and its owner."""
    owner = make_user("Lee")
    lab = register_lab(owner=owner, name=name, contact_email="lab@example.org", country="US", now=now)
    Lab.objects.filter(pk=lab.pk).update(state=LabState.ACTIVE, approved_at=now)
    lab.refresh_from_db()
    return lab, owner


def make_user(name: str) -> User:
    """Return an account."""
    return User.objects.create_user(f"{name.lower()}-{next(_numbers)}@example.org", None, name=f"{name} Marlowe")


def make_experts(
    number: int,
    *,
    domain: Domain,
    tier: int,
    names: Sequence[str] = ("Cyd", "Dov"),
    is_reviewer: bool = False,
    **fields: object,
) -> list[Expert]:
    """Return active experts who hold a tier, made in bulk; tiers 4 and 5 were seen by two people."""
    people = [_user(names[n] if n < len(names) else f"Expert{n}") for n in range(number)]
    User.objects.bulk_create(people)
    values = {"country": "US", "languages": ["en"], "weekly_hours": 40, "created_at": NOW, **fields}
    life = {"state": ExpertState.ACTIVE, "state_changed_at": NOW}
    experts = Expert.objects.bulk_create(Expert(user=user, **life, **values) for user in people)
    vetting = {"granted_by": _granter("vic"), "reason": "Known for it", "granted_at": NOW}
    second = {"second_by": _granter("wes"), "second_at": NOW} if tier >= 4 else {}
    TierGrant.objects.bulk_create(
        TierGrant(expert=expert, domain=domain, tier=tier, **vetting, **second) for expert in experts
    )
    if is_reviewer:
        ReviewerMark.objects.bulk_create(ReviewerMark(expert=expert, domain=domain, **vetting) for expert in experts)
    return experts


def _user(name: str) -> User:
    user = User(email=f"{name.lower()}-{next(_numbers)}@example.org", name=f"{name} Marlowe")
    user.set_unusable_password()
    return user


def _granter(name: str) -> User:
    return User.objects.get_or_create(email=f"{name}@example.org", defaults={"name": name.title(), "password": "!"})[0]


def make_agreement(lab: Lab, *, now: datetime = NOW) -> AgreementVersion:
    """Return a lab's published agreement."""
    agreement = agreement_actions.draft_agreement(
        lab, title="Confidentiality agreement", code_name="Saltmarsh", by=None, now=now
    )
    return publish_version(agreement.pk, now=now)


def publish_version(agreement_id: UUID, *, now: datetime = NOW) -> AgreementVersion:
    """Publish the agreement's next version."""
    agreement = Agreement.objects.get(pk=agreement_id)
    version = agreement_actions.draft_version(
        agreement, text=f"# Agreement\n\nKeep it secret. {next(_numbers)}", by=None, now=now, urgent=False
    )
    agreement_actions.publish_version(version, by=None, now=now)
    return version


def sign(version: AgreementVersion, experts: Iterable[Expert], *, now: datetime = NOW) -> None:
    """Give each a live signature of the version."""
    Signature.objects.bulk_create(
        Signature(
            user_id=expert.user_id,
            agreement_id=version.agreement_id,
            version=version,
            typed_name="Cyd Marlowe",
            text_sha256=version.text_sha256,
            signed_at=now,
            state=SignatureState.LIVE,
            state_changed_at=now,
        )
        for expert in experts
    )


def make_project(
    lab: Lab, owner: User, *, domain: Domain, version: AgreementVersion, now: datetime = NOW, **values: object
) -> Project:
    """Return a draft project with short caps, open to all who are eligible."""
    settings = {
        "name": "Bedside",
        "code_name": "Saltmarsh",
        "kind": "demonstration",
        "domain": domain,
        "tier_min": 3,
        "tier_max": 3,
        "agreement": version.agreement,
        "expected_seconds": 600,
        "cap_seconds": 1_200,
        "review_cap_seconds": 360,
        "assignment": "open",
        **values,
    }
    return publishing.create_project(lab, mode="live", values=settings, by=owner, now=now)


def fund(lab: Lab, project: Project, minor: int, *, by: User, now: datetime = NOW) -> None:
    """Pay in for a lab and give it all to the project."""
    pay_in(lab, minor, currency=project.currency, now=now)
    publishing.allocate_budget(project, Money(minor, project.currency), by=by, now=now)


def pay_in(lab: Lab, minor: int, *, currency: str, now: datetime = NOW) -> None:
    """Let a lab's money arrive."""
    with transaction.atomic():
        legs = [(ledger.stripe_available(currency), minor), (ledger.lab_prepaid(lab, currency), -minor)]
        ledger.post("funding", legs, key=f"test-funding-{next(_numbers)}", at=now)


def make_batch(
    project: Project,
    owner: User,
    *,
    tasks: int,
    overlap: int = 1,
    priority: int = 0,
    now: datetime = NOW,
    payload: dict[str, object] = PAYLOAD,
) -> Batch:
    """Return a running batch; its tasks and slots are made in bulk."""
    batch = publishing.create_batch(project, name="First", priority=priority, due_at=None, by=owner, now=now)
    add_tasks(batch, tasks, overlap=overlap, payload=payload, now=now)
    publishing.stage_batch(batch, by=owner, now=now)
    return publishing.launch_batch(batch, by=owner, now=now)


def add_tasks(
    batch: Batch, number: int, *, overlap: int = 1, payload: dict[str, object] = PAYLOAD, now: datetime = NOW
) -> list[Task]:
    """Add sealed tasks with their open slots to a batch."""
    key, plain = bytes(batch.project.data_key), orjson.dumps(payload)
    rows = [
        Task(
            id=uuid7(),
            batch=batch,
            project=batch.project,
            external_id=f"task-{next(_numbers)}",
            payload_sha256=b"\0" * 32,
            overlap=overlap,
            created_at=now,
        )
        for _ in range(number)
    ]
    for task in rows:
        task.payload = seal(key, plain, about=f"{task.public_id}/payload")
    made = Task.objects.bulk_create(rows, batch_size=1_000)
    Slot.objects.bulk_create(
        (
            Slot(
                kind="work",
                project=batch.project,
                batch=batch,
                task=task,
                number=answer,
                state=SlotState.OPEN,
                state_changed_at=now,
            )
            for task in made
            for answer in range(1, overlap + 1)
        ),
        batch_size=5_000,
    )
    return made


def claim_for(expert: Expert, *, kind: str = "work", now: datetime = NOW) -> Claim:
    """Claim the next slot."""
    return claim_next(expert, kind=kind, now=now)


def work(claim: Claim, expert: Expert, seconds: int, *, since: datetime) -> datetime:
    """Open the claim's page at ``since`` and keep it beating for ``seconds`` (whole); return when that was."""
    reading = timing.take_over(claim.pk, expert=expert, session="tab", now=since)
    spent = 0
    while spent < seconds:
        step = min(120, seconds - spent)
        spent += step
        beats = -(-step // 15)
        reading = timing.beat(
            claim.pk,
            expert=expert,
            fence=reading.fence,
            nonce=reading.nonce,
            counter=reading.counter + beats,
            is_visible=True,
            had_input=True,
            queued=beats - 1,
            now=since + timedelta(seconds=spent),
        )
    return since + timedelta(seconds=seconds)


def hand_in(
    claim: Claim, expert: Expert, *, now: datetime, fence: int | None = None, response: dict[str, object] = RESPONSE
) -> Submission:
    """Submit an answer that its kind allows."""
    return submissions.submit(
        claim.pk, expert=expert, fence=fence or claim.fence, response=response, attestations={}, now=now
    )


def submitted(world: World, seconds: int = 600, *, expert: Expert | None = None, now: datetime = NOW) -> Submission:
    """Claim, work for ``seconds`` and hand in; the submission's claim is loaded anew."""
    by = expert or world.cyd
    claim = claim_for(by, now=now)
    submission = hand_in(claim, by, now=work(claim, by, seconds, since=now))
    return Submission.objects.select_related("claim__project", "claim__slot").get(pk=submission.pk)
