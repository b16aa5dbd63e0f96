"""Build experts, operators and applications, and reach their states through actions."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from django.test import Client

from accounts.actions import create_user, enrol_totp, grant_role
from accounts.models import SIMULATED_HOST, User
from experts import actions
from experts.models import Application, Credential, Domain, Expert, TierGrant
from experts.queries import application_of
from experts.states import ExpertState

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # A Monday.
STATEMENT = "I run a perinatal mood clinic and spend my evenings correcting what patients were told about lithium."
_numbers = count(1)


def a_user(name: str = "Cyd Marlowe") -> User:
    """Make an account."""
    word = name.split()[0].lower()
    return create_user(email=f"{word}{next(_numbers)}@example.org", name=name, password=None, now=NOW)


def an_operator(*roles: str, name: str = "Vic Osei") -> User:
    """Make an operator with these roles and a second factor."""
    user = a_user(name)
    enrol_totp(user, now=NOW)
    for role in roles:
        grant_role(user, role, by=None, reason="Hired for it", now=NOW)
    return user


def an_expert(name: str = "Cyd Marlowe", **fields: object) -> Expert:
    """Make an applicant."""
    values = {"country": "US", "languages": ["en"], "headline": "Psychiatrist", **fields}
    return actions.register_expert(user=a_user(name), now=NOW, **values)  # type: ignore[arg-type]  # Test's own keywords.


def a_simulated_expert() -> Expert:
    """Make somebody who acts in labs' test mode."""
    email = f"simulated-{next(_numbers)}{SIMULATED_HOST}"
    user = User.objects.create_user(email, name="Simulated expert", is_simulated=True)
    life = {"state": ExpertState.ACTIVE, "state_changed_at": NOW}
    return Expert.objects.create(user=user, mode="test", country="US", languages=["en"], created_at=NOW, **life)


def domain(slug: str = "psychiatry") -> Domain:
    """Return a domain of the installed tree."""
    found = Domain.objects.filter(slug=slug).first()
    return found or actions.install_domains()[slug]


def a_credential(expert: Expert, **fields: object) -> Credential:
    """Add a credential as the expert claims it."""
    values = {"credential_class": "physician_licence", "issuer": "NYSED", "jurisdiction": "US-NY", "number": "281447"}
    return actions.add_credential(expert, now=NOW, **{**values, **fields})  # type: ignore[arg-type]  # Test's own keywords.


def an_application(
    *, name: str = "Cyd Marlowe", slug: str = "psychiatry", tier: int = 3, by: User | None = None
) -> Application:
    """Send an application for one domain; with ``by``, that operator has taken it."""
    expert = an_expert(name)
    a_credential(expert)
    application = application_of(expert)
    assert application is not None
    actions.fill_application(application, statement=STATEMENT, requests=[(domain(slug), tier)], now=NOW)
    actions.submit_application(application, now=NOW)
    if by:
        actions.take_application(application, by=by, now=NOW)
    return application


def a_tier(expert: Expert, slug: str, tier: int, *, by: User, second: User | None = None) -> TierGrant:
    """Grant a tier, and confirm it when a second operator is given."""
    grant = actions.grant_tier(expert, domain(slug), tier, by=by, reason="Known for it", now=NOW)
    return actions.confirm_tier(grant, by=second, now=NOW) if second else grant


def signed_in(user: User) -> Client:
    """Return a client of this user; an operator's session counts as opened with a second factor."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["enrolled_here"] = True
    session.save()
    return client
