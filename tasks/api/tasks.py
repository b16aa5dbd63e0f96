"""Tasks one by one: shown, handed out sooner or later, called off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import IDEMPOTENCY, READ, WRITE, LabView, Nothing, query, read_choice, refuse_unknown_parameters
from labs.models import Scope
from tasks import lab_queries
from tasks.actions import publishing
from tasks.api import finding
from tasks.api.posting import with_slots
from tasks.models import Task
from tasks.serializers.batches import TaskChanges, TaskDetail, TaskOut

TAG = ["tasks"]


def shown(task: Task) -> dict[str, Any]:
    """Show a task with its wanted answers by where they stand."""
    return with_slots([task])[0]


class TaskView(LabView):
    """A view about one of the caller's tasks."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE, "PATCH": Scope.TASKS_WRITE}

    def rows(self) -> Any:
        """List the caller's tasks."""
        return lab_queries.task_of(self.lab, self.key.mode)

    def rebuilt(self, object_id: str) -> Response:
        """Show the task that an earlier request was about."""
        return Response(shown(finding.by_id(self.rows(), object_id)))


class OneTask(TaskView):
    """One task."""

    @extend_schema(
        operation_id="get_task",
        tags=TAG,
        parameters=[query("expand", "`payload` adds the payload and your metadata.", choices=["payload"])],
        responses={200: TaskDetail, **READ},
    )
    def get(self, request: Request, task_id: UUID) -> Response:
        """Show a task, with its content on request."""
        refuse_unknown_parameters(request, {"expand"})
        is_expanded = read_choice(request, "expand", ["payload"]) is not None
        task = finding.one(self.rows().defer(None) if is_expanded else self.rows(), task_id)
        row = shown(task)
        if is_expanded:
            row |= lab_queries.opened_tasks(task.project, [task], by=self.key.public_id, at=app_now())[0]
        return Response(row)

    @extend_schema(operation_id="update_task", tags=TAG, request=TaskChanges, responses={200: TaskOut, **WRITE})
    def patch(self, request: Request, task_id: UUID) -> Response:
        """Change a task's priority within its batch: what is open of it is handed out sooner or later."""
        task = finding.one(self.rows(), task_id)
        return Response(shown(publishing.update_task(task, by=self.key, now=app_now(), **self.body(TaskChanges))))


class CancelTask(TaskView):
    """Stop a task."""

    @extend_schema(
        operation_id="cancel_task",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: TaskOut, **WRITE},
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        """Stop a task: open work is void, work under way is closed out and paid, submitted work is decided."""
        self.body(Nothing)
        task = finding.one(self.rows(), task_id)
        return Response(shown(publishing.cancel_task(task, by=self.key, now=app_now())))
