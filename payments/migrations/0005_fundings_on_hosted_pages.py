"""Let labs pay in on pages that Stripe hosts, and by key as well as by person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labs", "0003_key_networks"),
        ("payments", "0004_play_money_apart"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="funding",
            name="hosted_url",
            field=models.CharField(blank=True, db_default="", default="", max_length=2000),
        ),
        migrations.AddField(
            model_name="funding",
            name="invoice_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="funding",
            name="invoice_number",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="funding",
            name="po_number",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="funding",
            name="way",
            field=models.CharField(
                choices=[("charge", "Card"), ("card", "Card Page"), ("invoice", "Invoice")],
                db_default="charge",
                default="charge",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="funding",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.CheckConstraint(
                condition=models.Q(("way__in", ["charge", "card", "invoice"])), name="funding_way_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.UniqueConstraint(
                condition=models.Q(("invoice_id", ""), _negated=True),
                fields=("invoice_id",),
                name="funding_once_per_invoice",
            ),
        ),
    ]
