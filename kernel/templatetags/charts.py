"""Charts drawn on the server as SVG: numbers in, geometry out; no style attribute is ever needed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import template

register = template.Library()


@dataclass(frozen=True)
class Part:
    """One coloured piece of a strip or a bar: a fill class without its f-, and a value."""

    fill: str
    value: int
    label: str = ""


@dataclass(frozen=True)
class Bar:
    """One column: its label below, the text above, and its parts from the axis up."""

    label: str
    text: str
    parts: Sequence[Part] = field(default_factory=tuple)
    is_on: bool = False


def _n(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


@register.inclusion_tag("components/_strip.html")
def strip(parts: Sequence[Part], total: int, label: str, size: str = "", with_legend: bool = False) -> dict[str, Any]:
    """Draw the parts of a whole as one strip, with a legend under it when asked."""
    rects, x = [], 0.0
    for part in parts:
        width = 1000 * part.value / total if total else 0
        if width and part.fill != "line":
            rects.append({"fill": part.fill, "x": _n(x), "width": _n(max(width - 2, 2))})
        x += width
    return {"rects": rects, "label": label, "size": size, "legend": parts if with_legend else ()}


@register.inclusion_tag("components/_bars.html")
def bars(columns: Sequence[Bar], label: str) -> dict[str, Any]:
    """Draw a few small columns, such as the days of a week."""
    top = max((sum(part.value for part in column.parts) for column in columns), default=0) or 1
    step = 280 / max(len(columns), 1)
    drawn = [
        _column(column, x=index * step, step=step, gap=12, floor=88, scale=68 / top)
        for index, column in enumerate(columns)
    ]
    return {"columns": drawn, "label": label}


@register.inclusion_tag("components/_bars_wide.html")
def bars_wide(columns: Sequence[Bar], label: str) -> dict[str, Any]:
    """Draw a wide column chart of money in minor units, with an axis in whole currency."""
    top = max((sum(part.value for part in column.parts) for column in columns), default=0)
    unit = _nice_step(top)
    steps = max(-(-top // unit), 1)
    scale = 168 / (steps * unit)
    step = 1044 / max(len(columns), 1)
    drawn = [
        _column(column, x=56 + index * step, step=step, gap=31, floor=190, scale=scale)
        for index, column in enumerate(columns)
    ]
    axis = [
        {
            "y": _n(190 - n * unit * scale),
            "text_y": _n(194 - n * unit * scale),
            "text": _axis_money(n * unit),
            "is_floor": n == 0,
        }
        for n in range(steps + 1)
    ]
    return {"columns": drawn, "axis": axis, "label": label}


def _column(column: Bar, *, x: float, step: float, gap: float, floor: float, scale: float) -> dict[str, Any]:
    rects, y = [], floor
    for part in column.parts:
        height = part.value * scale
        y -= height
        rects.append(
            {
                "fill": part.fill,
                "x": _n(x + gap / 2),
                "y": _n(y),
                "width": _n(step - gap),
                "height": _n(max(height - 1, 0)),
            }
        )
    return {
        "rects": rects,
        "label": column.label,
        "text": column.text,
        "is_on": column.is_on,
        "x": _n(x + step / 2),
        "y": _n(y - 7),
    }


def _nice_step(top: int) -> int:
    """Return a round step in minor units that cuts the axis in at most five."""
    step = 100_00
    for unit in (100_00, 200_00, 500_00, 1_000_00, 2_000_00, 5_000_00, 10_000_00, 20_000_00, 50_000_00, 100_000_00):
        step = unit
        if top <= unit * 5:
            break
    return step


def _axis_money(minor: int) -> str:
    whole = minor // 100
    return f"${whole // 1000}k" if whole and whole % 1000 == 0 else f"${whole:,}"


@register.inclusion_tag("components/_burndown.html")
def burndown(points: Sequence[tuple[dt.date, int]], due_on: dt.date | None, label: str, note: str) -> dict[str, Any]:
    """Draw what is left day by day, beside an even pace to the due date."""
    first, start = points[0]
    last = max(due_on or points[-1][0], points[-1][0], first + dt.timedelta(days=1))
    days, top = (last - first).days, max((left for _, left in points), default=0) or 1
    xy = [(48 + 876 * (day - first).days / days, 266 - 240 * left / top) for day, left in points]
    line = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in xy)
    end_x, end_y = xy[-1]
    pace_x = 48 + 876 * ((due_on - first).days / days) if due_on and due_on > first else None
    return {
        "line": line,
        "area": f"{line}V266H48Z",
        "pace": f"M48 {_n(266 - 240 * start / top)}L{_n(pace_x)} 266" if pace_x else "",
        "end": {
            "x": _n(end_x),
            "y": _n(end_y),
            "text_x": _n(min(max(end_x, 60), 900)),
            "text_y": _n(min(end_y + 26, 258)),
            "anchor": "end" if end_x > 400 else "start",
        },
        "grid": [
            {"y": _n(266 - 60 * n), "text_y": _n(270 - 60 * n), "text": top * n // 4, "is_floor": n == 0}
            for n in range(5)
        ],
        "days": _day_labels(first, days),
        "label": label,
        "note": note,
    }


def _day_labels(first: dt.date, days: int) -> list[dict[str, str]]:
    every = max(-(-days // 7), 1)
    labels = []
    for offset in range(0, days + 1, every):
        day = first + dt.timedelta(days=offset)
        x = 48 + 876 * offset / days
        labels.append({"x": _n(min(x, 936)), "text": f"{day.day} {day:%b}", "anchor": "end" if x > 900 else "middle"})
    return labels
