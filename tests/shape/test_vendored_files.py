"""What others wrote and we ship is exactly what we looked at, with its licence."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
FONTS = ROOT / "payments" / "papers" / "fonts"  # Of the papers: typst reads no font of the web.
both = pytest.mark.parametrize("folder", [VENDOR, FONTS], ids=["static", "papers"])


@both
def test_every_vendored_file_has_the_hash_in_the_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text())

    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }

    assert found == manifest


@both
def test_every_vendored_package_carries_its_licence(folder):
    packages = [path for path in folder.iterdir() if path.is_dir()]

    assert packages
    assert [path.name for path in packages if not (path / "LICENSE").exists()] == []


def test_no_vendored_stylesheet_asks_for_a_source_map():
    assert [path.name for path in VENDOR.rglob("*.css") if "sourceMappingURL" in path.read_text()] == []


def test_the_vendored_icons_are_those_that_templates_name():
    text = "\n".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r"""{% icon ["']([a-z0-9-]+)["']""", text))

    assert named == {path.stem for path in (VENDOR / "lucide-static-1.62.0" / "icons").glob("*.svg")}


def test_no_template_breaks_the_content_security_policy():
    breaks = re.compile(r"<style|\sstyle=|\son[a-z]+=[\"']|<script>|javascript:")
    found = {path.name for path in (ROOT / "templates").rglob("*.html") if breaks.search(path.read_text())}

    assert found == set()
