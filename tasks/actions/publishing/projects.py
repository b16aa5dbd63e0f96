"""Projects as their lab drives them: written down, priced, funded, launched, paused, closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_text
from kernel.ids import uuid7
from kernel.money import Money
from kernel.sealing import new_data_key
from kernel.states import move
from labs.events import record_event
from labs.models import Lab, LabState, Mode
from payments import credits as money_steps
from payments.models import PLAY_MONEY
from payments.queries import project_funds
from tasks.actions import budgets
from tasks.actions.publishing.checks import check_settings, why_not_launch
from tasks.kinds import registry
from tasks.models import Batch, GuidelineVersion, Project
from tasks.rules import PAUSED_BY_LAB
from tasks.states import PROJECT_MOVES, BatchState, ProjectState

# What an expert was promised with the work cannot change under them.
FIXED_AFTER_LAUNCH = frozenset({"kind", "domain", "agreement", "currency", "tier_min", "tier_max", "code_name"})


class LaunchRefused(Refused):
    """Something that the project's first claim would need is missing; ``errors`` names each thing."""

    code = "launch_refused"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(" ".join(error.detail for error in errors))
        self.errors = tuple(errors)


@action
def create_project(lab: Lab, *, mode: str, values: Mapping[str, Any], by: Actor, now: datetime) -> Project:
    """Write a project down as a draft; ``values`` are its settings by field name, missing ones by default."""
    project = Project(
        lab=lab,
        mode=mode,
        data_key=new_data_key(),
        state=ProjectState.DRAFT,
        state_changed_at=now,
        created_at=now,
        **with_defaults(values, mode=mode),
    )
    check_settings(project)
    project.save(force_insert=True)
    audit(by, "project.created", project, at=now, kind=project.kind, mode=mode)
    return project


def with_defaults(values: Mapping[str, Any], *, mode: str) -> dict[str, Any]:
    """Fill in what follows from what was given: caps from the expected time, money from the mode."""
    filled = dict(values)
    expected = int(filled.get("expected_seconds") or 0)
    filled.setdefault("currency", PLAY_MONEY if mode == Mode.TEST else "USD")
    filled.setdefault("tier_max", filled.get("tier_min"))
    filled.setdefault("cap_seconds", expected * 2)
    filled.setdefault("review_cap_seconds", max(60, int(filled["cap_seconds"]) // 3))
    filled.setdefault("overlap_max", filled.get("overlap_min", 1))
    if filled.get("kind") in registry.KINDS:
        filled.setdefault("idle_seconds", registry.get(filled["kind"]).idle_seconds)
    return filled


@action
def update_project(project: Project, changes: Mapping[str, Any], *, by: Actor, now: datetime) -> Project:
    """Change settings; those that experts were promised stay as they are once the project was launched."""
    _refuse_fixed(project, changes)
    for name, value in changes.items():
        setattr(project, name, value)
    check_settings(project)
    project.save(update_fields=sorted(changes))
    audit(by, "project.changed", project, at=now, fields=" ".join(sorted(changes)))
    if project.state != ProjectState.DRAFT:
        due("tasks.project_changed", project=project.pk)
    return project


@action
def publish_guideline(project: Project, *, text: str, by: Actor, now: datetime, note: str = "") -> GuidelineVersion:
    """Publish the next version of the project's instructions."""
    Project.objects.select_for_update().get(pk=project.pk)
    newest = GuidelineVersion.objects.filter(project=project).order_by("-number").first()
    version = GuidelineVersion.objects.create(
        project=project,
        number=newest.number + 1 if newest else 1,
        text=clean_text(text, name="text", max_length=200_000, min_length=1),
        note=clean_text(note, name="note", max_length=500),
        published_at=now,
    )
    audit(by, "guideline.published", version, at=now, project=project.public_id, number=version.number)
    return version


@action
def launch_project(project: Project, *, by: Actor, now: datetime) -> Project:
    """Open the project for work, or say all that is missing."""
    if project.lab.state != LabState.ACTIVE and project.mode == Mode.LIVE:
        raise Refused("This lab is not approved for work yet, or is frozen.")
    _require(project, ProjectState.DRAFT)
    if missing := why_not_launch(project, now):
        raise LaunchRefused(missing)
    was = move(project, ProjectState.LIVE, moves=PROJECT_MOVES, now=now, launched_at=now)
    audit(by, "project.launched", project, at=now, was=was)
    _tell(project, "project.launched", now)
    return project


@action
def pause_project(project: Project, *, by: Actor, now: datetime) -> Project:
    """Hand nothing more out in any of the project's batches."""
    was = move(project, ProjectState.PAUSED, moves=PROJECT_MOVES, now=now, pause_reason=PAUSED_BY_LAB)
    audit(by, "project.paused", project, at=now, was=was)
    _tell(project, "project.paused", now)
    return project


@action
def resume_project(project: Project, *, by: Actor, now: datetime) -> Project:
    """Hand work out again, if everything a claim needs is still there."""
    _require(project, ProjectState.PAUSED)
    if missing := why_not_launch(project, now):
        raise LaunchRefused(missing)
    budgets.require_cover(project)
    was = move(project, ProjectState.LIVE, moves=PROJECT_MOVES, now=now, pause_reason="")
    audit(by, "project.resumed", project, at=now, was=was)
    _tell(project, "project.resumed", now)
    return project


@action
def close_project(project: Project, *, by: Actor, now: datetime) -> Project:
    """End the project once its batches are over, and give back what is left of its budget."""
    over = (BatchState.COMPLETED, BatchState.CANCELLED)
    if Batch.objects.filter(project=project).exclude(state__in=over).exists():
        raise Refused("Drain or cancel the project's batches first, then close it.")
    was = move(project, ProjectState.CLOSED, moves=PROJECT_MOVES, now=now, closed_at=now, pause_reason="")
    audit(by, "project.closed", project, at=now, was=was)
    left = project_funds(project.public_id, project.currency).available
    if left.minor > 0:
        key = f"close-{project.public_id}"
        money_steps.deallocate(lab=project.lab, project=project.public_id, amount=left, key=key, at=now)
    _tell(project, "project.closed", now)
    return project


@action
def allocate_budget(project: Project, amount: Money, *, by: Actor, now: datetime) -> Project:
    """Move prepaid money to the project's budget; one that waited for it goes on where it now covers a task."""
    _check_amount(project, amount)
    # Locked, so that the watch over budgets moves it before or after, but not meanwhile.
    rows = Project.objects.select_for_update(of=("self",), no_key=True).select_related("lab")
    project.refresh_from_db(from_queryset=rows)
    if project.state == ProjectState.CLOSED:
        raise Refused("This project is closed; its budget cannot grow.")
    key = f"allocate-{uuid7().hex}"
    money_steps.allocate(lab=project.lab, project=project.public_id, amount=amount, key=key, at=now)
    audit(by, "project.budget_allocated", project, at=now, amount_minor=amount.minor, currency=amount.currency)
    budgets.grew(project, by=by, now=now)
    return project


@action
def deallocate_budget(project: Project, amount: Money, *, by: Actor, now: datetime) -> Project:
    """Move budget that no claim holds back to the lab's prepaid money."""
    _check_amount(project, amount)
    key = f"deallocate-{uuid7().hex}"
    money_steps.deallocate(lab=project.lab, project=project.public_id, amount=amount, key=key, at=now)
    audit(by, "project.budget_returned", project, at=now, amount_minor=amount.minor, currency=amount.currency)
    return project


def _check_amount(project: Project, amount: Money) -> None:
    if amount.currency != project.currency:
        detail = f"This project is paid in {project.currency}."
        raise Invalid([FieldError("/amount/currency", "wrong_currency", detail)])
    if amount.minor <= 0:
        raise Invalid([FieldError("/amount/amount_minor", "too_small", "The amount must be more than zero.")])


def _refuse_fixed(project: Project, changes: Mapping[str, Any]) -> None:
    if project.state == ProjectState.CLOSED:
        raise Refused("This project is closed and cannot be changed.")
    if project.state == ProjectState.DRAFT:
        return
    fixed = sorted(name for name in FIXED_AFTER_LAUNCH & set(changes) if getattr(project, name) != changes[name])
    if fixed:
        detail = "This cannot change after launch: experts were promised it. Open a new project instead."
        raise Invalid([FieldError(f"/{name}", "fixed_after_launch", detail) for name in fixed])


def _require(project: Project, state: str) -> None:
    if project.state != state:
        raise Refused(f"This project is {project.state.lower()}, not {state.lower()}.")


def _tell(project: Project, kind: str, now: datetime) -> None:
    record_event(project.lab_id, project.mode, kind, at=now, project=project.public_id, state=project.state)
    due("tasks.project_changed", project=project.pk)
