"""People arrive as they would: they sign up, apply, are checked by two operators, sign, and say where to be paid."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings

from accounts.actions import create_user, enrol_totp, grant_role
from accounts.models import Role, User
from experts.actions import (
    add_credential,
    approve_application,
    check_credential,
    choose_content,
    confirm_application,
    fill_application,
    grant_reviewer_mark,
    register_expert,
    set_availability,
    submit_application,
    take_application,
    verify_credential,
)
from experts.models import Application, Domain, Expert
from experts.queries import application_of
from kernel.money import usd
from kernel.outbound import fetch
from labs.actions import approve_lab, register_lab
from labs.models import Lab
from marketplace.seeding.cast import LABS, OPERATORS, ExpertCard, LabCard
from marketplace.seeding.clock import StoryClock
from payments.actions import carry_funding, onboarding_link, read_payee, start_funding, start_payee

STATEMENT = (
    "I have practised for more than ten years and still do. {headline}. I would like to judge and correct what "
    "models say about my field, in the hours that my work leaves me."
)


class Operators:
    """Those who run the demo's house, by name of their role."""

    def __init__(self, clock: StoryClock) -> None:
        """Let the owner bring everybody in, each with a second factor."""
        owner = User.objects.filter(operator_roles__contains=[Role.OWNER]).order_by("date_joined").first()
        assert owner is not None, "`manage.py install` makes the owner."
        self.owner = owner
        enrol_totp(self.owner, now=clock.now)
        people: dict[str, list[User]] = {}
        for card in OPERATORS:
            user = make_user(card.name, card.email, card.time_zone, clock)
            grant_role(user, card.role, by=self.owner, reason="Joined the house as it opened", now=clock.now)
            enrol_totp(user, now=clock.now)
            people.setdefault(card.role, []).append(user)
        self.builder, self.approver = people[Role.FINANCE]
        self.first_vetter, self.second_vetter = people[Role.VETTING]


def make_user(name: str, email: str, time_zone: str, clock: StoryClock) -> User:
    """Make an account with the demo's password."""
    return create_user(email=email, name=name, password=settings.DEMO_PASSWORD, time_zone=time_zone, now=clock.now)


def make_lab(card: LabCard, operators: Operators, clock: StoryClock) -> tuple[Lab, User]:
    """Let a lab join, be approved, and pay in by card."""
    owner = make_user(card.owner, f"{card.owner.split()[0].lower()}@{card.website.partition('//')[2]}", "UTC", clock)
    lab = register_lab(
        owner=owner,
        name=card.name,
        contact_email=owner.email,
        country=card.country,
        website=card.website,
        purpose=card.purpose,
        now=clock.now,
    )
    lab = approve_lab(lab, by=operators.owner, reason="Known to us; the contract is signed", now=clock.pass_minutes(30))
    funding = start_funding(lab, usd(card.funds_minor), by=owner, now=clock.now, payment_method="pm_card_bypassPending")
    carry_funding(funding.pk)
    return lab, owner


def make_labs(operators: Operators, clock: StoryClock) -> dict[str, tuple[Lab, User]]:
    """Let every lab of the cast join."""
    return {card.name: make_lab(card, operators, clock) for card in LABS}


def make_expert(card: ExpertCard, operators: Operators, clock: StoryClock) -> Expert:
    """Let an expert apply and be vetted: by one operator, and from tier 4 on by two."""
    application = apply(card, clock)
    expert, domain = application.expert, Domain.objects.get(slug=card.domain)
    vetter, other = operators.first_vetter, operators.second_vetter
    clock.pass_minutes(20)
    take_application(application, by=vetter, now=clock.now)
    for credential in expert.credentials.all():
        check_credential(credential, by=vetter, now=clock.now)
        verify_credential(
            credential,
            by=vetter,
            where=f"Register of {credential.issuer}",
            finding="Listed, in good standing",
            now=clock.now,
        )
    reason = f"{card.credential.replace('_', ' ').capitalize()} seen at its source; interview on file"
    if not approve_application(application, by=vetter, reason=reason, tiers={domain: card.tier}, now=clock.now):
        application.refresh_from_db()
        confirm_application(application, by=other, reason="Read the file, I agree", now=clock.pass_minutes(5))
    expert.refresh_from_db()
    if card.is_reviewer:
        grant_reviewer_mark(expert, domain, by=other, reason="Trial reviews agreed with ours", now=clock.now)
    if card.has_payee:
        set_up_payouts(expert, clock)
    return expert


def apply(card: ExpertCard, clock: StoryClock) -> Application:
    """Let somebody sign up and send their application."""
    user = make_user(card.name, card.email, card.time_zone, clock)
    expert = register_expert(
        user=user, country=card.country, languages=["en"], headline=card.headline, weekly_hours=30, now=clock.now
    )
    application = application_of(expert)
    assert application is not None  # Registering opens one.
    add_credential(
        expert,
        credential_class=card.credential,
        issuer=card.issuer,
        jurisdiction=card.jurisdiction,
        number=card.number,
        expires_on=date(clock.now.year + 2, 6, 30) if card.number else None,
        now=clock.now,
    )
    fill_application(
        application,
        statement=STATEMENT.format(headline=card.headline),
        requests=[(Domain.objects.get(slug=card.domain), card.tier)],
        now=clock.now,
    )
    submit_application(application, now=clock.now)
    set_availability(expert, weekly_hours=30, is_away=False, now=clock.now)
    choose_content(expert, flags=["self_harm"], now=clock.now)
    application.refresh_from_db()
    return application


def set_up_payouts(expert: Expert, clock: StoryClock) -> None:
    """Let an expert go through Stripe's pages, as the sandbox shows them, to the end."""
    payee = start_payee(expert, now=clock.now)
    link = onboarding_link(payee, now=clock.now)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    fetch("POST", link, body=b"outcome=complete", headers=form)
    read_payee(payee.pk)


OLD_ENOUGH = timedelta(hours=73)  # A changed bank account waits three days before it is paid to.
