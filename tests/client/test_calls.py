"""Every call of the API has a method, which sends what the description of that call says, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import jsonschema_rs
import pytest

from guildhall import Guildhall
from tests.client.description import COMPONENTS, OPERATIONS
from tests.client.misbehaving import Request, says, serving

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
WHY = "It leaves the question aside, cites nothing that bears on it, and repeats the whole prompt twice over, at ease."
PROJECT: Any = {
    "name": "Night", "code_name": "Owl", "kind": "creative", "domain": "fiction", "tier_min": 2, "agreement": "agr_1",
    "expected_seconds": 900,
}  # fmt: skip
TASK: Any = {"external_id": "t", "payload": {"brief": "A ferry."}, "tags": ["sea"], "metadata": {"n": 1}}
NETWORKS = ["203.0.113.0/24"]
MONEY: Any = {"amount_minor": 100, "currency": "USD"}
PAGE = {"data": [{"id": "x_1"}], "next_cursor": None, "last": None}

CALLS: dict[str, Callable[[Guildhall], Any]] = {
    "accept_submission": lambda lab: lab.submissions.accept("sub_1"),
    "allocate_budget": lambda lab: lab.projects.allocate("prj_1", **MONEY),
    "answer_question": lambda lab: lab.projects.answer_question("prj_1", "qst_1", text="Yes.", is_public=True),
    "appeal_case": lambda lab: lab.cases.appeal("cas_1", words=WHY),
    "cancel_batch": lambda lab: lab.batches.cancel("bat_1", reason="Superseded"),
    "cancel_task": lambda lab: lab.tasks.cancel("tsk_1"),
    "close_project": lambda lab: lab.projects.close("prj_1"),
    "create_agreement": lambda lab: lab.agreements.create(title="NDA", code_name="Owl"),
    "create_batch": lambda lab: lab.batches.create(
        "prj_1", name="All", priority=3, due_at=AT, cap_minor=500, tasks=[TASK], simulation={"seed": 7}
    ),
    "create_export": lambda lab: lab.exports.create(shape="sft", batch="bat_1", format="parquet", since="s.1"),
    "create_funding": lambda lab: lab.funds.pay_in(**MONEY, method="invoice", po_number="PO-1"),
    "create_key": lambda lab: lab.keys.create(
        label="Trainer", scopes=["results:read"], expires_at=AT, allowed_networks=NETWORKS
    ),
    "create_project": lambda lab: lab.projects.create(PROJECT),
    "create_webhook": lambda lab: lab.webhooks.create(
        url="https://lab.example.org/hook", description="Ours", types=["export.ready"]
    ),
    "deallocate_budget": lambda lab: lab.projects.deallocate("prj_1", **MONEY),
    "delete_file": lambda lab: lab.files.delete("file_1"),
    "delete_webhook": lambda lab: lab.webhooks.delete("whk_1"),
    "download_file": lambda lab: lab.files.content("file_1"),
    "draft_agreement_version": lambda lab: lab.agreements.draft_version("agr_1", text="# NDA", note="New", urgent=True),
    "drain_batch": lambda lab: lab.batches.drain("bat_1"),
    "fix_submission": lambda lab: lab.submissions.fix("sub_1", response={"piece": "Fog."}, notes="Shorter"),
    "get_agreement": lambda lab: lab.agreements.get("agr_1"),
    "get_balance": lambda lab: lab.funds.balance(currency="EUR"),
    "get_batch": lambda lab: lab.batches.get("bat_1"),
    "get_case": lambda lab: lab.cases.get("cas_1"),
    "get_export": lambda lab: lab.exports.get("exp_1"),
    "get_export_manifest": lambda lab: lab.exports.manifest("exp_1"),
    "get_file": lambda lab: lab.files.get("file_1"),
    "get_funding": lambda lab: lab.funds.funding("fnd_1"),
    "get_key": lambda lab: lab.keys.get("key_1"),
    "get_me": lambda lab: lab.me(),
    "get_project": lambda lab: lab.projects.get("prj_1"),
    "get_project_budget": lambda lab: lab.projects.budget("prj_1"),
    "get_project_quality": lambda lab: lab.projects.quality("prj_1"),
    "get_spend": lambda lab: lab.funds.spend(
        by=["batch", "week"], project="prj_1", since=date(2026, 1, 5), until=date(2026, 2, 2), currency="EUR"
    ),
    "get_submission": lambda lab: lab.submissions.get("sub_1", with_response=True),
    "get_task": lambda lab: lab.tasks.get("tsk_1", with_payload=True),
    "get_webhook": lambda lab: lab.webhooks.get("whk_1"),
    "get_webhook_delivery": lambda lab: lab.webhooks.delivery("whk_1", "dlv_1"),
    "launch_batch": lambda lab: lab.batches.launch("bat_1"),
    "launch_project": lambda lab: lab.projects.launch("prj_1"),
    "list_agreement_signers": lambda lab: list(lab.agreements.signers("agr_1")),
    "list_agreement_versions": lambda lab: list(lab.agreements.versions("agr_1")),
    "list_agreements": lambda lab: list(lab.agreements.all()),
    "list_batches": lambda lab: list(lab.batches.all(state="RUNNING")),
    "list_cases": lambda lab: list(lab.cases.all()),
    "list_events": lambda lab: list(lab.events.all(after="p.1")),
    "list_export_schemas": lambda lab: lab.exports.schemas(),
    "list_exports": lambda lab: list(lab.exports.all()),
    "list_files": lambda lab: list(lab.files.all()),
    "list_fundings": lambda lab: list(lab.funds.fundings()),
    "list_guidelines": lambda lab: list(lab.projects.guidelines("prj_1")),
    "list_keys": lambda lab: list(lab.keys.all()),
    "list_ledger": lambda lab: list(lab.funds.ledger(account="held", project="prj_1", currency="EUR")),
    "list_project_batches": lambda lab: list(lab.batches.all(project="prj_1", state="DRAFT")),
    "list_projects": lambda lab: list(lab.projects.all(state="LIVE")),
    "list_questions": lambda lab: list(lab.projects.questions("prj_1", answered=False)),
    "list_submissions": lambda lab: list(
        lab.submissions.all(batch="bat_1", task="tsk_1", state="ACCEPTED", with_response=True)
    ),
    "list_tasks": lambda lab: list(lab.tasks.all("bat_1", external_id="t", state="OPEN", tag="sea", with_payload=True)),
    "list_webhook_deliveries": lambda lab: list(lab.webhooks.deliveries("whk_1", state="FAILED")),
    "list_webhooks": lambda lab: list(lab.webhooks.all()),
    "open_case": lambda lab: lab.cases.open(submission="sub_1", words=WHY),
    "pause_batch": lambda lab: lab.batches.pause("bat_1"),
    "pause_project": lambda lab: lab.projects.pause("prj_1"),
    "post_tasks": lambda lab: lab.tasks.post("bat_1", [TASK], mode="all_or_nothing"),
    "publish_agreement_version": lambda lab: lab.agreements.publish_version("agr_1", "avr_1"),
    "publish_guideline": lambda lab: lab.projects.publish_guideline("prj_1", text="# Rules", note="First"),
    "quote_batch": lambda lab: lab.batches.quote("bat_1"),
    "reject_submission": lambda lab: lab.submissions.reject("sub_1", category="off_task", notes=WHY),
    "replay_webhook_delivery": lambda lab: lab.webhooks.replay("whk_1", "dlv_1"),
    "resume_batch": lambda lab: lab.batches.resume("bat_1"),
    "resume_project": lambda lab: lab.projects.resume("prj_1"),
    "revoke_key": lambda lab: lab.keys.revoke("key_1"),
    "rotate_key": lambda lab: lab.keys.rotate("key_1"),
    "rotate_webhook_secret": lambda lab: lab.webhooks.rotate_secret("whk_1"),
    "test_webhook": lambda lab: lab.webhooks.test("whk_1"),
    "update_batch": lambda lab: lab.batches.update("bat_1", {"name": "All", "due_at": None, "cap_minor": None}),
    "update_key": lambda lab: lab.keys.update("key_1", allowed_networks=NETWORKS),
    "update_project": lambda lab: lab.projects.update("prj_1", {"tier_max": 4, "languages": ["en"]}),
    "update_task": lambda lab: lab.tasks.update("tsk_1", priority=5),
    "update_webhook": lambda lab: lab.webhooks.update("whk_1", {"state": "DISABLED"}),
    "upload_file": lambda lab: lab.files.upload(b"\x89PNG", media_type="image/png"),
}
ELSEWHERE = {"download_export"}  # test_pulling.py


def test_every_call_of_the_api_has_a_method() -> None:
    assert set(OPERATIONS) == set(CALLS) | ELSEWHERE


@pytest.mark.parametrize("name", CALLS)
def test_a_method_sends_what_the_api_describes(name: str) -> None:
    with serving(says(PAGE)) as site, site.client() as lab:
        CALLS[name](lab)

    (request,) = site.requests
    method, path, operation = OPERATIONS[name]
    assert request.method == method
    assert re.fullmatch(re.sub(r"\{\w+\}", r"[a-z]+_1", path), request.path)
    assert request.headers["authorization"] == "Bearer gh_test_key"
    assert ("idempotency-key" in request.headers) == (method == "POST")
    assert_query_fits(request, operation)
    assert_body_fits(request, operation)


def assert_query_fits(request: Request, operation: dict[str, Any]) -> None:
    """Expect each parameter to be one that the call has, with a value that it takes."""
    known = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    values: dict[str, Any] = {
        name: int(text) if known[name].get("type") == "integer" else text for name, text in request.query.items()
    }
    for name, value in values.items():
        jsonschema_rs.validate(known[name], value)
    assert {each for each in known if each not in {"cursor", "format"}} == set(values)


def assert_body_fits(request: Request, operation: dict[str, Any]) -> None:
    """Expect a body where the call takes one, which its schema takes."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema = content["application/json"]["schema"] | {"components": {"schemas": COMPONENTS}}
        jsonschema_rs.validate(schema, json.loads(request.body))
    else:
        assert (request.body != b"") == bool(content)


def test_a_report_of_spend_comes_as_a_file_too() -> None:
    with serving(says("project,project_name")) as site, site.client() as lab:
        text = lab.funds.spend_csv(by=["tier"])

    assert text == '"project,project_name"'
    assert site.requests[0].query == {"by": "tier", "format": "csv"}
