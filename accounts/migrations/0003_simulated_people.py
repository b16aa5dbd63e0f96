"""Mark the people who act in labs' test mode: nobody signs in as one."""

from django.db import migrations, models
from django.db.models import Q

HOST = "@simulated.invalid"
UNUSABLE = "!"  # What Django stores where no password matches.
NO_WAY_IN = Q(is_simulated=False) & ~Q(email__endswith=HOST) | Q(
    email__endswith=HOST,
    is_simulated=True,
    is_staff=False,
    is_superuser=False,
    operator_roles=[],
    password__startswith=UNUSABLE,
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_clock_and_guards")]

    operations = [
        migrations.AddField(
            "user", "is_simulated", models.BooleanField(db_default=False, default=False, editable=False)
        ),
        migrations.AddConstraint(
            "user", models.CheckConstraint(condition=NO_WAY_IN, name="user_simulated_has_no_way_in")
        ),
    ]
