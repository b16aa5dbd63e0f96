"""The test world of a lab: a key, play money, a launched project, and the cast that does its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from agreements.actions import draft_agreement, draft_version, publish_version
from agreements.models import AgreementVersion
from experts.actions import install_cast, install_domains
from experts.models import Domain
from kernel.db import app_now
from kernel.money import Money
from labs.models import Lab
from payments.actions import add_play_money
from tasks.actions import publishing
from tasks.models import Project
from tests.tasks.factories import make_lab, make_rates

BUDGET_MINOR = 50_000_00


@dataclass(frozen=True)
class Play:
    """A lab that tries things out."""

    lab: Lab
    owner: User
    project: Project
    version: AgreementVersion


def make_play(
    *, lab: tuple[Lab, User] | None = None, now: datetime | None = None, is_launched: bool = True, **values: object
) -> Play:
    """Return a test project of demonstrations in psychiatry with a cast; unless it is a draft, funded and launched."""
    now = now or app_now()
    psychiatry = install_domains()["psychiatry"]
    make_rates(psychiatry)
    install_cast(now=now)
    lab, owner = lab or make_lab(now=now)
    version = make_test_agreement(lab, now)
    settings = {
        "name": "Trial",
        "code_name": "Sandpiper",
        "kind": "demonstration",
        "domain": Domain.objects.get(slug="psychiatry"),
        "tier_min": 3,
        "agreement": version.agreement,
        "expected_seconds": 600,
        **values,
    }
    project = publishing.create_project(lab, mode="test", values=settings, by=owner, now=now)
    if not is_launched:
        return Play(lab, owner, project, version)
    add_play_money(lab, BUDGET_MINOR, by=owner, now=now)
    publishing.allocate_budget(project, Money(BUDGET_MINOR, "XTS"), by=owner, now=now)
    publishing.launch_project(project, by=owner, now=now)
    return Play(lab, owner, project, version)


def make_test_agreement(lab: Lab, now: datetime) -> AgreementVersion:
    """Return a published agreement that simulated experts can sign."""
    agreement = draft_agreement(lab, mode="test", title="Trial agreement", code_name="Sandpiper", by=None, now=now)
    version = draft_version(agreement, text="# Trial\n\nKeep it to yourself.", by=None, now=now)
    publish_version(version, by=None, now=now)
    return version
