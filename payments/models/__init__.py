"""What is stored about money: the ledger, the rate card, fundings, holds, pay lines, payouts and papers."""

from payments.models.cards import Rate, RateCard
from payments.models.checks import LedgerCheck
from payments.models.corrections import Correction
from payments.models.documents import Document, DocumentKind, DocumentSeries
from payments.models.events import StripeEvent
from payments.models.funding import Customer, Funding, FundingWay
from payments.models.journals import JournalBatch
from payments.models.ledger import PLAY_MONEY, Account, AccountKind, Entry, Posting
from payments.models.pay import Hold, PayLine, PayReason, WorkKind
from payments.models.payouts import Payee, PayoutItem, PayoutRun, Rail, RunApproval, RunEdit
from payments.models.reconciling import Difference, DifferenceKind, Movement, PayoutStop, Reconciliation
from payments.models.taxes import TaxForm, TaxProfile

__all__ = [
    "PLAY_MONEY",
    "Account",
    "AccountKind",
    "Correction",
    "Customer",
    "Difference",
    "DifferenceKind",
    "Document",
    "DocumentKind",
    "DocumentSeries",
    "Entry",
    "Funding",
    "FundingWay",
    "Hold",
    "JournalBatch",
    "LedgerCheck",
    "Movement",
    "PayLine",
    "PayReason",
    "Payee",
    "PayoutItem",
    "PayoutRun",
    "PayoutStop",
    "Posting",
    "Rail",
    "Rate",
    "RateCard",
    "Reconciliation",
    "RunApproval",
    "RunEdit",
    "StripeEvent",
    "TaxForm",
    "TaxProfile",
    "WorkKind",
]
