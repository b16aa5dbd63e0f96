"""The application and the vetting desk in a real browser: keys, themes, narrow windows, accessibility."""

from __future__ import annotations

import pytest

from experts import actions
from experts.models import Application
from tests.browser import OpenPage, breaches, overflow
from tests.experts.factories import NOW, a_credential, a_tier, a_user, an_application, an_expert, an_operator, domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_the_vetting_desk_is_worked_by_keys(page: OpenPage) -> None:
    vic = an_operator("vetting")
    an_application()
    an_application(name="Dov Lindgren")
    desk = page(vic)
    desk.goto("/desk/vetting/")
    first = desk.locator("#who").inner_text()
    desk.keyboard.press("j")
    desk.wait_for_function("name => document.querySelector('#who').innerText !== name", arg=first)
    second = desk.locator("#who").inner_text()

    desk.keyboard.press("t")
    desk.get_by_role("button", name="Approve at these tiers").wait_for()
    for box in desk.get_by_role("checkbox").all():
        box.check()
    desk.get_by_label("Reason").last.fill("Clear case")
    desk.get_by_role("button", name="Approve at these tiers").click()
    desk.get_by_text("Approved. They are told at once.").wait_for()

    states = dict(Application.objects.values_list("expert__user__name", "state"))
    assert states == {first: "SUBMITTED", second: "APPROVED"}


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 1440), (False, 390), (True, 360)])
def test_the_pages_of_vetting_have_no_barriers_and_do_not_overflow(page: OpenPage, dark: bool, width: int) -> None:
    vic, wes = an_operator("vetting"), an_operator("vetting", name="Wes Lund")
    application = an_application(name="Wilhelmina-Alexandra Featherstonehaugh-Cholmondeley", tier=4, by=vic)
    a_credential(application.expert, issuer="The Very Honourable Society of the Inner and Outer Temple " * 3)
    actions.approve_application(application, by=vic, reason="Clear " * 40, now=NOW, tiers={domain(): 4})
    cyd = an_expert()
    a_tier(cyd, "law", 2, by=vic)
    visits = [
        (wes, f"/desk/vetting/{application.public_id}/"),
        (wes, "/desk/vetting/?q=nobody"),
        (application.expert.user, "/apply/"),
        (cyd.user, "/apply/"),
        (cyd.user, "/expert/profile/"),
        (a_user("Nina New"), "/apply/"),
    ]

    found = {}
    for user, address in visits:
        opened = page(user, dark=dark, width=width)
        opened.goto(address)
        found[address, user.name] = (breaches(opened), overflow(opened))

    assert set(map(str, found.values())) == {"([], 0)"}, found
