from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0014_macros"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="ticket", name="ticket_counters"),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("status__in", ["open", "waiting"])),
                fields=["status", "assignee", "team", "is_snoozed"],
                name="ticket_counts",
            ),
        ),
    ]
