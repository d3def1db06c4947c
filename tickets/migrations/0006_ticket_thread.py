from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0005_claimed_by'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='thread',
            field=models.CharField(blank=True, default='', editable=False, max_length=32),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(
            model_name='ticket',
            name='one_live_ticket_per_address',
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'closed'), _negated=True), fields=('address', 'thread'), name='one_live_ticket_per_address'),
        ),
    ]
