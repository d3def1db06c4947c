"""What is kept of what happened: ledgers, for how long; logs and metrics."""

from omnisupport.env import env_bool, env_int, env_str
from omnisupport.lib.log import logging_config
from omnisupport.settings.machine import PRODUCTION

INBOUND_RETENTION_DAYS = env_int("INBOUND_RETENTION_DAYS", 30)
WEBHOOK_RETENTION_DAYS = env_int("WEBHOOK_RETENTION_DAYS", 30)
# What readers of help centres looked for in vain.
MISSED_SEARCH_RETENTION_DAYS = env_int("MISSED_SEARCH_RETENTION_DAYS", 90)
AID_RETENTION_DAYS = env_int("AID_RETENTION_DAYS", 90)
LEARNED_RETENTION_DAYS = env_int("LEARNED_RETENTION_DAYS", 180)

LOGGING_CONFIG = None
LOGGING = logging_config(json=env_bool("LOG_JSON", PRODUCTION), level=env_str("LOG_LEVEL", "INFO"))
PROMETHEUS_EXPORT_MIGRATIONS = False
