"""Uploading a file of tasks in a real browser: the bar, what is wrong with which line, and the file of errors."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import orjson
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from kernel.db import app_now
from tasks.models import Task
from tests.browser import OpenPage, breaches, overflow
from tests.tasks.factories import PAYLOAD, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The hand-written lines stand in where the real batches are not beside the repository.
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "litigators-demonstration.ndjson"


def write_lines(path: Path, number: int) -> Path:
    """Write so many tasks, of which every hundredth has no payload."""
    rows = ({"external_id": f"t-{each}", "payload": PAYLOAD if each % 100 else None} for each in range(1, number + 1))
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 360)])
def test_a_file_is_uploaded_and_its_errors_downloaded(page: OpenPage, tmp_path: Path, dark: bool, width: int) -> None:
    world = make_world(now=app_now(), tasks=1)
    lee = page(world.owner, dark=dark, width=width)
    lee.goto(reverse("tasks:batch", args=[world.batch.pk]))
    lee.get_by_text("Upload tasks").click()
    lee.get_by_label("File (NDJSON)").set_input_files(write_lines(tmp_path / "tasks.ndjson", 2_000))
    sound = {"form": (breaches(lee), overflow(lee))}
    lee.screenshot(path=f"{os.environ.get('SHOT', tmp_path)}/upload-{width}.png", full_page=True)

    lee.get_by_role("button", name="Upload").press("Enter")

    expect(lee.get_by_text("1980 tasks stored.")).to_be_visible(timeout=20_000)
    expect(lee.locator("#upload-result")).to_be_focused()
    sound["result"] = (breaches(lee), overflow(lee))
    lee.screenshot(path=f"{os.environ.get('SHOT', tmp_path)}/uploaded-{width}.png", full_page=True)
    with lee.expect_download() as got:
        lee.get_by_role("link", name="Error file").click()
    rows = list(csv.DictReader(got.value.path().read_text().splitlines()))
    assert [row["line"] for row in rows] == [str(line) for line in range(100, 2_001, 100)]
    assert Task.objects.filter(batch=world.batch).count() == 1_981
    assert sound == {name: ([], 0) for name in sound}


def test_a_real_batch_goes_in_without_scripts_once_its_broken_line_is_mended(page: OpenPage, tmp_path: Path) -> None:
    world, file = make_world(now=app_now(), tasks=1), tmp_path / "tasks.ndjson"
    good = REAL.read_bytes() if REAL.exists() else write_lines(file, 99).read_bytes()
    lee = page(world.owner, java_script_enabled=False)

    for lines in (good + b"{broken\n", good):
        file.write_bytes(lines)
        lee.goto(reverse("tasks:batch", args=[world.batch.pk]))
        lee.get_by_text("Upload tasks").click()
        lee.get_by_label("Store nothing").check()
        lee.get_by_label("File (NDJSON)").set_input_files(file)
        lee.get_by_role("button", name="Upload").click()
        expect(lee.get_by_text("Nothing was stored." if lines != good else "tasks stored.").first).to_be_visible()

    assert Task.objects.filter(batch=world.batch).count() == 1 + len(good.splitlines())
