"""Let labs pay in play money as well, by rows that never were, and never will be, at Stripe."""

from django.db import migrations, models
from django.db.models import Q

NEVER_AT_STRIPE = Q(state="SETTLED", stripe_id="", invoice_id="", hosted_url="", fee_minor=0)


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_fundings_on_hosted_pages")]

    operations = [
        migrations.RemoveConstraint("funding", "funding_is_of_real_money"),
        migrations.AddConstraint(
            "funding",
            models.CheckConstraint(
                condition=~Q(currency="XTS") | NEVER_AT_STRIPE, name="funding_of_play_money_is_never_at_stripe"
            ),
        ),
    ]
