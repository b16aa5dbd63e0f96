"""Cases at their doors: an expert's pages, the desk, and the labs' API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from agreements.actions import install_house_agreement, sign_version
from agreements.models import ContentAccess
from experts.models import Case
from kernel.db import app_now
from tasks.actions import cases
from tasks.actions.reviews import decide_review
from tasks.models import Claim
from tests.accounts.factories import add_totp, log_in, make_operator
from tests.labs.factories import ApiClient, make_client, ok
from tests.tasks.factories import World, claim_for, make_lab, make_world, submitted

pytestmark = pytest.mark.django_db

WHY = "The label that I cite gives exactly this dose, twelve hours after the last one."
REASONS = "The label says what the answer says. The rejection quotes an older edition of it."


def decided(world: World, decision: str, now: datetime) -> Claim:
    """Return Cyd's work, judged at once."""
    claim = submitted(world, now=now).claim
    review = claim_for(world.ada, kind="review", now=now)
    decide_review(review.pk, expert=world.ada, fence=1, decision=decision, category="incorrect", notes=WHY * 2, now=now)
    return Claim.objects.select_related("expert").get(pk=claim.pk)


def make_trust(name: str) -> User:
    """Return a trust operator who has signed the house agreement."""
    now = app_now()
    user = make_operator("trust", name=name)
    version = install_house_agreement(by=None, now=now)
    sign_version(version, user=user, typed_name=user.name, consent=True, ip=None, user_agent="", now=now)
    return user


@pytest.fixture
def world() -> World:
    return make_world(now=app_now())


@pytest.fixture
def cyd(world: World) -> Client:
    client = Client()
    client.force_login(world.cyd.user)
    return client


@pytest.fixture
def rejected(world: World) -> Claim:
    return decided(world, "REJECT", app_now())


def ask(cyd: Client, claim: Claim, **given: str) -> Any:
    return cyd.post(reverse("tasks:ask_case", args=[claim.pk]), {"kind": "review", "words": WHY, **given})


def test_an_expert_asks_reads_the_reasons_and_appeals(cyd: Client, rejected: Claim) -> None:
    tess = log_in(Client(), make_trust("Tess"))
    work = cyd.get(reverse("tasks:submission", args=[rejected.pk])).content.decode()
    made = ask(cyd, rejected)
    case = Case.objects.get()
    tess.post(reverse("tasks:take_case", args=[case.pk]))
    done = tess.post(reverse("tasks:decide_case", args=[case.pk]), {"outcome": "dismissed", "reasons": REASONS})
    page = cyd.get(reverse("tasks:case", args=[case.pk])).content.decode()
    appealed = cyd.post(reverse("tasks:case", args=[case.pk]), {"words": WHY})

    assert reverse("tasks:ask_case", args=[rejected.pk]) in work
    assert (made["Location"], done["Location"]) == (reverse("tasks:case", args=[case.pk]), reverse("tasks:case_desk"))
    assert [text in page for text in (WHY, REASONS, "Dismissed", "Ask a second person", "Tess")] == [*[True] * 4, False]
    assert appealed.status_code == 302
    assert Case.objects.get().state == "APPEALED"


def test_the_desk_opens_the_work_and_writes_down_who_looked(cyd: Client, rejected: Claim) -> None:
    ask(cyd, rejected)
    case, user = Case.objects.get(), make_trust("Tess")

    page = log_in(Client(), user).get(reverse("tasks:case_desk"), follow=True).content.decode()

    assert [text in page for text in (WHY, "lithium", "Take it", "Cyd Marlowe")] == [True] * 4
    looked = ContentAccess.objects.filter(viewer=user.public_id).values_list("subject", "purpose")
    assert set(looked) == {
        (rejected.task.public_id, f"To decide {case.public_id}"),
        (case.public_id, f"To decide {case.public_id}"),
    }


def test_who_has_a_part_in_it_sees_where_it_stands_and_no_content(cyd: Client, rejected: Claim) -> None:
    ask(cyd, rejected)
    user = rejected.expert.user
    user.role_grants.create(role="trust", reason="Hired", granted_at=app_now())
    add_totp(user)

    page = log_in(Client(), user).get(reverse("tasks:case_desk_one", args=[Case.objects.get().pk])).content.decode()

    assert ("This is about your own work" in page, WHY in page) == (True, False)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"words": ""}, "Say what happened"), ({"words": "Too short."}, "at least 40 characters"), ({"kind": "x"}, "")],
)
def test_what_is_wrong_with_a_question_is_said_and_nothing_is_lost(
    cyd: Client, rejected: Claim, given: dict[str, str], said: str
) -> None:
    answer = ask(cyd, rejected, **given)

    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Case.objects.exists()


def test_a_decision_without_reasons_or_with_too_much_time_is_not_taken(cyd: Client, rejected: Claim) -> None:
    ask(cyd, rejected)
    case, user = Case.objects.get(), make_trust("Tess")
    tess = log_in(Client(), user)
    cases.take_case(case.pk, by=user, now=app_now())
    address = reverse("tasks:decide_case", args=[case.pk])

    bare = tess.post(address, {"outcome": "upheld"})
    greedy = tess.post(address, {"outcome": "upheld", "minutes": "900", "reasons": REASONS})

    assert [bare.status_code, greedy.status_code] == [422, 422]
    assert ("Give your reasons" in bare.content.decode(), "can be added" in greedy.content.decode()) == (True, True)
    assert not case.decisions.exists()


def test_withholding_names_a_claim_and_is_decided_by_somebody_else(world: World) -> None:
    claim, user = decided(world, "ACCEPT", app_now()), make_trust("Tess")
    tess = log_in(Client(), user)

    wrong = tess.post(reverse("tasks:withhold"), {"claim": "clm_nothing", "words": WHY})
    made = tess.post(reverse("tasks:withhold"), {"claim": claim.public_id, "words": WHY})
    case = Case.objects.get()
    taken = tess.post(reverse("tasks:take_case", args=[case.pk]))

    assert (wrong.status_code, "no such claim" in wrong.content.decode()) == (422, True)
    assert made["Location"] == reverse("tasks:case_desk_one", args=[case.pk])
    assert taken.status_code == 409


def test_lists_ask_as_much_for_one_case_as_for_three(world: World, cyd: Client) -> None:
    tess, counts = log_in(Client(), make_trust("Tess")), []
    for client, name in ((cyd, "tasks:cases"), (tess, "tasks:case_desk")):
        client.get(reverse(name))  # The first page of a session notes which door it came by.
    for hours in (3, 2, 1):
        ask(cyd, decided(world, "REJECT", app_now() - timedelta(hours=hours)))
        first = reverse("tasks:case_desk_one", args=[Case.objects.earliest("pk").pk])
        pages = [(cyd, reverse("tasks:cases")), (tess, first)]
        counts.append([queries_of(client, address) for client, address in pages])

    assert counts[0] == counts[1] == counts[2]


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as statements:
        assert client.get(address).status_code == 200
    return len(statements)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def test_a_lab_asks_for_a_refund_reads_the_reasons_and_appeals(world: World, lab: ApiClient) -> None:
    claim = decided(world, "ACCEPT", app_now())
    submission = claim.submissions.get().public_id
    made = ok(lab.post("/cases", {"submission": submission, "words": WHY}, key="once"), 201)
    again = ok(lab.post("/cases", {"submission": submission, "words": WHY}, key="once"), 201)
    case, user = Case.objects.get(), make_trust("Tess")
    cases.take_case(case.pk, by=user, now=app_now())
    cases.decide_case(case.pk, by=user, outcome="dismissed", seconds=0, reasons=REASONS, now=app_now())

    shown = ok(lab.get(f"/cases/{made['id']}"))
    appealed = ok(lab.post(f"/cases/{made['id']}:appeal", {"words": WHY}))

    assert (made, made["about"], made["opened_by"], made["state"]) == (again, "refund", "lab", "OPEN")
    assert [(row["outcome"], row["reasons"]) for row in shown["decisions"]] == [("dismissed", REASONS)]
    assert appealed["state"] == "APPEALED"
    assert [row["id"] for row in ok(lab.get("/cases"))["data"]] == [made["id"]]


def test_a_lab_asks_about_its_own_accepted_work_alone(world: World, lab: ApiClient, rejected: Claim) -> None:
    submission = rejected.submissions.get().public_id
    eve = make_client(*make_lab("Eve's"))

    not_accepted = lab.post("/cases", {"submission": submission, "words": WHY})
    not_hers = eve.post("/cases", {"submission": submission, "words": WHY})
    no_words = lab.post("/cases", {"submission": submission, "words": "Bad."})

    assert [answer.status_code for answer in (not_accepted, not_hers, no_words)] == [409, 422, 422]
    assert [error["pointer"] for error in no_words.json()["errors"]] == ["/words"]


def test_a_lab_sees_that_its_expert_asked_but_not_what_they_wrote(cyd: Client, rejected: Claim, lab: ApiClient) -> None:
    ask(cyd, rejected)

    (row,) = ok(lab.get("/cases"))["data"]
    shown = lab.get(f"/cases/{row['id']}")

    assert (row["about"], row["opened_by"], row["decisions"]) == ("review", "expert", [])
    assert WHY not in shown.content.decode()
    assert lab.post(f"/cases/{row['id']}:appeal", {"words": WHY}).status_code == 409
