"""Reading and signing in a real browser, in both themes and narrow."""

from __future__ import annotations

import pytest

from accounts.models import User
from agreements import actions
from agreements.models import ContentAccess, Signature
from tests.agreements.factories import NEXT_TEXT, a_signature, a_version, an_agreement
from tests.browser import OpenPage, breaches, overflow
from tests.experts.factories import NOW, an_expert, an_operator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_an_expert_signs_in_the_browser(page: OpenPage) -> None:
    version, cyd = a_version(an_agreement()), an_expert()
    opened = page(cyd.user)
    opened.goto(f"/agreements/{version.public_id}/sign/?next=/agreements/")

    opened.get_by_role("button", name="Sign and go on").click()
    opened.get_by_text("Nothing was saved.").wait_for()
    opened.get_by_label("I have read the whole agreement").check()
    opened.get_by_label("Type your full name").fill("cyd marlowe")
    opened.get_by_role("button", name="Sign and go on").click()
    opened.get_by_role("heading", name="What you have signed").wait_for()

    signature = Signature.objects.get()
    assert (signature.typed_name, signature.state, signature.version) == ("cyd marlowe", "LIVE", version)
    assert "Chrome" in signature.user_agent


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 1440), (False, 390), (True, 360)])
def test_the_pages_of_agreements_have_no_barriers_and_do_not_overflow(page: OpenPage, dark: bool, width: int) -> None:
    cyd, tess = an_expert().user, an_operator("trust", name="Tess Moreau")
    house = actions.install_house_agreement(by=None, now=NOW)
    first = a_version(an_agreement())
    a_signature(first, cyd)
    second = a_version(first.agreement, NEXT_TEXT)
    ContentAccess.objects.create(viewer=cyd.public_id, subject="tsk_1", purpose="work", at=NOW, ip="192.0.2.1")
    visits: list[tuple[User, str]] = [
        (cyd, f"/agreements/{second.public_id}/sign/?next=/work/"),
        (cyd, f"/agreements/{first.public_id}/sign/"),
        (cyd, "/agreements/"),
        (tess, "/agreements/"),
        (tess, f"/agreements/{house.public_id}/sign/"),
        (tess, f"/desk/access/?q={cyd.public_id}"),
        (tess, "/desk/access/?q=tsk_2"),
    ]

    found = {}
    for user, address in visits:
        opened = page(user, dark=dark, width=width)
        opened.goto(address)
        found[address] = (breaches(opened), overflow(opened))

    assert set(map(str, found.values())) == {"([], 0)"}, found
