"""Projects, their guidelines and their budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from kernel.money import Money
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    keyset_page,
    page_of,
    query,
    read_choice,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Scope
from payments.queries import project_funds
from tasks import lab_queries
from tasks.actions import publishing
from tasks.api import finding
from tasks.models import GuidelineVersion, Project
from tasks.serializers.projects import (
    BudgetIn,
    BudgetOut,
    GuidelineIn,
    GuidelineOut,
    ProjectCreate,
    ProjectFields,
    ProjectOut,
)
from tasks.states import ProjectState

TAG = ["projects"]


def shown(project: Project) -> dict[str, Any]:
    """Show a project."""
    return dict(ProjectOut(project).data)


class ProjectView(LabView):
    """A view about the caller's projects."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE, "PATCH": Scope.TASKS_WRITE}

    def rows(self) -> Any:
        """List the caller's projects."""
        return lab_queries.projects_of(self.lab, self.key.mode)

    def rebuilt(self, object_id: str) -> Response:
        """Show the project that an earlier request made or moved."""
        return Response(shown(finding.by_id(self.rows(), object_id)))

    def named_agreement(self, values: dict[str, Any]) -> dict[str, Any]:
        """Replace the agreement's id by the agreement, where one is given."""
        if "agreement" in values:
            own = lab_queries.agreements_of(self.lab, self.key.mode)
            values["agreement"] = finding.named(own, values["agreement"], "/agreement")
        return values


class Projects(ProjectView):
    """All projects."""

    @extend_schema(
        operation_id="list_projects",
        tags=TAG,
        parameters=[*PAGING, query("state", "Only projects in this state.", choices=ProjectState.values)],
        responses={200: page_of(ProjectOut), **READ},
    )
    def get(self, request: Request) -> Response:
        """List projects, newest first."""
        rows = self.rows()
        if state := read_choice(request, "state", ProjectState.values):
            rows = rows.filter(state=state)
        return Response(keyset_page(request, rows, rows_as(ProjectOut), filters=("state",)))

    @extend_schema(
        operation_id="create_project",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=ProjectCreate,
        responses={201: ProjectOut, **WRITE},
    )
    def post(self, request: Request) -> Response:
        """Write a project down as a draft; caps, overlap and currency follow from the rest when left out."""
        values = self.named_agreement(self.body(ProjectCreate))
        project = publishing.create_project(self.lab, mode=self.key.mode, values=values, by=self.key, now=app_now())
        return Response(shown(project), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Show the project that an earlier request made."""
        return Response(shown(finding.by_id(self.rows(), object_id)), status=201)


class OneProject(ProjectView):
    """One project."""

    @extend_schema(operation_id="get_project", tags=TAG, responses={200: ProjectOut, **READ})
    def get(self, request: Request, project_id: UUID) -> Response:
        """Show a project."""
        refuse_unknown_parameters(request, ())
        return Response(shown(finding.one(self.rows(), project_id)))

    @extend_schema(
        operation_id="update_project",
        tags=TAG,
        request=ProjectFields,
        responses={200: ProjectOut, **WRITE},
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        """Change settings; what experts were promised is fixed once the project was launched."""
        project = finding.one(self.rows(), project_id)
        changes = self.named_agreement(self.body(ProjectFields))
        return Response(shown(publishing.update_project(project, changes, by=self.key, now=app_now())))


class MoveProject(ProjectView):
    """One verb on a project."""

    act: ClassVar[Callable[..., Project]]

    def move(self, project_id: UUID) -> Response:
        """Do the verb and show the project."""
        self.body(Nothing)
        project = finding.one(self.rows(), project_id)
        return Response(shown(type(self).act(project, by=self.key, now=app_now())))


class Budget(ProjectView):
    """A project's money."""

    scopes = {"GET": Scope.FUNDS_READ, "POST": Scope.TASKS_WRITE}

    @extend_schema(operation_id="get_project_budget", tags=TAG, responses={200: BudgetOut, **READ})
    def get(self, request: Request, project_id: UUID) -> Response:
        """Show a project's budget: allocated = held + spent + available."""
        refuse_unknown_parameters(request, ())
        return Response(budget_of(finding.one(self.rows(), project_id)))


class AllocateBudget(ProjectView):
    """Money into a project's budget."""

    @extend_schema(
        operation_id="allocate_budget",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=BudgetIn,
        responses={200: BudgetOut, **WRITE},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        """Move prepaid money to the project's budget: the hard cap of what it can ever cost."""
        project = finding.one(self.rows(), project_id)
        publishing.allocate_budget(project, self.amount(), by=self.key, now=app_now())
        return Response(budget_of(project))

    def amount(self) -> Money:
        """Read the amount."""
        amount = self.body(BudgetIn)["amount"]
        return Money(amount["amount_minor"], amount["currency"])

    def rebuilt(self, object_id: str) -> Response:
        """Show the budget as it is now."""
        return Response(budget_of(finding.by_id(self.rows(), object_id)))


class DeallocateBudget(AllocateBudget):
    """Money out of a project's budget."""

    @extend_schema(
        operation_id="deallocate_budget",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=BudgetIn,
        responses={200: BudgetOut, **WRITE},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        """Move budget that no claim holds back to the prepaid account."""
        project = finding.one(self.rows(), project_id)
        publishing.deallocate_budget(project, self.amount(), by=self.key, now=app_now())
        return Response(budget_of(project))


class Guidelines(ProjectView):
    """A project's instructions, version by version."""

    @extend_schema(
        operation_id="list_guidelines",
        tags=TAG,
        parameters=list(PAGING),
        responses={200: page_of(GuidelineOut), **READ},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        """List the versions, newest first."""
        rows = lab_queries.guidelines_of(finding.one(self.rows(), project_id))
        return Response(keyset_page(request, rows, rows_as(GuidelineOut)))

    @extend_schema(
        operation_id="publish_guideline",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=GuidelineIn,
        responses={201: GuidelineOut, **WRITE},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        """Publish a new version in Markdown; claims made from now on are made under it."""
        project = finding.one(self.rows(), project_id)
        version = publishing.publish_guideline(project, by=self.key, now=app_now(), **self.body(GuidelineIn))
        return Response(shown_guideline(version), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Show the version that an earlier request published."""
        rows = GuidelineVersion.objects.filter(project__in=self.rows())
        return Response(shown_guideline(finding.by_id(rows, object_id)), status=201)


def shown_guideline(version: GuidelineVersion) -> dict[str, Any]:
    """Show a version of the instructions."""
    return dict(GuidelineOut(version).data)


def budget_of(project: Project) -> dict[str, Any]:
    """Show a project's money."""
    funds = project_funds(project.public_id, project.currency)
    return {
        "currency": project.currency,
        "allocated_minor": funds.allocated.minor,
        "held_minor": funds.held.minor,
        "spent_minor": funds.spent.minor,
        "available_minor": funds.available.minor,
    }


def mover(name: str, act: Callable[..., Project], sentence: str) -> type[MoveProject]:
    """Make the view of one verb: ``POST /projects/{id}:name``."""

    @extend_schema(
        operation_id=f"{name}_project",
        tags=TAG,
        description=sentence,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: ProjectOut, **WRITE},
    )
    def post(self: MoveProject, request: Request, project_id: UUID) -> Response:
        return self.move(project_id)

    return type(f"{name.title()}Project", (MoveProject,), {"act": staticmethod(act), "post": post, "__doc__": sentence})


LaunchProject = mover(
    "launch", publishing.launch_project, "Open the project for work, or list all that is missing (409 launch_refused)."
)
PauseProject = mover("pause", publishing.pause_project, "Hand nothing more out; work under way goes on.")
ResumeProject = mover("resume", publishing.resume_project, "Hand work out again.")
CloseProject = mover(
    "close", publishing.close_project, "End a project whose batches are over; unspent budget returns to prepaid."
)
