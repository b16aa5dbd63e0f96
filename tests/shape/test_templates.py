"""Templates keep to the content policy: nothing inline, no attribute that runs or styles."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def offenders(pattern: str) -> list[str]:
    """Return the templates in which a pattern occurs."""
    found = re.compile(pattern, re.IGNORECASE)
    return sorted(
        path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html") if found.search(path.read_text())
    )


def test_no_template_has_an_inline_script() -> None:
    assert offenders(r"<script(?![^>]*\ssrc=)(?![^>]*\stype=.application/json)") == []


def test_no_template_has_an_inline_style() -> None:
    assert offenders(r"<style[\s>]|<[^>]*\sstyle\s*=") == []


def test_no_template_has_an_attribute_that_runs() -> None:
    assert offenders(r"<[^>]*\son[a-z]+\s*=\s*[\"']") == []


def test_no_template_asks_another_host_for_anything() -> None:
    assert offenders(r"<(script|link|img|iframe|source)[^>]*(src|href)\s*=\s*[\"'](https?:)?//") == []


def test_every_form_that_posts_carries_its_token() -> None:
    found = []
    for path in TEMPLATES.rglob("*.html"):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.IGNORECASE | re.DOTALL):
            if "csrf_token" not in form:
                found.append(path.relative_to(TEMPLATES).as_posix())

    assert found == []
