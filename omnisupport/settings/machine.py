"""Where and as what it runs: the machine, its hosts, its secrets."""

from pathlib import Path

from omnisupport.env import env_bool, env_int, env_list, env_str

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = env_str("ENVIRONMENT", "development")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env_bool("DEBUG", False)
DATA_DIR = Path(env_str("DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()

# ---- Hosts -----------------------------------------------------------------------------------------------------------
BASE_DOMAIN = env_str("BASE_DOMAIN", "localhost").lower()
# What browsers and messengers use to reach us: scheme and port; the host is the workspace's own.
PUBLIC_SCHEME = env_str("PUBLIC_SCHEME", "https" if PRODUCTION else "http")
PUBLIC_PORT = env_int("PUBLIC_PORT", env_int("PORT", 8000))
# Unset on a laptop: then messengers are polled instead of calling our webhook.
PUBLIC_URL_REACHABLE = env_bool("PUBLIC_URL_REACHABLE", PRODUCTION)
ALLOWED_HOSTS = [BASE_DOMAIN, f".{BASE_DOMAIN}", *env_list("EXTRA_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
USE_X_FORWARDED_HOST = False
if env_bool("BEHIND_TLS_PROXY", PRODUCTION):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ---- Secrets ---------------------------------------------------------------------------------------------------------
INSECURE_DEFAULT = "insecure-development-value-do-not-use-it-anywhere"
SECRET_KEY = env_str("SECRET_KEY") or INSECURE_DEFAULT
JWT_SECRET_KEY = env_str("JWT_SECRET_KEY") or INSECURE_DEFAULT
# Comma-separated, newest first; older ones still decrypt. Any string: the cipher key is derived from it.
FIELD_ENCRYPTION_KEYS = env_list("FIELD_ENCRYPTION_KEY") or [INSECURE_DEFAULT]
METRICS_TOKEN = env_str("METRICS_TOKEN")
# What the key that signs notices for browsers is made of; a change asks every browser to be switched on anew.
WEB_PUSH_KEY = env_str("WEB_PUSH_KEY")
