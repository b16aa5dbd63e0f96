"""Who takes part in the claim benchmark: a funded lab, a running batch, and experts who have signed."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction
from django.middleware.csrf import get_token
from django.test import RequestFactory

from accounts.actions import create_user, enrol_totp, grant_role
from accounts.models import User
from accounts.sessions import BEGAN, SEEN
from agreements.actions import draft_agreement, draft_version, publish_version, sign_version
from agreements.models import AgreementVersion
from experts.actions import (
    add_credential,
    approve_application,
    fill_application,
    grant_reviewer_mark,
    install_domains,
    register_expert,
    submit_application,
    take_application,
)
from experts.models import Domain, Expert
from experts.queries import application_of
from kernel.money import usd
from labs.actions import approve_lab, create_api_key, register_lab
from labs.models import Lab, Mode, Scope
from payments import ledger
from payments.actions import install_rate_card
from tasks.actions import publishing
from tasks.actions.ingest import Sealer, Tally, merge_ingest, open_ingest, stage_lines
from tasks.actions.routes import compute_eligibility
from tasks.kinds import registry
from tasks.kinds.lines import LineReader
from tasks.models import Batch, Project

BUDGET_MINOR = 5_000_000_00
STATEMENT = "I have written and edited short fiction for two magazines for eleven years, and teach it in the evenings."
PAYLOAD_CHARACTERS = 1_900
PIECE = "The key still turned, which she had not expected, and the hall still smelt of oranges and of dust. " * 12
STAGE_ROWS = 1_000


@dataclass(frozen=True)
class Stage:
    """What the load client and the other benchmarks need to know."""

    lab: Lab
    owner: User
    project: Project
    batch: Batch
    api_key: str
    cookies: list[str]
    tokens: list[str]


class Cast:
    """Makes everybody through the product's own actions."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.operator = self._operator("Vera Lind")

    def stage(self, *, experts: int, tasks: int) -> Stage:
        """Return a batch of ``tasks`` open tasks and ``experts`` who may do them."""
        fiction = install_domains()["fiction"]
        install_rate_card(by=self.operator, now=self.now)
        lab, owner = self._funded_lab()
        version = self._agreement(lab, owner)
        team = [self._expert(number, fiction, version) for number in range(experts)]
        grant_reviewer_mark(team[-1], fiction, by=self.operator, reason="Edits a magazine", now=self.now)
        project = self._project(lab, owner, fiction, version)
        batch = publishing.create_batch(project, name="Openings", by=owner, now=self.now)
        post_lines(batch, task_lines(tasks), by=owner, now=self.now)
        batch.refresh_from_db()
        if tasks:
            publishing.launch_batch(batch, by=owner, now=self.now)
        compute_eligibility(project, now=self.now)
        scopes = list(Scope.values)
        _, text = create_api_key(lab, mode=Mode.LIVE, label="bench", scopes=scopes, by=owner, now=self.now)
        sessions = [session_of(expert.user) for expert in team]
        return Stage(lab, owner, project, batch, text, [each[0] for each in sessions], [each[1] for each in sessions])

    def _operator(self, name: str) -> User:
        user = self.user(name, "vera")
        enrol_totp(user, now=self.now)
        grant_role(user, "vetting", by=None, reason="Runs the benchmark", now=self.now)
        user.refresh_from_db()
        return user

    def user(self, name: str, word: str) -> User:
        """Make a person who can sign in by a session."""
        return create_user(email=f"{word}@example.org", name=name, password=None, now=self.now)

    def _funded_lab(self) -> tuple[Lab, User]:
        owner = self.user("Lea Brandt", "lea")
        lab = register_lab(owner=owner, name="Bench Lab", contact_email="lab@example.org", country="US", now=self.now)
        approve_lab(lab, by=self.operator, reason="Known to us", now=self.now)
        lab.refresh_from_db()
        with transaction.atomic():
            legs = [(ledger.stripe_available("USD"), BUDGET_MINOR), (ledger.lab_prepaid(lab, "USD"), -BUDGET_MINOR)]
            ledger.post("funding", legs, key="bench-funding", at=self.now)
        return lab, owner

    def _agreement(self, lab: Lab, owner: User) -> AgreementVersion:
        agreement = draft_agreement(lab, title="Confidentiality", code_name="Heron", by=owner, now=self.now)
        version = draft_version(agreement, text="Keep what you see to yourself. " * 20, by=owner, now=self.now)
        publish_version(version, by=owner, now=self.now)
        version.refresh_from_db()
        return version

    def _expert(self, number: int, domain: Domain, version: AgreementVersion) -> Expert:
        user = self.user(f"Expert {number}", f"expert{number}")
        expert = register_expert(user=user, country="US", languages=["en"], headline="Writer", now=self.now)
        application = application_of(expert)
        assert application is not None
        fill_application(application, statement=STATEMENT, requests=[(domain, 3)], now=self.now)
        add_credential(expert, credential_class="publication_record", issuer="A magazine", now=self.now)
        submit_application(application, now=self.now)
        take_application(application, by=self.operator, now=self.now)
        approve_application(application, by=self.operator, reason="Published", now=self.now, tiers={domain: 3})
        sign_version(
            version,
            user=user,
            typed_name=user.name,
            consent=True,
            ip="127.0.0.1",
            user_agent="bench",
            now=self.now,
        )
        return expert

    def _project(self, lab: Lab, owner: User, domain: Domain, version: AgreementVersion) -> Project:
        values = {
            "name": "Openings",
            "code_name": "Heron",
            "kind": "creative",
            "domain": domain,
            "tier_min": 2,
            "tier_max": 5,
            "languages": ["en"],
            "agreement": version.agreement,
            "review_policy": "sampled",
            "review_share_bps": 2_000,
            "expected_seconds": 600,
            "assignment": "open",
        }
        project = publishing.create_project(lab, mode=Mode.LIVE, values=values, by=owner, now=self.now)
        publishing.publish_guideline(project, text="Show, do not tell.", by=owner, now=self.now)
        publishing.allocate_budget(project, usd(BUDGET_MINOR), by=owner, now=self.now)
        publishing.launch_project(project, by=owner, now=self.now)
        return project


def task_lines(count: int) -> list[bytes]:
    """Return lines of about 2 KB, as a lab posts them; their text is as hard to compress as prose."""
    dice = random.Random(1)
    words = ["".join(dice.choices("etaoinshrdlcumwfgypbvk", k=dice.randint(2, 9))) for _ in range(4_000)]
    return [_line(number, " ".join(dice.choices(words, k=320))[:PAYLOAD_CHARACTERS]) for number in range(count)]


def _line(number: int, brief: str) -> bytes:
    payload = {"brief": brief, "craft_rubric": [{"title": "Voice"}]}
    line = {"external_id": f"opening-{number:06d}", "payload": payload, "tags": ["fiction", "opening"]}
    return json.dumps(line).encode()


def post_lines(batch: Batch, lines: list[bytes], *, by: User, now: datetime) -> None:
    """Make tasks of lines by the same steps as the API."""
    project = batch.project
    reader = LineReader(registry.get(project.kind), overlap_min=project.overlap_min, overlap_max=project.overlap_max)
    run = open_ingest(batch, ingest_mode="partial", key="", by=by, now=now)
    sealer, tally = Sealer(project, run), Tally(lines=len(lines))
    for start in range(0, len(lines), STAGE_ROWS):
        chunk = enumerate(lines[start : start + STAGE_ROWS], start + 1)
        stage_lines(run, [sealer.row(reader.read(raw, number)) for number, raw in chunk], tally, now=now)
    merge_ingest(run, tally, by=by, now=now)


def answer_form() -> str:
    """Return the form that hands a piece in, on the first stretch of work."""
    return urlencode({"response": json.dumps({"piece": PIECE}), "fence": "1", "attest_original": "1"})


def session_of(user: User) -> tuple[str, str]:
    """Return the cookies and the CSRF token of somebody who has just signed in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[BEGAN] = session[SEEN] = int(time.time())
    session.save()
    request = RequestFactory().get("/")
    token = get_token(request)
    cookies = {
        settings.SESSION_COOKIE_NAME: session.session_key,
        settings.CSRF_COOKIE_NAME: request.META["CSRF_COOKIE"],
    }
    return "; ".join(f"{name}={value}" for name, value in cookies.items()), token
