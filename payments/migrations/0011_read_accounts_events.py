"""Remember up to when each connected account's events were fetched."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_a_key_means_one_thing"),
    ]

    operations = [
        migrations.AddField(
            model_name="payee",
            name="events_read_at",
            field=models.DateTimeField(null=True),
        ),
    ]
