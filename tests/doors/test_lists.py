"""Every list of the labs' API by the SQL it sends: no count, nothing sealed, no JSON, as many statements for three."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from kernel.db import app_now
from kernel.money import usd
from labs.events import record_event
from labs.models import WebhookEndpoint
from labs.webhooks.actions import create_endpoint, send_trial
from payments.actions import start_hosted_funding
from tasks.actions import publishing
from tasks.actions.cases import open_case
from tasks.actions.claims import release_claim
from tasks.actions.exporting import request_export
from tasks.actions.files import store_file
from tasks.actions.questions import ask_question
from tasks.models import Claim
from tests.labs.factories import ApiClient, make_client, make_key
from tests.tasks.documents import a_picture
from tests.tasks.factories import (
    World,
    add_tasks,
    claim_for,
    fund,
    hand_in,
    make_agreement,
    make_experts,
    make_project,
    make_world,
    publish_version,
    sign,
)

pytestmark = pytest.mark.django_db(transaction=True)


def add_project(world: World) -> None:
    make_project(world.lab, world.owner, domain=world.project.domain, version=world.version)


def add_batch(world: World) -> None:
    publishing.create_batch(world.project, name="Another", by=world.owner, now=app_now())


def add_guideline(world: World) -> None:
    publishing.publish_guideline(world.project, text="# Rules", by=world.owner, now=app_now())


def add_question(world: World) -> None:
    claim = Claim.objects.first() or claim_for(world.cyd, now=app_now())
    ask_question(claim.pk, expert=world.cyd, text="Since when?", now=app_now())


def add_file(world: World) -> None:
    store_file(world.lab, mode="live", raw=a_picture(), declared="image/png", by=world.owner, now=app_now())


def add_export(world: World) -> None:
    request_export(world.project, shape="canonical", batch=None, by=world.owner, now=app_now())


def add_signer(world: World) -> None:
    sign(world.version, make_experts(1, domain=world.project.domain, tier=3))


def add_version(world: World) -> None:
    publish_version(world.version.agreement_id)


def add_funding(world: World) -> None:
    start_hosted_funding(world.lab, usd(50_00), way="invoice", by=world.owner, now=app_now())


def add_endpoint(world: World) -> None:
    create_endpoint(world.lab, mode="live", url="https://lab.invalid/hook", by=world.owner, now=app_now())


def add_delivery(world: World) -> None:
    send_trial(WebhookEndpoint.objects.get(), by=world.owner, now=app_now())


def add_event(world: World) -> None:
    with transaction.atomic():
        record_event(world.lab.pk, "live", "project.paused", at=app_now(), project=world.project.public_id)


def add_case(world: World) -> None:
    now = app_now()
    add_tasks(world.batch, 1)
    claim = release_claim(claim_for(world.cyd, now=now), expert=world.cyd, reason="", now=now)
    open_case(claim.pk, kind="time", by=world.cyd.user, expert=world.cyd, words="The page was lost: " * 3, now=now)


def add_submission(world: World) -> None:
    add_tasks(world.batch, 1)
    hand_in(claim_for(world.cyd, now=app_now()), world.cyd, now=app_now())


# By operation: the address, and what adds one row to the list.
LISTS: dict[str, tuple[str, Callable[[World], object]]] = {
    "list_agreement_signers": ("/agreements/{agreement}/signers", add_signer),
    "list_agreement_versions": (
        "/agreements/{agreement}/versions",
        add_version,
    ),
    "list_agreements": ("/agreements", lambda world: make_agreement(world.lab)),
    "list_batches": ("/batches", add_batch),
    "list_cases": ("/cases", add_case),
    "list_events": ("/events", add_event),
    "list_exports": ("/exports", add_export),
    "list_files": ("/files", add_file),
    "list_fundings": ("/fundings", add_funding),
    "list_guidelines": ("/projects/{project}/guidelines", add_guideline),
    "list_keys": ("/keys", lambda world: make_key(world.lab, world.owner)),
    "list_ledger": ("/ledger", lambda world: fund(world.lab, world.project, 100_00, by=world.owner)),
    "list_project_batches": ("/projects/{project}/batches", add_batch),
    "list_projects": ("/projects", add_project),
    "list_questions": ("/projects/{project}/questions", add_question),
    "list_submissions": ("/submissions", add_submission),
    "list_tasks": ("/batches/{batch}/tasks", lambda world: add_tasks(world.batch, 1)),
    "list_webhook_deliveries": ("/webhooks/{endpoint}/deliveries", add_delivery),
    "list_webhooks": ("/webhooks", add_endpoint),
}
# What a list is of, though it be JSON or sealed: ids of an event or entry, the words of questions behind the gate.
SHOWN = {
    "list_events": {"labs_event.data"},
    "list_ledger": {"payments_entry.memo"},
    "list_submissions?expand=response,stages,provenance": {"tasks_submission.response", "tasks_project.data_key"},
    "list_tasks?expand=payload": {"tasks_task.payload", "tasks_task.metadata", "tasks_project.data_key"},
    "list_questions": {"tasks_question.text", "tasks_question.answer", "tasks_project.data_key"},
}
SEALED_TEXT = {"labs_webhookendpoint.secret", "labs_webhookendpoint.old_secret"}


def heavy_columns() -> set[str]:
    """Return what no list may read: bytes, sealed or not, and JSON."""
    return SEALED_TEXT | {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.BinaryField | models.JSONField)
    }


def selected(sql: str) -> set[str]:
    """Return the columns between SELECT and FROM, by their tables, whatever the statement calls those."""
    names = {alias: table for table, alias in re.findall(r'"(\w+)" (T\d+|U\d+)\b', sql)}
    while inner := re.search(r"\([^()]*\)", sql):  # What a subquery reads is its own affair.
        sql = sql.replace(inner[0], "")
    columns = re.findall(r'"?(\w+)"?\."(\w+)"', sql.partition(" FROM ")[0])
    return {f"{names.get(table, table)}.{column}" for table, column in columns}


def statements(lab: ApiClient, address: str) -> tuple[list[str], list[Any]]:
    """Return what a list sends to the database, the caller's own key apart, and its rows."""
    with CaptureQueriesContext(connection) as sent:
        answer = lab.get(address)
    assert answer.status_code == 200, answer.content
    return [one["sql"] for one in sent if '"labs_apikey"."key_id" =' not in one["sql"]], answer.json()["data"]


def address_of(path: str, world: World) -> str:
    """Fill in what a list belongs to."""
    endpoint = ""
    if "{endpoint}" in path:
        add_endpoint(world)
        endpoint = WebhookEndpoint.objects.get().public_id
    return path.format(
        agreement=world.version.agreement.public_id,
        project=world.project.public_id,
        batch=world.batch.public_id,
        endpoint=endpoint,
    )


def test_every_list_of_the_description_is_here() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]  # Theirs.

    listed = {
        operation["operationId"]
        for path in paths.values()
        for operation in path.values()
        if "limit" in {parameter["name"] for parameter in operation.get("parameters", ())}
    }

    assert listed == set(LISTS)


@pytest.mark.parametrize(
    ("operation", "query"),
    [
        *((name, "") for name in LISTS),
        ("list_tasks", "?state=OPEN"),
        ("list_tasks", "?expand=payload"),
        ("list_submissions", "?expand=response,stages,provenance"),
    ],
)
def test_a_list_counts_nothing_reads_nothing_heavy_and_asks_as_often_for_three_rows(operation: str, query: str) -> None:
    path, add = LISTS[operation]
    world = make_world(tasks=1, now=app_now())
    lab = make_client(world.lab, world.owner)
    address = address_of(path, world) + query
    if not statements(lab, address)[1]:
        add(world)

    of_one, one = statements(lab, address)
    add(world)
    add(world)
    of_three, three = statements(lab, address)

    assert (len(three) >= len(one) + 2, len(of_three)) == (True, len(of_one)), "\n".join(of_three)
    assert [sql for sql in of_three if "COUNT(" in sql.upper()] == []
    assert set().union(*map(selected, of_three)) & heavy_columns() == SHOWN.get(operation + query, set())
