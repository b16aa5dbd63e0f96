"""People who use the site over HTTP alone: they read pages, fill in the forms they find, and follow links."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

PASSWORD = "a long walk by the canal"
SECONDS = 60


@dataclass
class Form:
    """A form as a page shows it: where it goes, and the values it would send untouched."""

    action: str
    values: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collect the forms of a page, with what each field holds."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = self._textarea = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        is_set = {name for name, _ in attrs}
        name = values.get("name", "")
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and name and values.get("type", "text") not in ("submit", "button", "file"):
            if values.get("type") not in ("checkbox", "radio") or "checked" in is_set:
                self._add(name, values.get("value", "on" if values.get("type") == "checkbox" else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in is_set:
            self._add(self._select, values.get("value", ""))
        elif tag == "textarea":
            self._textarea, self._text = name, []

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            self._add(self._textarea, "".join(self._text).removeprefix("\n"))
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def _add(self, name: str, value: str) -> None:
        if self.forms:
            self.forms[-1].values.setdefault(name, []).append(value)


class Person:
    """Somebody at a browser without scripts."""

    def __init__(self, site: str, email: str, name: str = "") -> None:
        self.site, self.email, self.name = site, email, name
        self.session = requests.Session()

    def get(self, address: str, *, status: int = 200) -> requests.Response:
        """Open a page and expect ``status``."""
        return self._checked(self.session.get(urljoin(self.site, address), timeout=SECONDS), status)

    def submit(self, page: requests.Response, action: str, *, status: int = 200, **values: Any) -> requests.Response:
        """Fill in the form of ``page`` whose action ends with ``action``, send it, and follow where it leads."""
        here = urlsplit(page.url).path
        form = next((each for each in forms_of(page) if (each.action or here).partition("?")[0].endswith(action)), None)
        assert form is not None, (
            f"{page.url} has no form to {action}; it has {[each.action for each in forms_of(page)]}"
        )
        sent = form.values | {name: _as_list(value) for name, value in values.items()}
        answer = self.session.post(
            urljoin(page.url, form.action), data=sent, headers={"Referer": page.url}, timeout=SECONDS
        )
        return self._checked(answer, status)

    def post_json(self, page: requests.Response, address: str, body: object, *, status: int = 200) -> Any:
        """Send JSON as the page's script would."""
        token = next(value[0] for form in forms_of(page) if (value := form.values.get("csrfmiddlewaretoken")))
        headers = {"X-CSRFToken": token, "Referer": page.url, "Accept": "application/json"}
        answer = self.session.post(urljoin(page.url, address), json=body, headers=headers, timeout=SECONDS)
        return self._checked(answer, status).json()

    def sign_up(self) -> None:
        """Make an account and prove the address with the letter on the mail page."""
        page = self.get("/accounts/signup/")
        self.submit(page, "/signup/", name=self.name, email=self.email, password1=PASSWORD, password2=PASSWORD)
        link = re.search(r"https?://[^\s<\"]+(/accounts/confirm-email/[^\s<\"]+)", self._letters())
        assert link is not None, "the letter with the link is not on the mail page"
        asked = self.get(link.group(1))
        self.submit(asked, next(form.action for form in forms_of(asked) if "/confirm-email/" in form.action))

    def sign_in(self, code: str = "") -> requests.Response:
        """Sign in, with a one-time code where one is asked for."""
        page = self.submit(self.get("/accounts/login/"), "/login/", login=self.email, password=PASSWORD)
        return self.submit(page, "/2fa/authenticate/", code=code) if code else page

    def _letters(self) -> str:
        """Return the newest letter to this person, as the demo's mail page shows it."""
        text = self.get("/mail/").text
        letters = re.split(r"(?=<article)", text)
        return next((letter for letter in letters if self.email in letter), text)

    @staticmethod
    def _checked(answer: requests.Response, status: int) -> requests.Response:
        assert answer.status_code == status, (
            f"{answer.request.method} {answer.url}: {answer.status_code}\n{words(answer)}"
        )
        return answer


def forms_of(page: requests.Response) -> list[Form]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def words(page: requests.Response) -> str:
    """Return a page's visible words, for messages."""
    text = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", page.text)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))[:2000]


def _as_list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
