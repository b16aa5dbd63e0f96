"""Have a file cleaned in a process of its own, so that what breaks a parser breaks nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

from django.conf import settings

from tasks.cleaning.bounds import Cleaned, NotClean
from tasks.cleaning.turns import turn

SECONDS = 45
# Isolated: no environment and no user site, so neither the master key nor the database is within its reach.
COMMAND = (sys.executable, "-E", "-s", "-m", "tasks.cleaning")


def clean_apart(raw: bytes) -> Cleaned:
    """Return the file written anew, or raise NotClean; one that exhausts its bounds is refused like any other.

    Raises Busy while too many others are being cleaned.
    """
    try:
        with turn() as held:
            done = subprocess.run(
                COMMAND, input=raw, capture_output=True, timeout=SECONDS, env={}, cwd=settings.BASE_DIR, check=True,
                pass_fds=(held,),
            )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise NotClean("too_complex", "This file takes too much to read. Save it anew in a simpler form.") from None
    head, _, body = done.stdout.partition(b"\n")
    said = json.loads(head)
    if "code" in said:
        raise NotClean(said["code"], said["detail"])
    return Cleaned(body=body, **said)
