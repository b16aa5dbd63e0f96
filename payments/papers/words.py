"""How papers write money, time and days."""

from __future__ import annotations

from datetime import date

from kernel.money import Money, format_money


def money(minor: int, currency: str) -> str:
    """Write an amount with its currency: $1,234.50."""
    return format_money(Money(minor, currency))


def hours(seconds: int) -> str:
    """Write a time to the second: 9:12:41 is nine hours and twelve minutes."""
    return f"{seconds // 3_600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def day(iso: str) -> str:
    """Write an ISO date, or the day of an ISO time: 7 Nov 2026."""
    read = date.fromisoformat(iso[:10])
    return f"{read.day} {read:%b %Y}"


def month(iso: str) -> str:
    """Write the month that begins on an ISO date: November 2026."""
    return f"{date.fromisoformat(iso):%B %Y}"
