"""The people of a journey: an expert at the workbench, operators at their desks, a lab at its API."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from accounts.clock import move_clock
from tests.accounts.factories import PASSWORD as OPERATORS_PASSWORD
from tests.accounts.factories import TOTP_SECRET, make_operator
from tests.journeys.people import SECONDS, Person

BEAT = timedelta(seconds=15)
STATEMENT = (
    "I have done this for twelve years, first in practice and now as a teacher, and I judge such work every week."
)
CHECKS = ("name", "current", "depth", "fit", "sources")
CREDENTIALS = {
    "medicine": {"credential_class": "physician_licence", "jurisdiction": "US-NY", "number": "281447"},
    "litigation": {"credential_class": "bar_admission", "jurisdiction": "US-NY", "number": "5512093"},
    "fiction": {"credential_class": "publication_record", "title": "Salt Hours, a novel"},
}


class Expert(Person):
    """Somebody who does tasks, or reviews them."""

    def apply(self, domain: str, tier: int) -> None:
        """Sign up and send an application for one domain."""
        self.sign_up()
        self.sign_in()
        about = {"headline": f"Expert in {domain}", "country": "US", "languages": ["en"]}
        page = self.submit(self.get("/apply/"), "/apply/about/", **about)
        values = {"issuer": "State of New York", **CREDENTIALS[domain]}
        page = self.submit(page, "/expert/credentials/", **values)
        chosen = option(page, "ask-0-domain", domain)
        page = self.submit(page, "/apply/ask/", **{"ask-0-domain": chosen, "ask-0-tier": tier, "statement": STATEMENT})
        self.submit(page, "/apply/send/")

    def take_offer(self, code_name: str) -> None:
        """Accept the offer of a project; its agreement comes up, is read and signed."""
        offers = self.get("/work/offers/")
        offer = re.search(r"/work/offers/(ofr_\w+)/", _article(offers.text, code_name))
        assert offer is not None, f"no offer of {code_name}"
        agreement = self.submit(offers, f"{offer.group(1)}/", answer="accept")
        assert "/agreements/" in agreement.url
        self.sign(agreement)

    def read_nda(self) -> None:
        """Follow the home page to the agreement that stands before the work, and sign it."""
        link = re.search(r'href="(/agreements/avr_\w+/sign/[^"]*)"', self.get("/work/").text)
        assert link is not None, "the home page leads to no agreement"
        self.sign(self.get(link.group(1)))

    def sign(self, agreement: requests.Response) -> requests.Response:
        """Tick the consent and type the name."""
        return self.submit(agreement, "/sign/", consent="on", typed_name=self.name)

    def claim(self, kind: str = "work", *, status: int = 200) -> requests.Response:
        """Ask for the next piece of work and open its bench."""
        page = self.get("/work/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        sent = {"csrfmiddlewaretoken": token.group(1), "kind": kind}
        answer = self.session.post(
            f"{self.site}/work/claim/", data=sent, headers={"Referer": page.url}, timeout=SECONDS
        )
        return self._checked(answer, status)

    def work(self, bench: requests.Response, seconds: int) -> int:
        """Keep the page open and at work for ``seconds`` of the house's clock; return the seconds that counted."""
        bar = dict(re.findall(r'data-(\w+)="([^"]*)"', _tag(bench.text, "wb-bar")))
        nonce, active = bar["nonce"], int(bar["active"])
        for counter in range(int(bar["counter"]) + 1, int(bar["counter"]) + 1 + seconds // 15):
            move_clock(BEAT)
            beat = {"fence": int(bar["fence"]), "nonce": nonce, "counter": counter, "queued": 0}
            reading = self.post_json(bench, bar["beat"], {**beat, "is_visible": True, "had_input": True})
            nonce, active = reading["nonce"], reading["active_seconds"]
        return int(active)


class Operator(Person):
    """Somebody at a desk, who signs in with a one-time code."""

    @classmethod
    def hired(cls, site: str, name: str, *roles: str) -> Operator:
        """Give somebody roles, as the owner would, and sign them in."""
        user = make_operator(*roles, name=name, password=OPERATORS_PASSWORD)
        operator = cls(site, user.email, name)
        page = operator.submit(
            operator.get("/accounts/login/"), "/login/", login=user.email, password=OPERATORS_PASSWORD
        )
        operator.submit(page, "/2fa/authenticate/", code=one_time_code())
        return operator

    def submit(self, page: requests.Response, action: str, *, status: int = 200, **values: Any) -> requests.Response:
        """Send a form; before money or roles move, say once more who one is."""
        answer = super().submit(page, action, status=status, **values)
        if "/accounts/reauthenticate/" not in answer.url:
            return answer
        return super().submit(answer, "/reauthenticate/", status=status, password=OPERATORS_PASSWORD)

    def vet(self, name: str, *, reviews: bool = False, domain: str = "") -> str:
        """Take an application, check its credential, approve it as asked; return its page."""
        queue = self.get("/desk/vetting/?q=all")
        found = re.search(rf'href="(/desk/vetting/app_\w+/)"(?:(?!</a>).)*{re.escape(name)}', queue.text, re.DOTALL)
        assert found is not None, f"{name} is not in the queue"
        address = found.group(1)
        page = self.submit(self.get(address), "/take/")
        page = self.submit(page, "/check/")
        page = self.submit(page, "/verdict/", verdict="verify", where="The public register", finding="In good standing")
        page = self.submit(page, "/decide/", decision="approve", checks=CHECKS, reason="Everything fits the tier")
        if reviews:
            chosen = option(page, "domain", domain)
            self.submit(page, "/marks/", domain=chosen, reason="Careful, and known for clear notes")
        return address

    def confirm(self, address: str) -> None:
        """Confirm an application as the second operator."""
        page = self.get(address)
        self.submit(page, "/decide/", decision="confirm", checks=CHECKS, reason="I looked at the same sources")


class LabApi:
    """A lab's engineer with a key."""

    def __init__(self, site: str, key: str) -> None:
        self.site = f"{site}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what stands at ``path``."""
        return self._json(self.session.get(self.site + path, params=parameters, timeout=SECONDS), 200)

    def post(self, path: str, body: object = None, *, status: int = 200, key: str = "") -> Any:
        """Send JSON."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._json(
            self.session.post(self.site + path, json=body or {}, headers=headers, timeout=SECONDS), status
        )

    def push(self, path: str, file: Path) -> Any:
        """Stream a file of lines."""
        with file.open("rb") as lines:
            headers = {"Content-Type": "application/x-ndjson"}
            return self._json(self.session.post(self.site + path, data=lines, headers=headers, timeout=SECONDS), 200)

    def pull(self, path: str) -> Iterator[bytes]:
        """Stream a file of lines."""
        with self.session.get(self.site + path, stream=True, timeout=SECONDS) as answer:
            assert answer.status_code == 200, answer.text
            yield from answer.iter_lines()

    def pages(self, path: str, **parameters: Any) -> Iterator[Any]:
        """Walk through a list to its end."""
        cursor = ""
        while True:
            page = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            yield from page["data"]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                return

    @staticmethod
    def _json(answer: requests.Response, status: int) -> Any:
        assert answer.status_code == status, (
            f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:2000]}"
        )
        return answer.json()


def one_time_code() -> str:
    """Return the code that a phone with the operators' secret shows now."""
    return format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))


def option(page: requests.Response, name: str, words: str) -> str:
    """Return the value of the choice that reads ``words`` in a select."""
    select = re.search(rf'<select[^>]*name="{re.escape(name)}".*?</select>', page.text, re.DOTALL)
    assert select is not None, f"no select called {name}"
    found = re.search(rf'<option value="([^"]+)"[^>]*>[^<]*\b{re.escape(words)}\b[^<]*</option>', select.group(0), re.I)
    assert found is not None, f"{name} has no choice {words}"
    return found.group(1)


def _tag(text: str, name: str) -> str:
    found = re.search(rf'<[^>]*id="{name}"[^>]*>', text)
    assert found is not None, f"the page has no {name}"
    return found.group(0)


def _article(text: str, words: str) -> str:
    found = next((part for part in re.split(r"(?=<article)", text)[1:] if words in part), None)
    assert found is not None, f"{words} is in no article of the page"
    return found
