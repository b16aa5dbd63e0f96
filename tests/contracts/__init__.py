"""Clients and validators that others wrote, unchanged, against what we serve."""
