"""The endpoints, by what they are about; importing this package registers them all."""

from payments.sandbox.resources import accounts, balances, events, funding, invoices, transfers

__all__ = ["accounts", "balances", "events", "funding", "invoices", "transfers"]
