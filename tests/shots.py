"""Photograph a running demo's pages as each persona sees them, and list what is wrong with them.

``bin/shots`` needs ``bin/demo`` to run beside it. Pictures go to ``shots/``; the last line says ``problems: N``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".guildhall" / "environment"


def load_demo() -> None:
    """Speak to the demo's own database, so that a session can be made for each persona."""
    if not ENVIRONMENT.exists():
        raise SystemExit("Start bin/demo first, and wait until it has seeded.")
    for line in ENVIRONMENT.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ[name] = value
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()


load_demo()

from django.conf import settings  # noqa: E402  (the demo's environment comes first)

from accounts.models import User  # noqa: E402
from agreements.models import AgreementVersion  # noqa: E402
from experts.models import Application, Expert  # noqa: E402
from kernel.db import app_now  # noqa: E402
from marketplace.seeding.cast import OWNER_EMAIL, address  # noqa: E402
from payments.models import PayoutRun  # noqa: E402
from tasks.actions.claims import claim_next  # noqa: E402
from tasks.models import Batch, Claim, Project  # noqa: E402
from tests.browser import Watch, breaches, overflow, sign_in  # noqa: E402
from tests.chromium import find_chromium  # noqa: E402

PICTURED = (1440, 390)
MEASURED = (360, 390, 1024, 1440)


def pages() -> dict[str, list[str]]:
    """Return each persona's pages, by e-mail address; '' is a stranger."""
    run, application = (
        PayoutRun.objects.latest("number"),
        Application.objects.filter(state="SUBMITTED").latest("created_at"),
    )
    project = Project.objects.get(code_name="Juniper")
    batch = Batch.objects.filter(project=project).earliest("created_at")
    version = AgreementVersion.objects.get(agreement__code_name="Nightjar", state="PUBLISHED")
    bench = working_claim(Expert.objects.get(user__email=address("Dov Abramson")))
    buyer = project.lab.members.get(role="owner").user.email
    return {
        "": ["/", "/rates/", "/accounts/login/", "/accounts/signup/", "/mail/", "/nowhere/"],
        address("Cyd Marlowe"): [
            "/work/", "/work/offers/", "/work/mine/", "/earnings/", "/earnings/payee/", "/agreements/", "/inbox/",
            "/account/", "/expert/profile/", f"/agreements/{version.public_id}/sign/",
        ],
        address("Dov Abramson"): [f"/work/{bench.public_id}/"],
        address("Hanna Virtanen"): ["/apply/"],
        buyer: [
            "/lab/projects/", f"/lab/projects/{project.public_id}/", f"/lab/batches/{batch.public_id}/", "/lab/keys/",
            "/lab/members/", "/lab/funds/", "/lab/exports/",
        ],
        address("Vera Lindqvist"): ["/desk/vetting/", f"/desk/vetting/{application.public_id}/"],
        address("Femi Okafor"): ["/desk/payouts/", f"/desk/payouts/{run.public_id}/"],
        address("Tamsin Reid"): ["/desk/access/", "/desk/health/", "/desk/jobs/"],
        OWNER_EMAIL: ["/desk/people/", "/desk/labs/"],
    }  # fmt: skip


def working_claim(expert: Expert) -> Claim:
    """Return the task that an expert has in hand, or let them claim one."""
    held = Claim.objects.filter(expert=expert, state="WORKING").first()
    return held or claim_next(expert, now=app_now())


def photograph(browser: Browser, folder: Path) -> Iterator[str]:
    """Visit every page in both schemes and at every width; give each problem as it is found."""
    for email, paths in pages().items():
        for is_dark in (False, True):
            watch = Watch()
            context = persona(browser, email, is_dark=is_dark, watch=watch)
            for path in paths:
                yield from (
                    f"{path} {problem}" for problem in visit(context, watch, email, path, folder, is_dark=is_dark)
                )
            context.close()


def persona(browser: Browser, email: str, *, is_dark: bool, watch: Watch) -> BrowserContext:
    """Return a browser in which somebody is signed in."""
    context = browser.new_context(
        base_url=settings.PUBLIC_URL, color_scheme="dark" if is_dark else "light", reduced_motion="reduce"
    )
    watch.over_context(context)
    if email:
        sign_in(context, User.objects.get(email=email), settings.PUBLIC_URL)
    return context


def visit(
    context: BrowserContext, watch: Watch, email: str, path: str, folder: Path, *, is_dark: bool
) -> Iterator[str]:
    """Look at one page at every width; give what is wrong with it."""
    page = context.new_page()
    watch.over(page)
    page.set_viewport_size({"width": MEASURED[-1], "height": 900})
    answer = page.goto(path)
    if answer is None or answer.status not in (200, 404):
        yield f"answers {answer.status if answer else 'nothing'} to {email or 'a stranger'}"
    yield from (f"axe {'dark' if is_dark else 'light'} {breach}" for breach in breaches(page))
    for width in MEASURED:
        page.set_viewport_size({"width": width, "height": 900})
        if (pixels := overflow(page)) > 0:
            yield f"is {pixels} px too wide at {width}"
        if width in PICTURED:
            name = f"{path.strip('/').replace('/', '-') or 'landing'}-{width}-{'dark' if is_dark else 'light'}.png"
            page.screenshot(path=folder / name, full_page=True)
    yield from watch.problems
    watch.problems.clear()
    page.close()


def main() -> int:
    """Photograph everything; return 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="bin/shots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "shots")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    found = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(found.program),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            env={**os.environ, **found.environment},
        )
        problems = sorted(set(photograph(browser, folder)))
        browser.close()
    for problem in problems:
        print(problem)
    print(f"problems: {len(problems)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
