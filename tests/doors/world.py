"""One world for the doors: two labs, experts with and without a signature, operators, and a row for every address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import compress

from django.test import Client

from accounts.models import OutboxItem, RoleGrant, User
from accounts.outbox import drain
from agreements.models import Signature
from experts import actions as expert_actions
from experts.models import Credential, ReviewerMark, TierGrant
from kernel.db import app_now
from kernel.ids import uuid7
from kernel.money import usd
from labs.actions import register_lab
from labs.invitations.actions import invite
from labs.webhooks.actions import create_endpoint, send_trial
from payments.actions import confirm_funding, issue_receipt, start_funding, start_hosted_funding
from payments.models import Difference, JournalBatch
from tasks.actions.cases import open_case
from tasks.actions.claims import claim_next, release_claim
from tasks.actions.exporting import request_export
from tasks.actions.files import store_file
from tasks.actions.questions import ask_question
from tasks.actions.submissions import save_draft
from tasks.models import Offer
from tests.accounts.factories import log_in, make_operator, make_user
from tests.experts.factories import an_application
from tests.labs.factories import make_key
from tests.payments.factories import NOW, a_payment, a_submitted_run, earn
from tests.tasks.documents import a_picture
from tests.tasks.factories import RESPONSE, World, hand_in, make_batch, make_experts, make_lab, make_world, work

CANARY = "CANARY-4711-heron"
WHY = "I wrote for ten minutes before the page was lost, and they are not counted."
PERSONAS = ("anonymous", "cyd", "dov", "nia", "lee", "eve", "vic", "fin", "tess", "olga")
KEYS = ("none", "lee", "lee_reads", "eve")


@dataclass
class Doors:
    """Who knocks, and the ids that addresses are made of."""

    people: dict[str, User]
    keys: dict[str, str]
    ids: dict[str, Any]
    special: dict[str, dict[str, Any]]
    signed: frozenset[str] = frozenset({"cyd", "dov"})

    def client(self, persona: str) -> Client:
        """Return a browser of this persona, with a fresh session."""
        client = Client(raise_request_exception=True)
        return log_in(client, self.people[persona]) if persona in self.people else client

    def kwargs(self, route: str, names: list[str]) -> dict[str, Any]:
        """Return what fills a route's address: rows of Lee's lab and of Cyd, where there are any."""
        known = self.ids | self.special.get(route, {})
        return {name: known[name] for name in names}


def build_doors() -> Doors:
    """Build it through actions: Cyd is on a claim, Dov has signed and is on none, Nia has not signed."""
    now = app_now()
    world = make_world(tasks=1, now=_ago(now))
    file = store_file(world.lab, mode="live", raw=a_picture(), declared="image/png", by=world.owner, now=now)
    secret: dict[str, object] = {"prompt": f"{CANARY}: when are lithium levels taken?", "files": [file.public_id]}
    world.batch = make_batch(world.project, world.owner, tasks=6, priority=9, payload=secret, now=_ago(now))
    (nia,) = make_experts(1, domain=world.project.domain, tier=3, names=("Nia",))
    other_lab, eve = make_lab("Eastgate Labs", now=_ago(now))
    people = {
        "cyd": world.cyd.user,
        "dov": world.dov.user,
        "nia": nia.user,
        "lee": world.owner,
        "eve": eve,
        "vic": make_operator("vetting", name="Vic Osei", now=now),
        "fin": make_operator("finance", name="Fin Reyes", now=now),
        "tess": make_operator("trust", name="Tess Moreau", now=now),
        "olga": make_operator("owner", name="Olga Brandt", now=now),
    }
    ids = _work(world, now) | _vetting(people["vic"], now) | _money()
    key, text = make_key(world.lab, world.owner, now=now)
    keys = {
        "lee": text,
        "lee_reads": make_key(world.lab, world.owner, scopes=("results:read", "funds:read"), now=now)[1],
        "eve": make_key(other_lab, eve, now=now)[1],
    }
    applicant = register_lab(
        owner=make_user("Amy"), name="Newcomer", contact_email="new@example.org", country="US", now=now
    )
    endpoint, _ = create_endpoint(world.lab, mode="live", url="https://lab.invalid/hook", by=world.owner, now=now)
    ids |= {
        "file_id": file.pk,
        "endpoint_id": endpoint.pk,
        "delivery_id": send_trial(endpoint, by=world.owner, now=now).pk,
        "applicant_id": applicant.pk,
        "invitation_id": invite(world.lab, email="ivy@example.org", role="member", by=world.owner, now=_ago(now)).pk,
        "token": "nobodys",
        "funding_id": _invoice(world, now),
        "document_id": _receipt(world, now),
        "journal_id": _journal(people["fin"], now),
        "key_id": key.pk,
        "line_id": earn(world.lab, world.project.public_id, world.cyd, at=now).pk,
        "member_id": world.lab.members.get().pk,
        "lab_id": world.lab.pk,
        "grant": RoleGrant.objects.order_by("pk")[0].pk,
        "item": 1,
        "year": now.year,
        "month": now.month,
        "pk": 1,
    }
    return Doors(people, keys, ids, special_of(ids))


def _work(world: World, now: datetime) -> dict[str, Any]:
    """Let Cyd hand one answer in and hold another claim with a draft, and export the project."""
    first = claim_next(world.cyd, now=_ago(now))
    answer = dict[str, object](RESPONSE) | {"answer": f"{CANARY}: {RESPONSE['answer']}"}
    submission = hand_in(first, world.cyd, now=work(first, world.cyd, 300, since=_ago(now)), response=answer)
    left = release_claim(claim_next(world.cyd, now=_ago(now)), expert=world.cyd, reason="", now=now)
    case = open_case(left.pk, kind="time", by=world.cyd.user, expert=world.cyd, words=f"{CANARY}: " + WHY, now=now)
    second = claim_next(world.cyd, now=now)
    question = ask_question(second.pk, expert=world.cyd, text=f"{CANARY}: since when?", now=now)
    save_draft(second.pk, expert=world.cyd, body={"answer": CANARY}, revision=0, now=now)
    export = request_export(world.project, shape="canonical", batch=None, by=world.owner, now=now)
    drain()
    offer = Offer.objects.filter(expert=world.dov).first()
    return {
        "project_id": world.project.pk,
        "batch_id": world.batch.pk,
        "task_id": second.task_id,
        "claim_id": second.pk,
        "question_id": question.pk,
        "case_id": case.pk,
        "submitted_claim_id": first.pk,
        "submission_id": submission.pk,
        "export_id": export.pk,
        "offer_id": offer.pk if offer else uuid7(),
        "agreement_id": world.version.agreement_id,
        "version_id": world.version.pk,
        "signature_id": Signature.objects.get(user=world.cyd.user).pk,
    }


def _vetting(vic: User, now: datetime) -> dict[str, Any]:
    """Send an application, and grant its expert a tier and a mark."""
    application = an_application(name="Una Field", slug="litigation", by=vic)
    expert, domain = application.expert, application.requests.get().domain
    grant = expert_actions.grant_tier(expert, domain, 2, by=vic, reason="Known for it", now=now)
    mark = expert_actions.grant_reviewer_mark(expert, domain, by=vic, reason="Known for it", now=now)
    return {
        "application_id": application.pk,
        "credential_id": Credential.objects.get(expert=expert).pk,
        "grant_id": TierGrant.objects.get(pk=grant.pk).pk,
        "mark_id": ReviewerMark.objects.get(pk=mark.pk).pk,
    }


def _money() -> dict[str, Any]:
    """Build a payout run that waits for approval."""
    run = a_submitted_run(100_00)
    gone = Difference.objects.create(
        kind="balance", key="balance-USD", what="A difference", found_at=NOW, resolved_at=NOW, reason="It agrees again."
    )
    ids = {"run_id": run.pk, "item_id": run.items.get().pk, "difference_id": gone.pk}
    return {**ids, "verb": "cancel", "endpoint": "account"}


def _receipt(world: World, now: datetime) -> UUID:
    """Let Lee's lab pay, and give it the receipt."""
    funding = start_funding(world.lab, usd(60_00), by=world.owner, now=now)
    return issue_receipt(confirm_funding(funding.pk, a_payment(funding), now=now), now=now).pk


def _journal(fin: User, now: datetime) -> UUID:
    """Lock a batch of the journal by its row alone, and leave nothing for a next one."""
    span = {"from_xid": 0, "to_xid": 2**62, "entry_count": 1, "line_count": 2}
    file = {"totals": {"USD": 1}, "content": compress(b""), "sha256": "0" * 64}
    return JournalBatch.objects.create(number=1, locked_by=fin, locked_at=now, **span, **file).pk


def _invoice(world: World, now: datetime) -> UUID:
    """Let Lee's lab ask for an invoice that Stripe, which is not at hand, is never asked for again."""
    funding = start_hosted_funding(world.lab, usd(50_00), way="invoice", by=world.owner, now=now)
    OutboxItem.objects.filter(kind="payments.open_invoice").delete()
    return funding.pk


def special_of(ids: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the ids of the few routes that want another row than the rest."""
    done = {"claim_id": ids["submitted_claim_id"]}
    return {
        "tasks:submission": done,
        "labs:decide": {"lab_id": ids["applicant_id"]},
        "payments:decide_correction": {"correction_id": uuid7()},
        "payments:journal_csv": {"batch_id": ids["journal_id"]},
    }


def _ago(now: datetime) -> datetime:
    """Return the time at which the world's history begins."""
    return now - timedelta(hours=2)
