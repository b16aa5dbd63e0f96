"""Set up the house: who owns it, what work is called and pays, and the money that bears card fees."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts.actions import create_user, grant_role
from accounts.models import Role, User
from agreements.actions import install_house_agreement
from experts.actions import install_cast, install_domains
from kernel.db import app_now
from kernel.money import Money, format_money
from payments import ledger
from payments.actions import install_rate_card, post_float
from payments.gateways import stripe as gateway

FLOAT_KEY = "operating-float"


class Command(BaseCommand):
    """Install what every house needs; safe to run again, which changes nothing."""

    help = "Make the first owner, the domains, the rate card, the house agreement and the operating float."

    def add_arguments(self, parser: CommandParser) -> None:
        """Read who owns the house and what it brings along."""
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the first owner's e-mail address")
        parser.add_argument("--owner-name", default="First Owner", metavar="NAME")
        parser.add_argument("--card-from", type=date.fromisoformat, metavar="DATE", help="first day of the rate card")
        parser.add_argument("--float-minor", type=int, default=50_000_00, metavar="CENTS", help="0 for none")

    def handle(self, *args: Any, owner: str, owner_name: str, **options: Any) -> None:
        """Install part after part; each says what it found or made."""
        person = self._own(owner.lower(), owner_name)
        now = app_now()
        domains = install_domains()
        card = install_rate_card(by=None, now=now, valid_from=options["card_from"])
        version = install_house_agreement(by=None, now=now)
        self.stdout.write(f"{len(domains)} domains, rate card {card.version}, house agreement {version.number}")
        self.stdout.write(f"{install_cast(now=now)} simulated experts for labs' test mode")
        gateway.set_manual_payouts()
        self.stdout.write("Stripe pays out to nobody's bank by itself")
        if options["float_minor"]:
            self._bring_float(Money(options["float_minor"], "USD"), person)

    def _own(self, email: str, name: str) -> User:
        """Return the first owner, made if the house has none."""
        known = User.objects.filter(operator_roles__contains=[Role.OWNER]).order_by("date_joined").first()
        if known:
            self.stdout.write(f"owned by {known.email}")
            return known
        password = settings.DEMO_PASSWORD or None
        person = User.objects.filter(email=email).first() or create_user(
            email=email, name=name, password=password, now=app_now()
        )
        grant_role(person, Role.OWNER, by=None, reason="First owner of the house", now=app_now())
        how = (
            "with the demo's password"
            if password
            else f"who sets a password at {settings.PUBLIC_URL}/accounts/password/reset/"
        )
        self.stdout.write(f"owned by {email}, {how}")
        return person

    def _bring_float(self, amount: Money, by: User) -> None:
        """Top up the balance at Stripe by the operating float, once: Stripe forgets keys, the ledger does not."""
        if ledger.balance(ledger.opening_equity(amount.currency)):
            self.stdout.write("the operating float is there")
            return
        topup = gateway.create_topup(amount=amount, description="Operating float", key=FLOAT_KEY)
        post_float(amount.minor, topup_id=topup, by=by, now=app_now(), currency=amount.currency)
        self.stdout.write(f"operating float of {format_money(amount)}")
