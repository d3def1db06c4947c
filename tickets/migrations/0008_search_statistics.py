from django.db import migrations


class Migration(migrations.Migration):
    """The planner must know of many words how common they are: newest hits of a common one are found by walking back over
    the messages, of a rare one by the index."""

    dependencies = [
        ('tickets', '0007_message_search'),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE tickets_messagesearch ALTER COLUMN words SET STATISTICS 1000",
            "ALTER TABLE tickets_messagesearch ALTER COLUMN words SET STATISTICS -1",
        ),
    ]
