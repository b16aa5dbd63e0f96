"""Files of tasks: uploaded clean, referenced by their own lab alone, served to who has the task in hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent
from agreements import actions as agreement_actions
from agreements.models import ContentAccess, Signature
from kernel.db import app_now
from tasks.actions import ingest, publishing
from tasks.actions.files import erase_file, store_file
from tasks.actions.posting import Posting, numbered
from tasks.models import Batch, Claim, File, Task
from tests.database import owner_connection
from tests.labs.factories import NOW, ApiClient, make_client
from tests.tasks.documents import SECRET, a_flood, a_pdf, a_pdf_that_acts, a_picture, a_picture_that_tells, with_archive
from tests.tasks.factories import (
    PAYLOAD,
    World,
    claim_for,
    hand_in,
    make_batch,
    make_lab,
    make_world,
    work,
)
from tests.tasks.test_views_workbench import browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(tasks=1, now=app_now())


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def upload(lab: ApiClient, raw: bytes, kind: str = "application/octet-stream", **options: Any) -> Any:
    return lab.send("post", "/files", raw, content_type=kind, **options)


def stored(world: World, raw: bytes | None = None) -> File:
    return store_file(world.lab, mode="live", raw=raw or a_picture(), declared="", by=world.owner, now=NOW)


def showing(world: World, *files: object) -> Claim:
    """Let Cyd claim a task that shows these files."""
    payload = {**PAYLOAD, "files": list(files)}
    make_batch(world.project, world.owner, tasks=1, priority=9, payload=payload, now=app_now())
    return claim_for(world.cyd, now=app_now())


def address(claim: Claim, file: File) -> str:
    return reverse("tasks:file", args=[claim.pk, file.pk])


# --- Uploading -----------------------------------------------------------------------------------------------------


def test_an_upload_is_cleaned_and_described(lab: ApiClient) -> None:
    response = upload(lab, a_picture_that_tells("JPEG"), "image/jpeg")

    file = File.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": file.public_id,
        "mode": "live",
        "media_type": "image/jpeg",
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "width": 20,
        "height": 30,
        "pages": None,
        "created_at": response.json()["created_at"],
    }
    assert lab.get(f"/files/{file.public_id}").json() == response.json()
    assert list(AuditEvent.objects.filter(verb="file.stored").values_list("object_id", flat=True)) == [file.public_id]


def test_what_is_kept_is_sealed_and_what_is_served_is_clean(lab: ApiClient) -> None:
    file = upload(lab, a_picture_that_tells("PNG")).json()["id"]

    served = lab.get(f"/files/{file}/content")

    kept = File.objects.get()
    assert not bytes(kept.body or b"").count(b"PNG")
    assert SECRET.encode() not in served.content
    assert Image.open(io.BytesIO(served.content)).size == (20, 30)
    assert ContentAccess.objects.filter(subject=file, purpose="download", viewer__startswith="key_").count() == 1


def test_a_document_is_downloaded_without_what_acts(lab: ApiClient) -> None:
    file = upload(lab, a_pdf_that_acts(), "application/pdf").json()["id"]

    served = lab.get(f"/files/{file}/content")

    assert (served["Content-Type"], served["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    assert served["Content-Disposition"] == f'attachment; filename="{file}.pdf"'
    assert b"JavaScript" not in served.content


@pytest.mark.parametrize(
    ("raw", "kind", "status", "code"),
    [
        (a_picture(), "image/jpeg", 422, "type_mismatch"),
        (a_pdf(), "image/png", 422, "type_mismatch"),
        (b"", "image/png", 422, "unknown_file_type"),
        (b"GIF89a", "application/octet-stream", 422, "unknown_file_type"),
        (a_flood(), "image/png", 422, "too_many_pixels"),
        (with_archive(a_picture()), "image/png", 422, "polyglot"),
        (a_picture(), "image/gif", 415, ""),
        (a_picture(), "application/json", 415, ""),
        (a_picture(), "multipart/form-data; boundary=x", 415, ""),
        (b"\x89PNG" + b"\0" * 20_000_000, "image/png", 413, ""),
    ],
)
def test_what_is_refused_leaves_nothing(lab: ApiClient, raw: bytes, kind: str, status: int, code: str) -> None:
    response = upload(lab, raw, kind)

    assert response.status_code == status
    assert [error["code"] for error in response.json().get("errors", [])] == ([code] if code else [])
    assert not File.objects.exists()


def test_the_same_upload_under_one_key_is_stored_once(lab: ApiClient) -> None:
    first = upload(lab, a_picture(), key="scan-1")
    again = upload(lab, a_picture(), key="scan-1")
    other = upload(lab, a_pdf(), key="scan-1")

    assert (first.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert (other.status_code, File.objects.count()) == (422, 1)


def test_an_erased_file_is_gone_with_its_key(lab: ApiClient, world: World) -> None:
    file = stored(world)

    response = lab.send("delete", f"/files/{file.public_id}", b"")

    file.refresh_from_db()
    assert (response.status_code, file.body, file.data_key) == (204, None, None)
    assert lab.get(f"/files/{file.public_id}").status_code == 404
    assert lab.get(f"/files/{file.public_id}/content").status_code == 404
    assert lab.send("delete", f"/files/{file.public_id}", b"").status_code == 404
    assert lab.get("/files").json()["data"] == []


def test_no_other_lab_or_mode_finds_a_file(world: World) -> None:
    file = stored(world)
    eve = make_client(*make_lab("Eastgate"))
    playing = make_client(world.lab, world.owner, mode="test")

    for other in (eve, playing):
        assert other.get(f"/files/{file.public_id}").status_code == 404
        assert other.get(f"/files/{file.public_id}/content").status_code == 404
        assert other.send("delete", f"/files/{file.public_id}", b"").status_code == 404
        assert other.get("/files").json()["data"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_a_list_asks_as_much_for_one_as_for_three(
    lab: ApiClient, world: World, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(number):
        stored(world)
    lab.get("/files")

    with django_assert_num_queries(3) as asked:
        assert len(lab.get("/files").json()["data"]) == number

    assert not [query for query in asked.captured_queries if '"body"' in query["sql"]]


# --- Referencing ---------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(world: World) -> Batch:
    return publishing.create_batch(world.project, name="Second", by=world.owner, now=NOW)


def line(external_id: str, *files: object) -> dict[str, object]:
    return {"external_id": external_id, "payload": {**PAYLOAD, "files": list(files)}}


def test_a_line_may_show_its_lab_s_own_files(lab: ApiClient, world: World, batch: Batch) -> None:
    one, two = stored(world), stored(world, a_pdf())
    titled = {"id": two.public_id, "title": "Discharge letter"}

    response = lab.lines(f"/batches/{batch.public_id}/tasks", [line("a", one.public_id, titled), line("b")])

    assert (response.json()["accepted"], response.json()["rejected"]) == (2, 0)


def test_a_line_that_shows_what_is_not_its_lab_s_is_refused_by_line_and_place(
    lab: ApiClient, world: World, batch: Batch
) -> None:
    other, eve = make_lab("Eastgate")
    mine, gone = stored(world), stored(world)
    erase_file(gone, by=world.owner, now=NOW)
    strange = store_file(other, mode="live", raw=a_picture(), declared="", by=eve, now=NOW)
    played = store_file(world.lab, mode="test", raw=a_picture(), declared="", by=world.owner, now=NOW)
    bad = [strange.public_id, played.public_id, gone.public_id]

    response = lab.lines(
        f"/batches/{batch.public_id}/tasks",
        [line("a", mine.public_id), *(line(f"b{n}", mine.public_id, {"id": id_}) for n, id_ in enumerate(bad))],
    )

    assert (response.json()["accepted"], response.json()["rejected"]) == (1, 3)
    assert [(e["line"], e["external_id"], e["code"], e["pointer"]) for e in response.json()["errors"]] == [
        (2, "b0", "unknown_file", "/payload/files/1"),
        (3, "b1", "unknown_file", "/payload/files/1"),
        (4, "b2", "unknown_file", "/payload/files/1"),
    ]
    assert list(Task.objects.filter(batch=batch).values_list("external_id", flat=True)) == ["a"]


def test_all_or_nothing_counts_a_strange_file_too(lab: ApiClient, world: World, batch: Batch) -> None:
    lines = [line("a"), line("b", "file_00000000000000000000000000")]

    posted = lab.lines(f"/batches/{batch.public_id}/tasks?mode=all_or_nothing", lines)
    inline = lab.post(f"/projects/{world.project.public_id}/batches", {"name": "Third", "tasks": lines})

    assert (posted.status_code, inline.status_code) == (422, 422)
    assert [error["code"] for error in posted.json()["errors"]] == ["unknown_file"]
    assert not Task.objects.filter(batch=batch).exists()
    assert not Batch.objects.filter(name="Third").exists()


@pytest.mark.parametrize(
    "files", ["file_1", ["nonsense"], [{"title": "No id"}], [{"id": "file_1", "more": 1}], [3], [["x"]], ["x"] * 21]
)
def test_what_is_no_reference_is_a_wrong_payload(lab: ApiClient, batch: Batch, files: object) -> None:
    row = {"external_id": "a", "payload": {**PAYLOAD, "files": files}}

    response = lab.lines(f"/batches/{batch.public_id}/tasks", [row])

    assert (response.status_code, response.json()["rejected"]) == (200, 1)
    assert response.json()["errors"][0]["pointer"].startswith("/payload/files")


def test_a_chunk_asks_once_for_all_its_files(
    world: World, batch: Batch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    names = [stored(world).public_id for _ in range(3)]
    run = ingest.open_ingest(batch, ingest_mode="partial", key="", by=world.owner, now=NOW)
    lines = numbered([line(f"t-{number}", name) for number, name in enumerate(names * 3)])

    with django_assert_num_queries(1):
        (rows,) = Posting(batch, run).chunks(lines)

    assert len(rows) == 9


# --- Serving -------------------------------------------------------------------------------------------------------


def test_who_has_the_task_in_hand_sees_the_picture_after_an_access_row(world: World) -> None:
    file = stored(world)
    claim = showing(world, {"id": file.public_id, "title": "Chest, frontal"})
    cyd = browser(world.cyd.user)

    page = cyd.get(reverse("tasks:workbench", args=[claim.pk])).content.decode()
    served = cyd.get(address(claim, file))

    assert f'<img src="{address(claim, file)}" width="30" height="20" alt="Chest, frontal"' in page
    assert (served.status_code, served["Content-Type"]) == (200, "image/png")
    assert served["Content-Disposition"] == f'inline; filename="{file.public_id}.png"'
    assert served["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (served["X-Content-Type-Options"], served["Cache-Control"]) == ("nosniff", "no-store, private")
    seen = ContentAccess.objects.get(subject=file.public_id)
    assert (seen.viewer, seen.within, seen.purpose) == (world.cyd.user.public_id, claim.task.public_id, "work")


def test_a_document_is_kept_apart_from_the_page(world: World) -> None:
    file = stored(world, a_pdf(12))
    claim = showing(world, file.public_id)
    cyd = browser(world.cyd.user)

    page = cyd.get(reverse("tasks:workbench", args=[claim.pk])).content.decode()
    served = cyd.get(address(claim, file))

    assert "PDF, 12 pages" in page
    assert served["Content-Disposition"] == f'attachment; filename="{file.public_id}.pdf"'


def test_a_reviewer_sees_what_the_expert_saw(world: World) -> None:
    file = stored(world)
    claim = showing(world, file.public_id)
    hand_in(claim, world.cyd, now=work(claim, world.cyd, 60, since=app_now()))
    review = claim_for(world.ada, kind="review", now=app_now())
    ada = browser(world.ada.user)

    page = ada.get(reverse("tasks:review", args=[review.pk])).content.decode()

    assert address(review, file) in page
    assert ada.get(address(review, file)).status_code == 200
    assert ContentAccess.objects.get(subject=file.public_id).purpose == "review"
    assert browser(world.cyd.user).get(address(claim, file)).status_code == 404


def test_nobody_else_gets_a_file_nor_one_that_the_task_does_not_show(world: World) -> None:
    file, other = stored(world), stored(world)
    claim = showing(world, file.public_id)

    people = (world.dov.user, world.ada.user, world.owner)
    assert [browser(user).get(address(claim, file)).status_code for user in people] == [404, 404, 404]
    assert Client().get(address(claim, file)).status_code == 302
    assert browser(world.cyd.user).get(address(claim, other)).status_code == 404
    assert not ContentAccess.objects.filter(subject__in=[file.public_id, other.public_id]).exists()


def test_a_revoked_signature_refuses_the_next_request(world: World) -> None:
    file = stored(world)
    claim = showing(world, file.public_id)
    cyd = browser(world.cyd.user)
    assert cyd.get(address(claim, file)).status_code == 200

    signature = Signature.objects.get(user=world.cyd.user)
    agreement_actions.revoke_signature(signature, by=world.cyd.user, reason="I stop", now=app_now())

    assert cyd.get(address(claim, file)).status_code == 409
    assert ContentAccess.objects.filter(subject=file.public_id).count() == 1


def test_without_an_access_row_no_byte_is_served(world: World, lab: ApiClient) -> None:
    file = stored(world)
    claim = showing(world, file.public_id)
    cyd = browser(world.cyd.user)
    full = "ALTER TABLE agreements_contentaccess ADD CONSTRAINT disk_is_full CHECK (viewer = '') NOT VALID"
    with owner_connection() as owner:
        owner.execute(full)
        try:
            answers = [cyd.get(address(claim, file)), lab.get(f"/files/{file.public_id}/content")]
        finally:
            owner.execute("ALTER TABLE agreements_contentaccess DROP CONSTRAINT disk_is_full")

    assert [answer.status_code for answer in answers] == [503, 503]
    assert [b"PNG" in answer.content for answer in answers] == [False, False]


def test_a_bench_says_that_a_file_has_been_erased(world: World) -> None:
    file = stored(world)
    claim = showing(world, file.public_id)
    erase_file(file, by=world.owner, now=NOW)
    cyd = browser(world.cyd.user)

    page = cyd.get(reverse("tasks:workbench", args=[claim.pk])).content.decode()

    assert "The lab has erased this file." in page
    assert cyd.get(address(claim, file)).status_code == 404
