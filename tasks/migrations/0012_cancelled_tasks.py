"""Let one task be called off: what is given back of it afterwards is wanted by nobody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0011_tasks_by_state_and_tag")]

    operations = [
        migrations.AddField("task", "cancelled_at", models.DateTimeField(blank=True, null=True)),
    ]
