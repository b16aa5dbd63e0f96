"""Fill the demo with a history, and say how to join in."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from labs.models import Lab
from marketplace.seeding.cast import APPLICANT, EXPERTS, LABS, OPERATORS, OWNER_EMAIL
from marketplace.seeding.story import Told, tell


class Command(BaseCommand):
    """Tell the story once; later runs only repeat how to join in."""

    help = "Make the demo's labs, experts, operators and four weeks of work, through actions and with the clock moved."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed an empty house, then print sign-ins, a key and a first request."""
        if settings.GUILDHALL_MODE != "demo":
            raise CommandError("Only a demo is seeded: GUILDHALL_MODE is not demo.")
        kept = Path(settings.DATA_DIR) / "seed.json"
        if not kept.exists():
            self._seed(kept)
        told = json.loads(kept.read_text())
        if set(told) != {field.name for field in fields(Told)}:
            raise CommandError("An earlier version made this demo. Remove .guildhall to see it anew.")
        self._introduce(Told(**told))

    def _seed(self, kept: Path) -> None:
        if Lab.objects.exists():
            raise CommandError("An earlier seeding broke off half-way. Remove .guildhall and start again.")
        began = time.monotonic()
        told = tell(lambda line: self._say(f"seed {time.monotonic() - began:5.1f}s  {line}"))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(asdict(told)))
        self._say("seed done")

    def _introduce(self, told: Told) -> None:
        """Print what a visitor needs, each sign-in with what it is good for."""
        self._say("")
        self._say(f"Sign in at {settings.PUBLIC_URL}/accounts/login/ with the password  {settings.DEMO_PASSWORD}")
        for email, what in sign_ins():
            self._say(f"  {email:38} {what}")
        self._say(f"Operators also need a one-time code: {settings.PUBLIC_URL}/mail/ shows the current ones.")
        self._say("")
        self._say("Post a batch as Brightwater AI, in test mode: nobody is asked, and nothing costs real money.")
        for line in first_batch(told):
            self._say(f"  {line}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def sign_ins() -> list[tuple[str, str]]:
    """Return one ready sign-in for each role."""
    worker, reviewer, writer = EXPERTS[0], EXPERTS[3], EXPERTS[9]
    brightwater = f"{LABS[1].owner.split()[0].lower()}@{LABS[1].website.partition('//')[2]}"
    desks = {card.role: card for card in reversed(OPERATORS)}
    return [
        (worker.email, "expert: psychiatrist, has an offer to accept"),
        (reviewer.email, "expert and reviewer"),
        (writer.email, "expert: writes fiction"),
        (APPLICANT.email, "applicant, waits at the vetting desk"),
        (brightwater, "lab: Brightwater AI"),
        (desks["vetting"].email, "operator: vetting"),
        (desks["finance"].email, "operator: finance, built the run that waits"),
        (OPERATORS[1].email, "operator: finance, may approve it"),
        (desks["trust"].email, "operator: trust"),
        (OWNER_EMAIL, "operator: owner"),
    ]


def first_batch(told: Told) -> list[str]:
    """Return the lines of a shell that post a test batch, launch it, and see it done by simulated experts."""
    task = {"external_id": "first-1", "payload": {"prompt": "When would you stop an antidepressant in pregnancy?"}}
    body = json.dumps({"name": "My first batch", "tasks": [task]})
    call = 'curl -sS -H "Authorization: Bearer $KEY"'
    return [
        f"export GUILDHALL={settings.PUBLIC_URL}/api/v1 KEY={told.test_key}",
        f"BATCH=$({call} -H 'Content-Type: application/json' \\",
        f"  $GUILDHALL/projects/{told.project}/batches -d '{body}' | grep -o 'bat_[0-9a-z]*' | head -1)",
        f"{call} -X POST $GUILDHALL/batches/$BATCH:launch",
        f"{call} -X POST $GUILDHALL/batches/$BATCH:drain",
        f"sleep 5; {call} $GUILDHALL/batches/$BATCH  # COMPLETED, by simulated experts",
        f'{call} "$GUILDHALL/submissions?batch=$BATCH&expand=response"',
    ]
