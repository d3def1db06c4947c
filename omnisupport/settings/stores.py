"""Where data lies: PostgreSQL, Redis, Qdrant, files."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from omnisupport.env import env_int, env_str
from omnisupport.lib.redis import wary_options
from omnisupport.settings.machine import BASE_DIR, DATA_DIR, PRODUCTION

# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # The pool keeps connections; every request and task gives its own back.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {
                "min_size": env_int("DATABASE_POOL_MIN", 1),
                "max_size": env_int("DATABASE_POOL_MAX", 8),
                "timeout": 5,
                "max_lifetime": 1800,
                "max_idle": 120,
            },
            # Connections beyond one schema's search_path must fail fast rather than hang a whole workspace.
            # Three hundred rows by their keys are not dearer than a walk over the table: disks have no heads any more.
            "options": "-c statement_timeout=30000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000"
            " -c random_page_cost=1.1",
        },
    }


DATABASE_URL = env_str("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/omnisupport")
DATABASES = {"default": _database(DATABASE_URL)}
ORIGINAL_BACKEND = "django.db.backends.postgresql"

# ---- Redis: broker, cache, locks, realtime; never the ledger ------------------------------------------------------------
REDIS_URL = env_str("REDIS_URL", "redis://127.0.0.1:6379/0")
REDIS_OPTIONS: dict[str, Any] = {
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 15,
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "OPTIONS": {**REDIS_OPTIONS, **wary_options(REDIS_URL)},
    },
    # Rendered public pages, by what they were made of: right for as long as they are there.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "TIMEOUT": 600,
        "OPTIONS": {"MAX_ENTRIES": 300},
    },
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "omni"},
    }
}

# ---- Qdrant ----------------------------------------------------------------------------------------------------------
QDRANT_URL = env_str("QDRANT_URL") or (
    f"http://{env_str('QDRANT_HOST')}:{env_int('QDRANT_PORT', 6333)}" if env_str("QDRANT_HOST") else ""
)
QDRANT_API_KEY = env_str("QDRANT_API_KEY")
QDRANT_PATH = env_str("QDRANT_PATH", str(DATA_DIR / "qdrant"))

# ---- Files -----------------------------------------------------------------------------------------------------------
S3_ENDPOINT_URL = env_str("S3_ENDPOINT_URL")
MEDIA_ROOT = env_str("MEDIA_ROOT", str(DATA_DIR / "media"))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "omnisupport.lib.storage.TenantFileStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if S3_ENDPOINT_URL:
    STORAGES["default"] = {
        "BACKEND": "omnisupport.lib.s3.TenantS3Storage",
        "OPTIONS": {
            "endpoint_url": S3_ENDPOINT_URL,
            "access_key": env_str("S3_ACCESS_KEY_ID"),
            "secret_key": env_str("S3_SECRET_ACCESS_KEY"),
            "bucket_name": env_str("S3_BUCKET_NAME", "omnisupport"),
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": 600,
            "file_overwrite": False,
        },
    }
STATIC_URL = "/static/"
# Without it WhiteNoise takes the files from where they are.
STATIC_ROOT = BASE_DIR / "static" / "collected" if PRODUCTION else None
# Named one by one: the collected copy lives under static/ too and must not be collected again.
STATICFILES_DIRS = [
    (name, BASE_DIR / "static" / name)
    for name in ("build", "widget", "img", "admin_skin", "demo")
    if (BASE_DIR / "static" / name).is_dir()
]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
MAX_UPLOAD_BYTES = env_int("MAX_UPLOAD_MB", 25) * 1024 * 1024
# Of a whole request: several documents at once.
MAX_REQUEST_BYTES = 4 * MAX_UPLOAD_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
