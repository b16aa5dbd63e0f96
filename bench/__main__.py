"""Run one benchmark, ``bin/bench claim`` (or another of ``bench.runner.BENCHES``), with what it needs."""

from __future__ import annotations

import subprocess
import sys

from bench.runner import read_options
from bench.services import started


def main() -> int:
    """Start the services, measure in a process that has them as its settings, and return 1 when a must is missed."""
    read_options()  # A wrong word is told before anything starts.
    with started() as environment:
        command = [sys.executable, "-m", "bench.runner", *sys.argv[1:]]
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
