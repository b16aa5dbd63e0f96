"""The console's pages beside the work: a quick start whose lines run, and a report whose file agrees with it."""

from __future__ import annotations

import html
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.factories import log_in

pytestmark = pytest.mark.django_db


def lines_of(page: str) -> list[list[str]]:
    """Return the curl lines that a page shows, split as a shell would."""
    blocks = [html.unescape(each) for each in re.findall(r"<code>(.*?)</code>", page, re.DOTALL)]
    text = re.split(r"\n(?=curl|export)", "\n".join(blocks).replace("\\\n", " "))
    return [shlex.split(line) for line in text if line.startswith("curl")]


def start_page(owner: User) -> str:
    """Return the quick start as an owner sees it."""
    answer: Any = log_in(Client(), owner).get("/lab/start/")
    assert answer.status_code == 200
    return str(answer.content.decode())
