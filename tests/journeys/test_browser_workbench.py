"""The workbench in a real browser: one task of each kind, its review, and what happens when things go wrong."""

from __future__ import annotations

import re

import orjson
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from agreements.gate import open_content
from kernel.db import app_now
from kernel.money import Money
from tasks import content
from tasks.actions import publishing, routes, submissions
from tasks.actions.claims import claim_next
from tasks.models import Claim, Draft, Project, Submission
from tests.browser import OpenPage, breaches, overflow
from tests.tasks.factories import World, claim_for, hand_in, make_batch, make_project, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# An astral character and a carriage return: offsets are code points of exactly this.
SENTENCES = (
    "Lithium 🙂 is renal.",
    "The effect is complete within 24 hours, as Hartmann showed in 2019.\r",
    "Ask about ibuprofen.",
)
POSTED = "\n\n".join(SENTENCES)
FACTUALITY = {"prompt": "When do I check the level again?", "response": POSTED, "sources": [{"title": "The label"}]}
CREATIVE = {"brief": "Nobody says the word “sold”.", "length": {"min_words": 5, "max_words": 60}}
PIECE = "Boxes. Nora wraps plates in newspaper."
GUIDELINES = "# Rules\n\nBe exact.\n\nCite a label, a guideline or a textbook chapter.\n"
ANSWER = "Twelve hours after the last dose, once the level is **steady**."
SPANS = [{"start": 22, "end": 32, "label": "invented", "evidence": "No such trial."}]


@pytest.fixture
def world() -> World:
    return make_world(now=app_now(), tasks=2)


def open_project(world: World, kind: str, payload: dict[str, object]) -> Project:
    """Put a second project of a kind beside the world's own."""
    now = app_now()
    project = make_project(
        world.lab,
        world.owner,
        domain=world.project.domain,
        version=world.version,
        now=now,
        kind=kind,
        code_name="Juniper",
    )
    publishing.publish_guideline(project, text="One claim, **one span**.", by=world.owner, now=now)
    publishing.deallocate_budget(world.project, Money(5_000_00, "USD"), by=world.owner, now=now)
    publishing.allocate_budget(project, Money(5_000_00, "USD"), by=world.owner, now=now)
    publishing.launch_project(project, by=world.owner, now=now)
    make_batch(project, world.owner, tasks=2, payload=payload, now=now)
    routes.compute_eligibility(project, now=now)
    return project


def claim_from_home(page: Page, code_name: str) -> None:
    """Press the claim button of a project on the expert's home."""
    page.goto(reverse("tasks:home"))
    page.get_by_role("button", name=f"Claim in {code_name}").click()
    expect(page.locator("#wb-bar")).to_be_visible()
    page.wait_for_load_state()  # The bar is there before the scripts, which a key pressed now would miss.


def response_of(submission: Submission) -> dict[str, object]:
    """Open a handed-in answer as its own expert."""
    claim = submission.claim
    (raw,) = open_content(
        claim.expert.user,
        agreement=claim.project.agreement,
        pinned=claim.agreement_version,
        subject=submission.public_id,
        purpose="test",
        at=app_now(),
        contents=[content.response_of(submission, claim.project)],
    )
    found: dict[str, object] = orjson.loads(raw)
    return found


def the_submission() -> dict[str, object]:
    return response_of(Submission.objects.select_related("claim__project", "claim__expert__user").get())


def mark(page: Page, first: int, words: int, label: str, evidence: str) -> None:
    """Mark ``words`` words from word ``first`` of the reply, with keys alone."""
    page.keyboard.press("m")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    for _ in range(first):
        page.keyboard.press("ArrowRight")
    for _ in range(words - 1):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press(label)
    expect(page.locator("[data-evidence]")).to_be_focused()
    page.keyboard.type(evidence)


def saved(page: Page) -> None:
    """Wait until the page says that the draft is stored."""
    expect(page.locator("#wb-draft")).to_have_text(re.compile(r"^Saved \d"), timeout=8_000)


def test_a_reply_is_checked_with_keys_alone(world: World, page: OpenPage) -> None:
    open_project(world, "factuality", FACTUALITY)
    tab = page(world.cyd.user)
    claim_from_home(tab, "Juniper")

    mark(tab, first=5, words=5, label="c", evidence="It takes days.")
    tab.keyboard.press("Escape")
    tab.get_by_label("Would mislead a reader").check()
    saved(tab)
    assert breaches(tab) == []
    tab.keyboard.press("Control+Enter")

    expect(tab.get_by_text("Submitted:")).to_be_visible()
    answer = the_submission()
    span = answer["spans"][0]  # type: ignore[index]  # An answer to a factuality task has spans.
    assert (span["start"], span["end"]) == (25, 53)
    assert span["text"] == POSTED[25:53]
    assert (span["label"], span["evidence"], answer["verdict"]) == ("contradicted", "It takes days.", "misleading")


def test_a_reply_is_checked_with_a_pointer_too(world: World, page: OpenPage) -> None:
    open_project(world, "factuality", FACTUALITY)
    tab = page(world.cyd.user)
    claim_from_home(tab, "Juniper")

    tab.locator("#reply p").nth(2).dblclick(position={"x": 8, "y": 12})
    tab.get_by_role("button", name="Unverifiable").click()
    tab.locator("[data-evidence]").fill("No survey found.")
    tab.get_by_role("button", name="Done").click()
    tab.get_by_label("Sound after the corrections").check()
    tab.locator("#wb-submit").click()

    expect(tab.get_by_text("Submitted:")).to_be_visible()
    (span,) = the_submission()["spans"]  # type: ignore[misc]  # An answer to a factuality task has spans.
    assert POSTED[span["start"] : span["end"]] == "Ask"


def test_an_answer_without_a_verdict_comes_back_with_its_findings(world: World, page: OpenPage) -> None:
    open_project(world, "factuality", FACTUALITY)
    tab = page(world.cyd.user)
    claim_from_home(tab, "Juniper")
    mark(tab, first=1, words=1, label="u", evidence="Nothing given.")

    tab.locator("#wb-submit").click()

    expect(tab.get_by_text("Not submitted.")).to_be_visible()
    expect(tab.locator("mark.gh-unsupported")).to_have_count(1)
    assert breaches(tab) == []


def test_a_demonstration_is_written_previewed_saved_and_handed_in(world: World, page: OpenPage) -> None:
    tab = page(world.cyd.user)
    claim_from_home(tab, "Saltmarsh")

    tab.get_by_label("The answer").fill(ANSWER)
    saved(tab)
    tab.reload()
    expect(tab.get_by_label("The answer")).to_have_value(ANSWER)
    tab.get_by_role("button", name="Preview").click()
    expect(tab.locator("#preview strong")).to_have_text("steady")
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_role("button", name="Add").click()
    tab.keyboard.type("Label, section 2")
    tab.locator("#wb-submit").click()

    expect(tab.get_by_text("Submitted:")).to_be_visible()
    assert the_submission() == {"answer": ANSWER, "citations": [{"citation": "Label, section 2"}]}


def test_a_piece_is_handed_in_only_with_its_attestation(world: World, page: OpenPage) -> None:
    open_project(world, "creative", CREATIVE)
    tab = page(world.cyd.user)
    claim_from_home(tab, "Juniper")

    tab.get_by_label("The piece").fill(PIECE)
    tab.locator("#wb-submit").click()
    expect(tab.get_by_text("Please confirm")).to_be_visible()
    tab.get_by_label("This is my own writing").check()
    tab.locator("#wb-submit").click()

    expect(tab.get_by_text("Submitted:")).to_be_visible()
    assert the_submission() == {"piece": PIECE}


def test_a_review_fixes_the_answer_with_keys(world: World, page: OpenPage) -> None:
    claim = claim_for(world.cyd, now=app_now())
    hand_in(claim, world.cyd, now=app_now())
    tab = page(world.ada.user)
    claim_from_home(tab, "Saltmarsh")

    tab.keyboard.press("f")
    expect(tab.locator("#fixed-text")).to_be_focused()
    tab.locator("#fixed-text").fill("Twelve hours after the last dose.")
    tab.locator("#wb-fix").focus()
    assert breaches(tab) == []
    tab.keyboard.press("Enter")

    expect(tab.get_by_text("Fixed and accepted.")).to_be_visible()
    claim.refresh_from_db()
    assert (claim.state, claim.decision) == ("ACCEPTED", "fixed")


def test_a_review_of_spans_starts_from_the_experts_own(world: World, page: OpenPage) -> None:
    project = open_project(world, "factuality", FACTUALITY)
    claim = submit_spans(world, project)
    tab = page(world.ada.user)
    claim_from_home(tab, "Juniper")

    expect(tab.locator("mark.gh-invented")).to_have_count(1)
    tab.keyboard.press("a")
    expect(tab.get_by_role("button", name="Accept")).to_be_focused()
    tab.keyboard.press("Enter")

    expect(tab.get_by_text("Accepted. Your review")).to_be_visible()
    claim.refresh_from_db()
    assert claim.decision == "accepted"


def submit_spans(world: World, project: Project) -> Claim:
    from_project = claim_in(world, project)
    response = {"spans": SPANS, "verdict": "misleading"}
    submissions.submit(
        from_project.pk, expert=world.cyd, fence=from_project.fence, response=response, attestations={}, now=app_now()
    )
    return from_project


def claim_in(world: World, project: Project) -> Claim:
    return claim_next(world.cyd, project=project, now=app_now())


@pytest.mark.parametrize(("dark", "width"), [(False, 1_280), (True, 390)])
def test_changed_guidelines_are_read_and_what_was_typed_stays(
    world: World, page: OpenPage, dark: bool, width: int
) -> None:
    now = app_now()
    publishing.publish_guideline(world.project, text=GUIDELINES, by=world.owner, now=now)
    hand_in(claim_for(world.cyd, now=now), world.cyd, now=now)
    text = GUIDELINES.replace("Be exact.", "Be exact, and brief.")
    publishing.publish_guideline(world.project, text=text, note="Length matters.", by=world.owner, now=now)
    cyd = page(world.cyd.user, dark=dark, width=width)
    claim_from_home(cyd, "Saltmarsh")
    cyd.get_by_label("The answer").fill(ANSWER)
    saved(cyd)

    cyd.get_by_role("button", name="What changed").press("Enter")

    expect(cyd.locator("#guide-changes ins")).to_have_text("exact, and brief.")
    assert (breaches(cyd), overflow(cyd)) == ([], 0)
    cyd.keyboard.press("Escape")
    assert (breaches(cyd), overflow(cyd)) == ([], 0)
    cyd.get_by_role("button", name="I have read version 2").press("Enter")
    expect(cyd.get_by_role("button", name="What changed")).to_have_count(0)
    expect(cyd.get_by_label("The answer")).to_have_value(ANSWER)


def test_what_is_typed_offline_is_kept_and_sent_later(world: World, page: OpenPage) -> None:
    tab = page(world.cyd.user)
    claim_from_home(tab, "Saltmarsh")

    tab.context.set_offline(True)
    tab.get_by_label("The answer").fill("Typed on a train.")
    expect(tab.get_by_text("No connection.")).to_be_visible()
    expect(tab.locator("#wb-draft")).to_have_text("Saved here")
    assert breaches(tab) == []
    tab.context.set_offline(False)

    saved(tab)
    assert Draft.objects.get().revision == 1


def test_of_two_tabs_the_first_says_that_it_is_over(world: World, page: OpenPage) -> None:
    first = page(world.cyd.user)
    claim_from_home(first, "Saltmarsh")
    second = first.context.new_page()
    second.goto(first.url)

    first.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(first.get_by_text("taken over in another tab")).to_be_visible()
    expect(second.locator("#wb-taken")).to_be_hidden()
    assert breaches(first) == []


def test_a_newer_draft_is_not_overwritten_before_the_expert_chooses(world: World, page: OpenPage) -> None:
    tab = page(world.cyd.user)
    claim_from_home(tab, "Saltmarsh")
    claim = Claim.objects.get()
    submissions.save_draft(claim.pk, expert=world.cyd, body={"answer": "From the phone."}, revision=0, now=app_now())

    tab.get_by_label("The answer").fill("From the desk.")
    expect(tab.get_by_text("A newer draft was saved somewhere else.")).to_be_visible()
    assert breaches(tab) == []
    tab.get_by_role("button", name="Keep what is here").click()

    saved(tab)
    assert Draft.objects.get().revision == 2


def test_the_lease_warns_a_minute_before_and_one_key_extends_it(world: World, page: OpenPage) -> None:
    tab = page(world.cyd.user)
    tab.clock.install()
    claim_from_home(tab, "Saltmarsh")
    tab.route("**/beat/", lambda route: route.abort())

    tab.clock.fast_forward("14:30")
    expect(tab.locator("#wb-warn-text")).to_contain_text("The lease ends in")
    assert breaches(tab) == []
    tab.keyboard.press("e")
    tab.clock.run_for(1_500)

    expect(tab.locator("#wb-warn")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_of_an_expert_is_sound_in_both_modes(world: World, page: OpenPage, dark: bool, width: int) -> None:
    open_project(world, "factuality", FACTUALITY)
    tab = page(world.cyd.user, dark=dark, width=width)
    found: dict[str, object] = {}
    for name in ("landing", "tasks:home", "tasks:offers", "tasks:mine"):
        tab.goto(reverse(name))
        found[name] = (breaches(tab), overflow(tab))
    claim_from_home(tab, "Juniper")
    found["workbench"] = (breaches(tab), overflow(tab))
    tab.keyboard.press("?")
    expect(tab.locator("#keys-sheet")).to_be_visible()
    found["keys"] = (breaches(tab), overflow(tab))

    assert found == {name: ([], 0) for name in found}
