"""The whole loop over HTTP alone, on real batches: from a lab's first page to the money at Stripe, to the cent."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management import call_command
from django.db import transaction
from pytest_django.live_server_helper import LiveServer

from accounts.clock import move_clock, set_offset
from accounts.outbox import drain, due
from kernel.db import app_now
from payments.checks import breaches
from payments.rates import fee_minor, pay_minor
from tests.journeys.cast import Expert, LabApi, Operator
from tests.journeys.people import Person, forms_of, words
from tests.stripe_fixture import StripeAtHand, hooks_to, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NDA = "# Agreement\n\n## 1. What is confidential\n\nAll that is shown.\n\n## 2. For how long\n\nFive years.\n"
EACH = 10
WORK_SECONDS, REVIEW_SECONDS = 90, 45
FUNDED_MINOR, BUDGET_MINOR = 9_000_00, 2_500_00
FIXED, RETURNED, REJECTED, LEFT_TO_THE_CLOCK = 6, 7, 8, 9
FEE_BPS = 2_000
PROSE = "The harbour kept its lamps lit through the fog, and the ferries answered one another by name. " * 8
WHY_REJECTED = "It leaves the question aside, cites nothing that bears on it, and repeats the whole prompt twice over."


@dataclass(frozen=True)
class Trade:
    """One kind of work: its file, who does it, and what the card pays them."""

    kind: str
    file: str
    lines: int
    domain: str
    code_name: str
    shape: str
    tier: int
    rate_minor: int
    review_rate_minor: int

    def answer(self, number: int) -> dict[str, Any]:
        """Return an answer that fits the kind."""
        if self.kind == "factuality":
            span = {"start": 0, "end": 20, "label": "unsupported", "evidence": "The sources do not say so."}
            return {
                "spans": [span],
                "verdict": "sound_after_corrections",
                "justification": f"Checked, number {number}.",
            }
        if self.kind == "demonstration":
            return {"answer": f"Yes. The holding turns on notice, as in matter {number}.", "citations": []}
        return {"piece": PROSE, "notes": f"Draft {number}."}

    def fixed(self) -> dict[str, str]:
        """Return the review form's fields for a version of the reviewer's own."""
        if self.kind == "factuality":
            return {"fixed_response": json.dumps({"spans": [], "verdict": "sound"})}
        return {"fixed_text": PROSE + "A last line, mended."}


TRADES = (
    Trade("factuality", "clinicians-factuality.ndjson", 1_000, "medicine", "Juniper", "ragtruth", 3, 150_00, 200_00),
    Trade("demonstration", "litigators-demonstration.ndjson", 616, "litigation", "Fenwick", "sft", 2, 80_00, 120_00),
    Trade("creative", "writers-creative.ndjson", 70, "fiction", "Larkspur", "sft", 2, 50_00, 75_00),
)


@dataclass
class Played:
    """What one trade came to: the projects and people, and what was owed to whom."""

    trade: Trade
    expert: Expert
    reviewer: Expert
    project: str = ""
    batch: str = ""
    exported: list[Any] = field(default_factory=list)


@dataclass
class Owed:
    """What people are owed by e-mail, and the fees on top, in cents."""

    pay: dict[str, int] = field(default_factory=dict)
    fees: int = 0

    def add(self, person: Person, seconds: int, rate_minor: int, with_fee: bool) -> None:
        """Add one piece of time."""
        pay = pay_minor(seconds, rate_minor)
        self.pay[person.email] = self.pay.get(person.email, 0) + pay
        self.fees += fee_minor(pay, FEE_BPS) if with_fee else 0


@pytest.fixture
def site(live_server: LiveServer, settings: Any, transactional_db: None) -> Iterator[str]:
    """Serve the site, with the house's clock on a Monday morning."""
    settings.PUBLIC_URL = live_server.url
    today = datetime.now(UTC)
    monday = (today - timedelta(days=today.weekday())).replace(hour=8, minute=0, second=0, microsecond=0)
    set_offset(monday - today)
    yield live_server.url
    set_offset(timedelta(0))


def jobs_done() -> None:
    """Do all that is due, as the workers would."""
    assert drain() >= 0


def tick(kind: str) -> None:
    """Let the beat's moment for ``kind`` come."""
    with transaction.atomic():
        due(kind, key=f"{kind}-{app_now().isoformat()}")
    jobs_done()


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the real batches are not beside the repository: ../shared/data")
def test_from_a_labs_first_page_to_the_transfers_at_stripe(site: str, stripe_at_hand: StripeAtHand) -> None:
    house = set_up_house(site, stripe_at_hand)
    owner, lab = join_as_lab(site, house["trust"])
    fund(owner, stripe_at_hand)
    played = [hire(site, trade, house) for trade in TRADES]
    for each in played:
        post_batch(lab, each)
    jobs_done()

    for each in played:
        do_ten(each)
    move_clock(timedelta(hours=73))
    tick("tasks.accept_by_clock")
    for each in played:
        export(lab, each)
    check_exports(played)
    owed = [check_pay(lab, each) for each in played]
    check_lab_money(lab, played, owed)
    pay_out(site, played, owed, stripe_at_hand)
    assert breaches() == []


def set_up_house(site: str, stripe: StripeAtHand) -> dict[str, Operator]:
    """Install the house, let Stripe know its addresses, and hire the operators."""
    stripe.order("hooks", hooks=hooks_to(site))
    call_command("install", owner="owner@guildhall.example", verbosity=0)
    return {
        "vetting": Operator.hired(site, "Vic Osei", "vetting"),
        "second": Operator.hired(site, "Wes Lund", "vetting"),
        "trust": Operator.hired(site, "Tam Reyes", "trust"),
    }


def join_as_lab(site: str, trust: Operator) -> tuple[Person, LabApi]:
    """Sign a lab up, have it approved, and make its key."""
    owner = Person(site, "lee@northwind.example", "Lee Okoye")
    owner.sign_up()
    owner.sign_in()
    owner.submit(
        owner.get("/labs/join/"),
        "/labs/join/",
        name="Northwind Research",
        country="US",
        terms="on",
        purpose="Evaluation",
    )
    desk = trust.get("/desk/labs/")
    address = re.search(r"/desk/labs/(lab_\w+)/", desk.text)
    assert address is not None
    trust.submit(desk, f"{address.group(1)}/", decision="approve", reason="A known company; contract seen")
    scopes = ["tasks:write", "results:read", "funds:read"]
    made = owner.submit(owner.get("/lab/keys/"), "/lab/keys/", label="Pipeline", mode="live", scopes=scopes)
    key = re.search(r"gh_live_\w+", made.text)
    assert key is not None
    return owner, LabApi(site, key.group(0))


def hire(site: str, trade: Trade, house: dict[str, Operator]) -> Played:
    """Let an expert and a reviewer apply, and vet them; tier 4 takes two operators."""
    people = []
    for role, tier in (("expert", trade.tier), ("reviewer", trade.tier + 1)):
        person = Expert(site, f"{role}@{trade.domain}.example", f"{role.title()} {trade.code_name}")
        person.apply(trade.domain, tier)
        address = house["vetting"].vet(person.name, reviews=role == "reviewer", domain=trade.domain)
        if tier >= 4:
            house["second"].confirm(address)
        people.append(person)
    return Played(trade, *people)


def post_batch(api: LabApi, played: Played) -> None:
    """Write a project down, fund it, post the real file and launch."""
    trade = played.trade
    agreement = api.post("/agreements", {"title": "Confidentiality", "code_name": trade.code_name}, status=201)
    versions = f"/agreements/{agreement['id']}/versions"
    version = api.post(versions, {"text": NDA}, status=201)
    api.post(f"{versions}/{version['id']}:publish")
    project = api.post("/projects", settings_of(trade, agreement["id"]), status=201, key=f"project-{trade.kind}")
    again = api.post("/projects", settings_of(trade, agreement["id"]), status=201, key=f"project-{trade.kind}")
    assert again["id"] == project["id"]
    played.project = project["id"]
    api.post(f"/projects/{played.project}/guidelines", {"text": "# How to judge\n\nBe exact."}, status=201)
    amount = {"amount_minor": BUDGET_MINOR, "currency": "USD"}
    api.post(f"/projects/{played.project}/budget:allocate", {"amount": amount})
    api.post(f"/projects/{played.project}:launch")
    batch = api.post(f"/projects/{played.project}/batches", {"name": "The whole file"}, status=201)
    played.batch = batch["id"]
    summary = api.push(f"/batches/{played.batch}/tasks", DATA / trade.file)
    assert (summary["accepted"], summary["rejected"], summary["errors"]) == (trade.lines, 0, [])
    summary = api.push(f"/batches/{played.batch}/tasks", DATA / trade.file)
    assert (summary["accepted"], summary["duplicates"]) == (0, trade.lines)
    api.post(f"/batches/{played.batch}:launch")


def settings_of(trade: Trade, agreement: str) -> dict[str, Any]:
    """Return the project as the lab writes it down."""
    return {
        "name": f"{trade.kind} of November",
        "code_name": trade.code_name,
        "kind": trade.kind,
        "domain": trade.domain,
        "tier_min": trade.tier,
        "agreement": agreement,
        "expected_seconds": 120,
        "cap_seconds": 240,
        "guideline_seconds": 60,
        "review_policy": "all",
    }


def do_ten(played: Played) -> None:
    """Take the seat, then do ten tasks: most are accepted; one is fixed, one returned, one rejected, one left alone."""
    expert, reviewer = played.expert, played.reviewer
    assert f"Sign the confidentiality agreement of {played.trade.code_name}" in words(expert.claim(status=409))
    expert.take_offer(played.trade.code_name)
    for number in range(EACH):
        hand_in(expert, expert.claim(), played.trade, number)
        if number == 0:
            jobs_done()
            reviewer.read_nda()
        if number == FIXED:
            judge(reviewer, "FIX", **played.trade.fixed())
        elif number == RETURNED:
            judge(reviewer, "RETURN", notes="Say which source the second point rests on.")
            hand_in(expert, take_up_again(expert), played.trade, number + EACH)
            judge(reviewer, "ACCEPT")
        elif number == REJECTED:
            judge(reviewer, "REJECT", notes=WHY_REJECTED, category="off_task")
        elif number != LEFT_TO_THE_CLOCK:
            judge(reviewer, "ACCEPT")
    jobs_done()


def hand_in(expert: Expert, bench: requests.Response, trade: Trade, number: int) -> None:
    """Work on the meter, save a draft, and submit."""
    answer = trade.answer(number)
    counted = expert.work(bench, WORK_SECONDS)
    assert WORK_SECONDS - 15 <= counted % 1000 <= 2 * WORK_SECONDS + 15
    revision = int(re.search(r'data-revision="(\d+)"', bench.text).group(1))  # type: ignore[union-attr]  # It is there.
    expert.post_json(bench, "draft/", {"revision": revision, "body": answer})
    done = expert.submit(bench, "/submit/", response=json.dumps(answer), attest_original="1")
    assert urlsplit(done.url).path == "/work/"


def take_up_again(expert: Expert) -> requests.Response:
    """Open the work that was sent back."""
    home = expert.get("/work/")
    sent_back = re.search(r'href="(/work/clm_\w+/result/)"', home.text)
    assert sent_back is not None
    return expert.submit(expert.get(sent_back.group(1)), "/resume/")


def judge(reviewer: Expert, decision: str, **values: str) -> None:
    """Claim the review, read on the meter, decide."""
    bench = reviewer.claim("review")
    reviewer.work(bench, REVIEW_SECONDS)
    done = reviewer.submit(bench, "/review/", decision=decision, **values)
    assert urlsplit(done.url).path == "/work/"


def export(api: LabApi, played: Played) -> None:
    """Have the file made and stream it."""
    made = api.post("/exports", {"project": played.project, "shape": played.trade.shape}, status=202)
    jobs_done()
    made = api.get(f"/exports/{made['id']}")
    assert made["state"] == "READY"
    played.exported = [json.loads(line) for line in api.pull(f"/exports/{made['id']}/download")]
    assert made["rows"] == len(played.exported) == EACH - 1


def fund(owner: Person, stripe: StripeAtHand) -> None:
    """Pay in by card on the funds page; the money counts once Stripe says so by webhook."""
    owner.submit(
        owner.get("/lab/funds/"), "/lab/funds/", amount=f"{FUNDED_MINOR // 100}.00", payment_method="pm_card_visa"
    )
    heard(stripe)
    assert "$9,000.00" in words(owner.get("/lab/funds/"))


def heard(stripe: StripeAtHand) -> None:
    """Wait until every event of Stripe's reached the site, then do what follows from it."""
    hooks, log = stripe.sandbox.world.hooks, stripe.sandbox.deliveries.log
    until = time.monotonic() + 20
    while len(log) < sum(hook.wants(event, account) for event, account in list(stripe.waiting) for hook in hooks):
        assert time.monotonic() < until, "Stripe's events did not reach the site"
        time.sleep(0.02)
    assert {status for *_, status in log} <= {200}
    jobs_done()


def check_exports(played: list[Played]) -> None:
    """Expect the accepted work, in the trainer's shape, with who did it and nothing that was not asked for."""
    for each in played:
        rows, trade = each.exported, each.trade
        assert len({row["external_id"] for row in rows}) == EACH - 1
        assert {row["provenance"]["tier"] for row in rows} == {trade.tier}
        assert len({row["provenance"]["expert"] for row in rows}) == 1
        if trade.shape == "ragtruth":
            assert [len(row["labels"]) for row in rows].count(0) == 1  # The one that the reviewer fixed.
            assert all(row["response"][:20] == label["text"] for row in rows for label in row["labels"])
        else:
            assert all(row["messages"][-1]["role"] == "assistant" for row in rows)


def statement_of(person: Person) -> list[dict[str, str]]:
    """Return a person's own statement of the year."""
    text = person.get(f"/earnings/statement-{app_now().year}.csv").text
    *lines, total = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(total["amount"])
    return lines


def check_pay(api: LabApi, played: Played) -> Owed:
    """Work out from seconds and the public card what is owed, and expect the statements to say the same cents."""
    trade, owed = played.trade, Owed()
    for submission in api.pages("/submissions", batch=played.batch, limit=100):
        if submission["is_newest"]:
            owed.add(played.expert, submission["active_seconds"], trade.rate_minor, submission["state"] == "ACCEPTED")
    for line in statement_of(played.reviewer):
        owed.add(played.reviewer, int(line["seconds"]), trade.review_rate_minor, True)
    for person in (played.expert, played.reviewer):
        stated = sum(int(Decimal(line["amount"]) * 100) for line in statement_of(person))
        assert stated == owed.pay[person.email]
    assert len(statement_of(played.expert)) == EACH
    assert len(statement_of(played.reviewer)) == EACH  # One answer was reviewed twice, one by nobody.
    return owed


def check_lab_money(api: LabApi, played: list[Played], owed: list[Owed]) -> None:
    """Expect the lab's five numbers to add up, and each project's, with nothing held any more."""
    spent = [sum(each.pay.values()) + each.fees for each in owed]
    for each, cost in zip(played, spent, strict=True):
        budget = api.get(f"/projects/{each.project}/budget")
        assert budget == {
            "currency": "USD",
            "allocated_minor": BUDGET_MINOR,
            "held_minor": 0,
            "spent_minor": cost,
            "available_minor": BUDGET_MINOR - cost,
        }
        cost_of_batch = api.get(f"/batches/{each.batch}")["cost"]
        assert cost_of_batch["pay_minor"] + cost_of_batch["fee_minor"] == cost
    balance = api.get("/balance")
    assert balance == {
        "currency": "USD",
        "prepaid_minor": FUNDED_MINOR,
        "allocated_minor": len(played) * BUDGET_MINOR - sum(spent),
        "held_minor": 0,
        "spent_minor": sum(spent),
        "available_minor": FUNDED_MINOR - len(played) * BUDGET_MINOR,
    }


def pay_out(site: str, played: list[Played], owed: list[Owed], stripe: StripeAtHand) -> None:
    """Open everybody's account at Stripe, build the week's run, have it approved by another, and see it arrive."""
    pay = {email: minor for each in owed for email, minor in each.pay.items()}
    for person in [person for each in played for person in (each.expert, each.reviewer)]:
        open_account(person)
    heard(stripe)
    move_clock(timedelta(days=4))
    finance, approver = Operator.hired(site, "Fay Novak", "finance"), Operator.hired(site, "Gil Stone", "finance")
    built = finance.submit(finance.get("/desk/payouts/"), "/build/")
    run = urlsplit(built.url).path
    submitted = finance.submit(built, "/submit/")
    asked = approver.get(run)
    refused(finance, submitted, f"{run}approve/", content_sha256=sha_in(asked))

    approver.submit(asked, "/approve/", saw_unusual="on", means_total="on")
    jobs_done()
    heard(stripe)

    sent = stripe.transfers(run.rstrip("/").rpartition("/")[2])
    assert sorted(each["amount"] for each in sent) == sorted(pay.values())
    assert len({each["destination"] for each in sent}) == len(pay)
    for person in [person for each in played for person in (each.expert, each.reviewer)]:
        assert {line["state"] for line in statement_of(person)} == {"PAID"}
    assert "Completed" in words(finance.get(run))


def open_account(person: Person) -> None:
    """Go to Stripe by a fresh link, give everything, and come back."""
    link = person.submit(person.get("/earnings/payee/"), "/earnings/payee/")
    address = re.search(r'href="(http://127\.0\.0\.1[^"]+)"', link.text)
    assert address is not None
    at_stripe = person.get(address.group(1))
    back = person.submit(at_stripe, "", outcome="complete")
    assert "You can be paid" in words(back)


def refused(builder: Person, page: requests.Response, address: str, content_sha256: str) -> None:
    """Expect that whoever built a run cannot approve it, whatever form they send."""
    token = next(form.values["csrfmiddlewaretoken"] for form in forms_of(page) if "csrfmiddlewaretoken" in form.values)
    sent = {"csrfmiddlewaretoken": token, "saw_unusual": "on", "means_total": "on", "content_sha256": content_sha256}
    answer = builder.session.post(f"{builder.site}{address}", data=sent, headers={"Referer": page.url}, timeout=60)
    assert answer.status_code == 403
    assert "built" in words(answer)


def sha_in(page: requests.Response) -> str:
    """Return the hash of the content that a page asks to approve."""
    found = [form.values["content_sha256"][0] for form in forms_of(page) if "content_sha256" in form.values]
    assert found, words(page)
    return found[0]
