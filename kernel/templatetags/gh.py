"""How states, money, time and tiers are shown; nobody formats them by hand."""

import datetime as dt
import functools
import re
from pathlib import Path
from typing import Any, Final

from django import template
from django.db.models import Model
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from kernel import markdown as renderer
from kernel.money import Money, format_money
from kernel.templatetags.tones import tone_of, words_of

register = template.Library()

ICONS: Final = Path(__file__).resolve().parents[2] / "static" / "vendor" / "lucide-static-1.62.0" / "icons"
_SVG: Final = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@register.simple_tag
def state(value: object, thing: str = "", label: str = "") -> SafeString:
    """Render the badge of a state: a row with a state, or its name and the thing it belongs to."""
    if isinstance(value, Model):
        thing, value = thing or str(value._meta.model_name), getattr(value, "state", "")
    name = str(value).upper()
    return format_html('<span class="gh-state gh-{}">{}</span>', tone_of(name, thing), label or words_of(name))


@register.simple_tag
def tone(value: object, thing: str = "") -> str:
    """Return the tone class of a state, for parts that are not badges."""
    return f"gh-{tone_of(str(value).upper(), thing)}"


@register.filter
def words(value: object) -> str:
    """Return a constant in words: LOST_RACE is 'Lost race'."""
    return words_of(str(value))


@register.filter
def money(value: Money | int | str | None, currency: str = "USD") -> str:
    """Return an amount with its currency and cents; nothing for no amount."""
    if value is None or value == "":
        return ""
    return format_money(value if isinstance(value, Money) else Money(int(value), currency or "USD"))


@register.filter
def rate(value: Money | int | str | None, currency: str = "USD") -> str:
    """Return an hourly rate: $260.00/h."""
    shown = money(value, currency)
    return f"{shown}/h" if shown else ""


@register.filter
def duration(seconds: int | None) -> str:
    """Return a length of time as people write it: 9 h 12 m, 12 m, 41 s."""
    whole = int(seconds or 0)
    if 0 < whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m"


@register.filter
def clock(seconds: int | None) -> str:
    """Return a running time: 00:23:41."""
    minutes, rest = divmod(int(seconds or 0), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


@register.filter
def minutes(seconds: int | None) -> str:
    """Return whole minutes: 18 min."""
    return f"{int(seconds or 0) // 60} min"


@register.filter
def capclock(seconds: int | None) -> str:
    """Return a cap as minutes and seconds: 60:00."""
    whole = int(seconds or 0)
    return f"{whole // 60}:{whole % 60:02d}"


@register.filter
def when(value: dt.datetime | dt.date | None, shape: str = "") -> SafeString:
    """Render a time in the viewer's zone with UTC in its title; the shape is '', 'date', 'time', 'near' or 'long'."""
    if value is None or value == "":
        return mark_safe("")
    if not isinstance(value, dt.datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), _day(value))
    local = timezone.localtime(value)
    utc = value.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        utc.strftime("%Y-%m-%d %H:%M"),
        _shaped(local, shape),
    )


def _shaped(local: dt.datetime, shape: str) -> str:
    if shape == "time":
        return date_format(local, "H:i")
    if shape == "date":
        return _day(local.date())
    if shape == "near":
        is_today = local.date() == timezone.localdate()
        return date_format(local, "H:i") if is_today else date_format(local, "j M")
    if shape == "long":
        return date_format(local, "l j F Y")
    return f"{_day(local.date())}, {date_format(local, 'H:i')}"


def _day(day: dt.date) -> str:
    return date_format(day, "D j M" if day.year == timezone.now().year else "D j M Y")


@register.filter
def markdown(text: str | None) -> SafeString:
    """Render untrusted Markdown with the one renderer."""
    return renderer.render(text or "")


@register.simple_tag
def tier(number: int) -> SafeString:
    """Draw a tier as the five steps of the mark."""
    bars = format_html_join(
        "",
        '<rect {}x="{}" y="{}" width="3.5" height="{}"/>',
        (
            (
                mark_safe('class="on" ') if step <= int(number) else "",
                f"{(step - 1) * 4.5:g}",
                11 - 2 * step,
                3 + 2 * step,
            )
            for step in range(1, 6)
        ),
    )
    return format_html('<svg class="gh-tier" viewBox="0 0 22 14" aria-hidden="true">{}</svg>', bars)


@functools.cache
def _icon_body(name: str) -> str:
    found = _SVG.search((ICONS / f"{name}.svg").read_text(encoding="utf-8"))
    assert found, f"{name} is not an icon"
    return re.sub(r"\s+", " ", found.group(1)).strip().replace("> <", "><")


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw a vendored lucide icon inline; it is never read out."""
    body = mark_safe(_icon_body(name))  # noqa: S308 - a vendored file, checked by its hash.
    return format_html(
        '<svg class="gh-icon{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', f" {extra}" if extra else "", body
    )


@register.simple_tag(takes_context=True)
def here(context: Context, *names: str) -> SafeString:
    """Mark a link as the page we are on when the view's name is one of these."""
    match = getattr(context.get("request"), "resolver_match", None)
    is_here = match is not None and match.view_name in names
    return mark_safe(' aria-current="page"' if is_here else "")  # noqa: S308 - a constant.


@register.inclusion_tag("components/_field.html")
def field(bound: BoundField, hint: str = "", css: str = "") -> dict[str, Any]:
    """Render one form field: label, control, hint and errors, tied together for assistive technology."""
    widget = bound.field.widget
    kind = (
        "check"
        if isinstance(widget, CheckboxInput)
        else "choices"
        if isinstance(widget, RadioSelect | CheckboxSelectMultiple)
        else "line"
    )
    hint = hint or str(bound.help_text)
    described = " ".join(
        name for name, wanted in ((f"{bound.auto_id}-h", hint), (f"{bound.auto_id}-e", bound.errors)) if wanted
    )
    control = "form-check-input" if kind != "line" else "form-select" if isinstance(widget, Select) else "form-control"
    classes = [control, css, str(widget.attrs.get("class", "")), "is-invalid" if bound.errors else ""]
    attrs: dict[str, str | bool] = {"class": " ".join(part for part in classes if part)}
    if kind == "choices":
        widget.attrs["class"] = attrs["class"]  # Each choice is drawn by itself, with the attributes of the whole.
    if described:
        attrs["aria-describedby"] = described
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {"field": bound, "kind": kind, "hint": hint, "control": bound.as_widget(attrs=attrs)}


@register.simple_block_tag
def table_scroll(content: str, label: str, css: str = "gh-sheet") -> SafeString:
    """Wrap a wide table in a focusable, named region that scrolls sideways."""
    return format_html(
        '<div class="{} gh-scroll" tabindex="0" role="region" aria-label="{}">{}</div>', css, label, content
    )


@register.simple_tag
def zone_words() -> str:
    """Say in which zone times are shown: 'Times in New York (UTC-5)', with a true minus sign."""
    name = timezone.get_current_timezone_name()
    offset = timezone.localtime().utcoffset() or dt.timedelta()
    whole = int(offset.total_seconds() // 60)
    sign, (hours, rest) = ("\N{MINUS SIGN}" if whole < 0 else "+"), divmod(abs(whole), 60)
    if not whole:
        return "Times in UTC" if name == "UTC" else f"Times in {_city(name)} (UTC)"
    return f"Times in {_city(name)} (UTC{sign}{hours}{f':{rest:02d}' if rest else ''})"


def _city(name: str) -> str:
    return name.rsplit("/", 1)[-1].replace("_", " ")
