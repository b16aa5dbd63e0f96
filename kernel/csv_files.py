"""CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import HttpResponse

RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file that hands back each line written to it."""

    def write(self, line: str) -> str:
        return line


def safe_cell(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: a number stays, anything else is quoted by '."""
    if value.startswith(RUNS_AS_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines of CSV."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])


def csv_response(rows: Iterable[Sequence[str]], filename: str) -> HttpResponse:
    """Answer with a CSV file."""
    response = HttpResponse("".join(csv_lines(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    return response


def _is_number(value: str) -> bool:
    return value.lstrip("-").replace(".", "", 1).isdigit() and value.isascii()
