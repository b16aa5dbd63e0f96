"""What a lab does to its projects and batches before and between the experts' work."""

from tasks.actions.publishing.batches import (
    cancel_batch,
    create_batch,
    drain_batch,
    launch_batch,
    pause_batch,
    quote_batch,
    resume_batch,
    stage_batch,
    update_batch,
)
from tasks.actions.publishing.projects import (
    LaunchRefused,
    allocate_budget,
    close_project,
    create_project,
    deallocate_budget,
    launch_project,
    pause_project,
    publish_guideline,
    resume_project,
    update_project,
)
from tasks.actions.publishing.tasks import cancel_task, update_task

__all__ = [
    "LaunchRefused",
    "allocate_budget",
    "cancel_batch",
    "cancel_task",
    "close_project",
    "create_batch",
    "create_project",
    "deallocate_budget",
    "drain_batch",
    "launch_batch",
    "launch_project",
    "pause_batch",
    "pause_project",
    "publish_guideline",
    "quote_batch",
    "resume_batch",
    "resume_project",
    "stage_batch",
    "update_batch",
    "update_project",
    "update_task",
]
