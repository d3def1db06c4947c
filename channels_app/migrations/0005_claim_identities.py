from django.db import migrations

# Channels connected before identities were claimed over all workspaces; of two that share one the first keeps it.
CLAIM = """
INSERT INTO public.tenants_channelclaim (kind, identity, tenant_id, channel_id, created_at)
SELECT c.kind, encode(sha256(convert_to(c.external_id, 'UTF8')), 'hex'), t.id, c.id, now()
FROM channels_app_channel c JOIN public.tenants_tenant t ON t.schema_name = current_schema()
WHERE c.external_id <> '' ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('channels_app', '0004_reconciliation'),
        ('tenants', '0002_channel_claims'),
    ]

    operations = [migrations.RunSQL(CLAIM, migrations.RunSQL.noop)]
