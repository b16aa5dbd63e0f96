"""A local Stripe: real HTTP for the real SDK, exact idempotency, enforced balances, and faults on request."""
