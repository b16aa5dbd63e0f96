"""Tasks and slots cannot belong to nothing, to two projects, or to something that goes."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from kernel.ids import uuid7
from tasks.models import Batch, Slot, Task
from tests.tasks.factories import NOW, World, make_project, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


def test_a_task_is_of_its_batch_s_project(world: World) -> None:
    other = make_project(world.lab, world.owner, domain=world.project.domain, version=world.version)
    fields = {"external_id": "x", "payload": b"x", "payload_sha256": b"x", "created_at": NOW}

    for batch, project in ((uuid7(), world.project.pk), (world.batch.pk, other.pk), (world.batch.pk, uuid7())):
        with pytest.raises(IntegrityError):
            Task.objects.create(batch_id=batch, project_id=project, **fields)


def test_a_slot_is_of_its_task_s_batch_and_project(world: World) -> None:
    task = Task.objects.get(batch=world.batch)
    fields = {"kind": "work", "number": 2, "state": "OPEN", "state_changed_at": NOW}

    for row in (
        {"task_id": uuid7(), "batch_id": world.batch.pk, "project_id": world.project.pk},
        {"task_id": task.pk, "batch_id": uuid7(), "project_id": world.project.pk},
        {"task_id": task.pk, "batch_id": world.batch.pk, "project_id": uuid7()},
    ):
        with pytest.raises(IntegrityError):
            Slot.objects.create(**row, **fields)


def test_neither_changes_whose_it_is_and_no_parent_goes(world: World) -> None:
    task, slot = Task.objects.get(batch=world.batch), Slot.objects.get(batch=world.batch)

    for statement, key in (
        ("UPDATE tasks_task SET batch_id = gen_random_uuid() WHERE id = %s", task.pk),
        ("UPDATE tasks_slot SET task_id = gen_random_uuid() WHERE id = %s", slot.pk),
        ("DELETE FROM tasks_task WHERE id = %s", task.pk),
        ("DELETE FROM tasks_batch WHERE id = %s", world.batch.pk),
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [key])
    assert (Task.objects.count(), Slot.objects.count(), Batch.objects.count()) == (1, 1, 1)
