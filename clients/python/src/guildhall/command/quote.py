"""``guildhall quote``: what a batch will cost, and by when it is done."""

from __future__ import annotations

from argparse import Namespace

from guildhall.client import Guildhall
from guildhall.command.exits import OK
from guildhall.command.screen import Screen, money
from guildhall.models import Quote


def run(lab: Guildhall, options: Namespace, screen: Screen) -> int:
    """Quote the batch that is named."""
    quote = lab.batches.quote(options.batch)
    screen.put("\n".join(written(quote)), quote)
    return OK


def written(quote: Quote) -> list[str]:
    """Write a quote for a person."""
    currency = quote["currency"]
    basis = "as measured" if quote["is_measured"] else "as the project expects"
    lines = [
        f"{quote['answers']:,} answers, {quote['seconds_per_answer'] / 60:,.1f} minutes each, {basis}",
        f"  work     {money(quote['pay_minor'], currency)}",
        f"  reviews  {money(quote['review_minor'], currency)}",
        f"  fee      {money(quote['fee_minor'], currency)}",
        f"  total    {money(quote['total_minor'], currency)}, at most {money(quote['most_minor'], currency)}; "
        f"the budget has {money(quote['available_minor'], currency)}",
        f"{quote['eligible_experts']:,} experts are eligible, with {quote['free_seconds_this_week'] / 3600:,.0f} hours "
        "left this week",
    ]
    for tier in quote["tiers"]:
        rate = money(tier["rate_minor"], currency)
        lines.append(
            f"  tier {tier['tier']}: {tier['experts']:,} experts at {rate} an hour, {tier['answers']:,} answers"
        )
    if quote["finish_p50"] and quote["finish_p90"]:
        lines.append(f"Done by {quote['finish_p50']} with half of their time, by {quote['finish_p90']} with a fifth")
    if quote["reason"]:
        lines.append(quote["reason"])
    lines += [f"  {each['experts']:,} more experts: {each['advice']}" for each in quote["widening"]]
    return lines
