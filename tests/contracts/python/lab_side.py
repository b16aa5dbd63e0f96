"""A lab's whole side of the work, by the client that openapi-python-client made of our description.

Run as a program, with SITE and KEY in the environment; prints what came of it as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import TypeVar

from generated_client import AuthenticatedClient
from generated_client.api.agreements import create_agreement, draft_agreement_version, publish_agreement_version
from generated_client.api.batches import create_batch, drain_batch, get_batch, launch_batch, quote_batch
from generated_client.api.exports import create_export, download_export, get_export, get_export_manifest
from generated_client.api.funds import get_balance
from generated_client.api.me import get_me
from generated_client.api.projects import allocate_budget, create_project, launch_project
from generated_client.api.submissions import accept_submission, fix_submission, list_submissions, reject_submission
from generated_client.api.tasks import post_tasks
from generated_client.models import (
    AgreementInRequest,
    AssignmentEnum,
    BatchCreateRequest,
    BudgetInRequest,
    CategoryEnum,
    ExportInRequest,
    ExportOut,
    FixInRequest,
    KindEnum,
    LineInRequest,
    LineInRequestPayload,
    MoneyRequest,
    Problem,
    ProjectCreateRequest,
    RejectInRequest,
    ShapeEnum,
    VersionInRequest,
)

Shown = TypeVar("Shown")
TASKS = 3
NOTES = "The answer names the wrong hour for the level, and then contradicts itself about what to do when it is missed."
FIXED = {"answer": "Twelve hours after the last dose, in steady state.", "citations": []}


def done(answer: Shown | Problem | None) -> Shown:
    """Return what was asked for; a problem, or an answer that is not described, ends the program."""
    if answer is None or isinstance(answer, Problem):
        raise SystemExit(f"{answer}")
    return answer


def wait_for(look: Callable[[], Shown | None]) -> Shown:
    """Ask until there is something."""
    ends_at = time.monotonic() + 60
    while (found := look()) is None:
        if time.monotonic() > ends_at:
            raise SystemExit("It took too long.")
        time.sleep(0.2)
    return found


def launched(client: AuthenticatedClient) -> tuple[str, int]:
    """Write everything down from the agreement to the tasks, and launch it; return the batch and what it may cost."""
    about = AgreementInRequest(title="NDA", code_name="Heron")
    agreement = done(create_agreement.sync(client=client, body=about)).id
    text = VersionInRequest(text="# NDA\n\nKeep it secret.")
    version = done(draft_agreement_version.sync(agreement, client=client, body=text)).id
    done(publish_agreement_version.sync(agreement, version, client=client))
    wanted = ProjectCreateRequest(
        name="Bedside", code_name="Heron", kind=KindEnum.DEMONSTRATION, domain="psychiatry", tier_min=3,
        agreement=agreement, expected_seconds=600, assignment=AssignmentEnum.OPEN,
    )  # fmt: skip
    project = done(create_project.sync(client=client, body=wanted, idempotency_key="project-1")).id
    amount = MoneyRequest(amount_minor=1_000_00, currency="USD")
    done(allocate_budget.sync(project, client=client, body=BudgetInRequest(amount=amount)))
    done(launch_project.sync(project, client=client))
    batch = done(create_batch.sync(project, client=client, body=BatchCreateRequest(name="Night"))).id
    payload = LineInRequestPayload.from_dict({"prompt": "When are lithium levels taken?"})
    lines = [LineInRequest(external_id=f"t-{number}", payload=payload, tags=["dose"]) for number in range(TASKS)]
    posted = done(post_tasks.sync(batch, client=client, body=[*lines, lines[0]], idempotency_key="tasks-1"))
    assert (posted.accepted, posted.duplicates, posted.errors) == (TASKS, 1, [])
    quote = done(quote_batch.sync(batch, client=client))
    done(launch_batch.sync(batch, client=client))
    done(drain_batch.sync(batch, client=client))
    return batch, quote.total_minor


def judged(client: AuthenticatedClient, batch: str) -> list[str]:
    """Wait for every answer, then accept one, mend one and reject one; return their states."""

    def handed_in() -> list[str] | None:
        page = done(list_submissions.sync(client=client, batch=batch))
        return sorted(each.id for each in page.data) if len(page.data) == TASKS else None

    first, second, third = wait_for(handed_in)
    refusal = RejectInRequest(category=CategoryEnum.INCORRECT, notes=NOTES)
    verdicts = [
        accept_submission.sync(first, client=client, idempotency_key="verdict-1"),
        fix_submission.sync(second, client=client, body=FixInRequest(response=FIXED)),
        reject_submission.sync(third, client=client, body=refusal),
    ]
    return [done(verdict).state.value for verdict in verdicts]


def exported(client: AuthenticatedClient, batch: str) -> list[str]:
    """Export the batch, download the file, check it against its manifest; return the answers in it."""
    asked = done(create_export.sync(client=client, body=ExportInRequest(shape=ShapeEnum.SFT, batch=batch)))

    def ready() -> ExportOut | None:
        export = done(get_export.sync(asked.id, client=client))
        return export if export.state.value == "READY" else None

    export = wait_for(ready)
    content = done(download_export.sync(export.id, client=client)).payload.read()
    (file,) = done(get_export_manifest.sync(export.id, client=client)).files
    assert (file.sha256, file.rows) == (hashlib.sha256(content).hexdigest(), export.rows)
    return sorted(json.loads(line)["messages"][-1]["content"] for line in content.splitlines())


def main() -> None:
    """Do it all."""
    client = AuthenticatedClient(os.environ["SITE"], os.environ["KEY"], raise_on_unexpected_status=True)
    mode = done(get_me.sync(client=client)).mode.value
    batch, total_minor = launched(client)
    states = judged(client, batch)
    answers = exported(client, batch)
    cost = done(get_batch.sync(batch, client=client)).cost
    said = {
        "mode": mode,
        "quoted_minor": total_minor,
        "states": states,
        "answers": answers,
        "cost_minor": cost.pay_minor + cost.fee_minor,
        "spent_minor": done(get_balance.sync(client=client)).spent_minor,
    }
    print(json.dumps(said))


main()
