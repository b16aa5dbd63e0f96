"""Find a page of a batch's tasks, in the order in which they are listed, by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0008_acceptances_in_order")]

    operations = [
        migrations.AddIndex("task", models.Index(fields=["batch", "id"], name="task_of_batch")),
    ]
