"""How states, money, time and tiers are shown."""

import datetime as dt

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from kernel.money import Money
from kernel.templatetags import charts, gh
from kernel.templatetags.tones import TONES, tone_of, words_of


def rendered(source: str, **context: object) -> str:
    return Template("{% load gh charts %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("state", "thing", "tone"),
    [
        ("PENDING_APPROVAL", "payoutrun", "wait"),
        ("WORKING", "claim", "motion"),
        ("CLAIMED", "credential", "idle"),
        ("CLAIMED", "slot", "motion"),
        ("OPEN", "slot", "idle"),
        ("OPEN", "case", "wait"),
        ("VOID", "", "over"),
        ("NEVER_HEARD_OF", "", "idle"),
    ],
)
def test_a_state_has_the_tone_of_its_thing(state, thing, tone):
    assert tone_of(state, thing) == tone


def test_no_state_has_two_tones_within_one_thing():
    for thing, row in TONES.items():
        names = " ".join(row.values()).split()

        assert len(names) == len(set(names)), thing


def test_a_state_is_shown_in_words():
    assert words_of("PENDING_APPROVAL") == "Pending approval"
    assert (
        rendered("{% state 'PENDING_APPROVAL' 'payoutrun' %}")
        == '<span class="gh-state gh-wait">Pending approval</span>'
    )


def test_a_state_name_from_outside_is_escaped():
    assert "&lt;B&gt;" not in rendered("{% state name %}", name="<b>x")
    assert "<b>" not in rendered("{% state name %}", name="<b>x")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(123450, "$1,234.50"), (0, "$0.00"), (Money(5, "USD"), "$0.05"), (-250, "-$2.50"), (None, ""), ("", "")],
)
def test_money_always_has_currency_and_cents(value, shown):
    assert gh.money(value, "USD") == shown


def test_a_rate_is_money_an_hour():
    assert gh.rate(26_000, "USD") == "$260.00/h"
    assert gh.rate(None) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(33_120, "9 h 12 m"), (3_600, "1 h 00 m"), (720, "12 m"), (41, "41 s"), (0, "0 m"), (None, "0 m")],
)
def test_a_duration_reads_as_people_write_it(seconds, shown):
    assert gh.duration(seconds) == shown


def test_a_running_time_has_seconds():
    assert gh.clock(1_421) == "00:23:41"
    assert gh.clock(None) == "00:00:00"
    assert gh.capclock(3_600) == "60:00"
    assert gh.minutes(1_080) == "18 min"


def test_a_time_is_in_the_viewers_zone_with_utc_in_its_title():
    moment = dt.datetime(2019, 11, 20, 23, 0, tzinfo=dt.UTC)

    with timezone.override("America/New_York"):
        shown = gh.when(moment)

    assert (
        shown == '<time datetime="2019-11-20T23:00:00+00:00" title="2019-11-20 23:00 UTC">Wed 20 Nov 2019, 18:00</time>'
    )


@pytest.mark.parametrize(
    ("shape", "words"),
    [("time", "18:00"), ("date", "Wed 20 Nov 2019"), ("long", "Wednesday 20 November 2019"), ("near", "20 Nov")],
)
def test_a_time_has_other_shapes(shape, words):
    with timezone.override("America/New_York"):
        shown = gh.when(dt.datetime(2019, 11, 20, 23, 0, tzinfo=dt.UTC), shape)

    assert f">{words}<" in shown


def test_a_date_and_no_time_at_all_are_shown_too():
    assert gh.when(dt.date(2019, 11, 20)) == '<time datetime="2019-11-20">Wed 20 Nov 2019</time>'
    assert gh.when(None) == ""


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "Times in New York (UTC\N{MINUS SIGN}"),
        ("Asia/Kolkata", "Times in Kolkata (UTC+5:30)"),
        ("UTC", "Times in UTC"),
        ("Africa/Accra", "Times in Accra (UTC)"),
    ],
)
def test_the_foot_says_whose_time_it_is(zone, words):
    with timezone.override(zone):
        assert gh.zone_words().startswith(words)


def test_a_tier_is_five_steps_of_which_some_are_on():
    drawn = gh.tier(4)

    assert drawn.count("<rect ") == 5
    assert drawn.count('class="on"') == 4


def test_an_icon_is_inline_and_hidden_from_readers():
    drawn = gh.icon("check")

    assert drawn.startswith('<svg class="gh-icon" viewBox="0 0 24 24" aria-hidden="true"><')
    assert "lucide" not in drawn


def test_a_field_ties_label_hint_and_error_to_its_control():
    class Reasoned(forms.Form):
        reason = forms.CharField(help_text="Say why.", max_length=3)

    shown = rendered("{% field form.reason %}", form=Reasoned({"reason": "too long"}))

    assert '<label class="form-label" for="id_reason">Reason</label>' in shown
    assert 'aria-describedby="id_reason-h id_reason-e"' in shown
    assert 'aria-invalid="true"' in shown
    assert 'id="id_reason-h">Say why.' in shown
    assert 'id="id_reason-e"' in shown


def test_choices_stand_in_a_fieldset():
    class Chosen(forms.Form):
        way = forms.ChoiceField(choices=[("a", "One"), ("b", "Two")], widget=forms.RadioSelect)
        agreed = forms.BooleanField(label="I agree")

    shown = rendered("{% field form.way %}{% field form.agreed %}", form=Chosen())

    assert shown.count("<fieldset") == shown.count("</fieldset>") == 1
    assert shown.count('type="radio"') == 2
    assert 'type="checkbox"' in shown


def test_a_wide_table_scrolls_in_a_named_region():
    shown = rendered('{% table_scroll "Keys" %}<table></table>{% endtable_scroll %}')

    assert shown == '<div class="gh-sheet gh-scroll" tabindex="0" role="region" aria-label="Keys"><table></table></div>'


def test_a_strip_shows_its_parts_in_proportion():
    shown = rendered(
        '{% strip parts 4 "One of four" with_legend=True %}',
        parts=[charts.Part("settled", 1, "Accepted"), charts.Part("line", 3, "Open")],
    )

    assert 'aria-label="One of four"' in shown
    assert '<rect class="f-settled" x="0" width="248" height="10"/>' in shown
    assert "Accepted <b>1</b>" in shown


def test_charts_of_nothing_are_still_charts():
    empty = [charts.Bar("Mon", "")]

    assert 'aria-label="No time"' in rendered('{% bars columns "No time" %}', columns=empty)
    assert 'aria-label="No money"' in rendered('{% bars_wide columns "No money" %}', columns=empty)
    assert 'aria-label="None"' in rendered('{% strip parts 0 "None" %}', parts=[])
    assert "NaN" not in rendered('{% burndown points None "Left" "0 left" %}', points=[(dt.date(2026, 11, 12), 0)])


def test_columns_stand_on_the_axis_and_the_tallest_fits():
    columns = [
        charts.Bar("2 Nov", "$2,665", [charts.Part("brand", 266_500)], is_on=True),
        charts.Bar("9 Nov", "$1", [charts.Part("brand", 100)]),
    ]

    shown = rendered('{% bars_wide columns "By week" %}', columns=columns)

    assert 'class="on">$2,665' in shown
    assert ">$3k<" in shown


def test_a_burndown_draws_what_is_left_and_an_even_pace():
    points = [(dt.date(2026, 11, 12), 800), (dt.date(2026, 11, 19), 341)]

    shown = rendered('{% burndown points due "341 left" "341 left" %}', points=points, due=dt.date(2026, 11, 27))

    assert 'd="M48 26L924 266"' in shown
    assert ">12 Nov<" in shown


def test_a_number_is_never_localised_inside_a_drawing(settings):
    settings.USE_THOUSAND_SEPARATOR = True

    shown = rendered('{% strip parts 1 "All" %}', parts=[charts.Part("settled", 1)])

    assert 'width="998"' in shown
