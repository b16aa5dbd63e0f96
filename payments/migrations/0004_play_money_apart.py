"""Keep play money in play: never at Stripe or a bank, never paid in, never paid out, and never in one project with real."""

from django.db import migrations, models
from django.db.models import Q

IS_REAL = ~Q(currency="XTS")
PLAY_PLACES = Q(code__in=("opening_equity", "platform_fee")) | Q(
    code__regex=r"^(lab_prepaid|project_budget|project_hold|expert_available):"
)


def check(model: str, name: str, condition: Q) -> migrations.AddConstraint:
    """Return a rule that every row keeps."""
    return migrations.AddConstraint(model, models.CheckConstraint(condition=condition, name=name))


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_payout_guards")]

    operations = [
        check("account", "account_play_money_stays_in_play", IS_REAL | PLAY_PLACES),
        migrations.AddConstraint(
            "account",
            models.UniqueConstraint(
                fields=["code"], condition=Q(code__startswith="project_"), name="account_of_a_project_in_one_currency"
            ),
        ),
        check("funding", "funding_is_of_real_money", IS_REAL),
        check("payoutrun", "run_is_of_real_money", IS_REAL),
        check("payoutitem", "item_is_of_real_money", IS_REAL),
    ]
