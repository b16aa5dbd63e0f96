"""The ledger's three tables: append-only, balanced, guarded by the database (migration 0002)."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Upper


class AccountKind(models.TextChoices):
    """Which side of the books an account is on: assets and expenses grow by debit, the others by credit."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"


PLAY_MONEY = "XTS"
# Where play money may stand: no place of these is at Stripe, at a bank, or on its way to one.
PLAY_PLACES = Q(code__in=("opening_equity", "platform_fee")) | Q(
    code__regex=r"^(lab_prepaid|project_budget|project_hold|expert_available):"
)


class Account(models.Model):
    """A place of money in one currency; one with a floor keeps its balance here, the others are summed."""

    code = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=AccountKind)
    currency = models.CharField(max_length=3)
    floor = models.BigIntegerField(null=True)  # The lowest normal balance allowed.
    balance = models.BigIntegerField(default=0, editable=False)  # Debit positive; written by posting only.
    version = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("code", "currency")
        constraints = (
            models.UniqueConstraint(fields=["code", "currency"], name="account_once_per_currency"),
            models.UniqueConstraint(fields=["id", "currency"], name="account_id_with_currency"),
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="account_kind_known"),
            models.CheckConstraint(condition=Q(currency=Upper("currency")), name="account_currency_is_upper"),
            models.CheckConstraint(
                condition=~Q(currency=PLAY_MONEY) | PLAY_PLACES, name="account_play_money_stays_in_play"
            ),
            models.UniqueConstraint(
                fields=["code"], condition=Q(code__startswith="project_"), name="account_of_a_project_in_one_currency"
            ),
            models.CheckConstraint(
                condition=Q(floor__isnull=True)
                | Q(kind__in=[AccountKind.ASSET, AccountKind.EXPENSE], balance__gte=F("floor"))
                | (~Q(kind__in=[AccountKind.ASSET, AccountKind.EXPENSE]) & Q(balance__lte=-F("floor"))),
                name="account_not_below_floor",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.currency}"


class Entry(models.Model):
    """One balanced change of the ledger, known by its natural key."""

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    payload_sha256 = models.CharField(max_length=64)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()), editable=False)
    # The writing transaction: postings of any other are refused, so an old entry takes no late leg.
    xid = models.BigIntegerField(db_default=RawSQL("(pg_current_xact_id()::text::bigint)", ()), editable=False)
    memo = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "entries"
        indexes = (BrinIndex(fields=["xid"], name="entry_by_xid"),)  # They come in this order, nearly.

    def __str__(self) -> str:
        return self.key


class Posting(models.Model):
    """One leg of an entry: whole minor units, debit positive."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="postings")
    # The database ties (account, currency) together to the account, so that currencies cannot meet (0002).
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(amount=0), name="posting_moves_something"),)
        indexes = (models.Index(fields=["account", "id"], include=["amount"], name="posting_by_account"),)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount}"
