"""What a benchmark found: figures beside their limit, and one last line that a script can read."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version


@dataclass(frozen=True)
class Figure:
    """One thing measured several times."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the middle value."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        spread = f"{min(self.values):,.1f} to {max(self.values):,.1f}"
        return f"{self.name:<46} {self.median:>12,.1f} {self.unit:<10} ({spread}, {len(self.values)} runs)"


@dataclass(frozen=True)
class Report:
    """A benchmark's outcome; ``extra_musts`` are further bounds as (name, found, bound, kept)."""

    name: str
    ratio: float
    must: float
    figures: tuple[Figure, ...]
    extra_musts: tuple[tuple[str, float, float, bool], ...] = ()
    machine: dict[str, str] = field(default_factory=lambda: describe_machine())

    @property
    def is_met(self) -> bool:
        """Say whether the product does what it must."""
        return self.ratio >= self.must and all(kept for *_, kept in self.extra_musts)

    @property
    def last_line(self) -> str:
        """Return the line that every benchmark ends with."""
        return f"{self.name} ratio {self.ratio:.3f} must {self.must:g}"

    def print(self, *, as_json: bool) -> None:
        """Print for a person, or for a script."""
        if as_json:
            print(json.dumps({**asdict(self), "is_met": self.is_met}))
            print(self.last_line, file=sys.stderr)
            return
        for name, value in self.machine.items():
            print(f"{name:<14} {value}")
        for figure in self.figures:
            print(figure)
        for name, found, bound, kept in self.extra_musts:
            print(f"{name:<46} {found:>12,.1f} {'kept' if kept else 'MISSED':<10} (bound {bound:,.1f})")
        print(self.last_line)


def median_ratio(products: Sequence[float], limits: Sequence[float]) -> float:
    """Return the median of the ratios of measurements that were taken one after the other."""
    return statistics.median(product / limit for product, limit in zip(products, limits, strict=True))


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on."""
    parts = ", ".join(f"{name} {version(name)}" for name in ("django", "psycopg", "gunicorn"))
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "parts": parts,
    }
