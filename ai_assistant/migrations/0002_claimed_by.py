from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("ai_assistant", "0001_assistant_and_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="answer",
            name="claimed_by",
            field=models.IntegerField(null=True),
        ),
    ]
