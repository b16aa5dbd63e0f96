"""Webhooks: labs' own addresses that are told of events, and the log of what became of each delivery."""
