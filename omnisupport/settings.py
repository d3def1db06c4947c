"""One settings file; every value that differs between machines comes from the environment (.env.example)."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from omnisupport.env import env_bool, env_int, env_list, env_str
from omnisupport.lib.log import logging_config
from omnisupport.lib.redis import wary_options

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
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

# ---- Apps ------------------------------------------------------------------------------------------------------------
_CONTRIB = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "tenants.accounts",
]
SHARED_APPS = [
    "django_tenants",
    "tenants",
    *_CONTRIB,
    "django.contrib.staticfiles",
    "django_prometheus",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "corsheaders",
    "channels",
    "omnisupport",
]
TENANT_APPS = [
    *_CONTRIB,
    "tenants.events",
    "tickets",
    "tickets.webhooks",
    "tickets.notices",
    "channels_app",
    "knowledge",
    "knowledge.help_centre",
    "ai_assistant",
    "analytics",
]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
TEMPLATE_SCHEMA = "template0workspace"
SPARE_SCHEMAS = env_int("SPARE_SCHEMAS", 3)
ROOT_URLCONF = "omnisupport.urls"
PUBLIC_SCHEMA_URLCONF = "omnisupport.urls_public"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/inbox/"
LOGOUT_REDIRECT_URL = "accounts:login"
PASSWORD_HASHERS = [
    "tenants.accounts.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

MIDDLEWARE = [
    "omnisupport.middleware.ProbeMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    # Before the tenant: an answer to an unknown host is a page too.
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.middleware.TenantMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.accounts.middleware.UserLocaleMiddleware",
    "omnisupport.lib.fence.FenceMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.accounts.middleware.UserTimezoneMiddleware",
    "tenants.accounts.veil.VeilMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "omnisupport.lib.errors_middleware.AppErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.context.workspace",
            ],
        },
    }
]
ASGI_APPLICATION = "omnisupport.asgi.application"
WSGI_APPLICATION = "omnisupport.wsgi.application"

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
        # A pool makes CONN_MAX_AGE useless under ASGI (every request is a new thread).
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
            "options": "-c statement_timeout=30000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000",
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

# ---- Celery ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT = "omnisupport.broker:Transport"
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = 120
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A Redis that is full refuses to note which message a worker has taken: that must not end the worker.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
# A web request must not hang when Redis is away: the row is the truth and the sweeper finds it.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # For those who only publish; workers wait longer (omnisupport/celery.py).
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_INCLUDE = ["tenants.sweeper", "omnisupport.health"]


def _hourly(minute: int, task: str) -> dict[str, Any]:
    """By the clock, so that restarts of beat put nothing off."""
    return {"task": "tenants.tasks.for_each_workspace", "args": [task], "schedule": crontab(minute=str(minute))}


CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep-workspaces": {
        "task": "tenants.sweeper.sweep_workspaces",
        "schedule": 3.0,
        "options": {"queue": "sweeps"},
    },
    "refill-spares": {"task": "tenants.tasks.refill_spares", "schedule": 60.0},
    "clear-ledgers": _hourly(7, "channels_app.tasks.clear_ledger"),
    "clear-uploads": _hourly(17, "tickets.tasks.clear_uploads"),
    "clear-notices": _hourly(57, "tickets.notices.tasks.clear_notices"),
    "clear-webhooks": _hourly(27, "tickets.webhooks.tasks.clear_deliveries"),
    "clear-missed-searches": _hourly(37, "knowledge.help_centre.tasks.clear_missed_searches"),
    "clear-assistant": _hourly(47, "ai_assistant.tasks.clear_assistant"),
    "worker-heartbeat": {"task": "omnisupport.health.beat_heart", "schedule": 5.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

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

# ---- Language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "omnisupport" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# ---- Browser security ------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF, "ws:" if PUBLIC_SCHEME == "http" else "wss:"],
        "frame-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "manifest-src": [SELF],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "session"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "omnisupport.lib.errors_middleware.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_SCHEME == "https"
if PUBLIC_SCHEME == "https":
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
CORS_ALLOWED_ORIGINS = env_list("CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"

# The demo shop page on every workspace's host.
DEMO_PAGES = env_bool("DEMO_PAGES", not PRODUCTION)

# ---- API -------------------------------------------------------------------------------------------------------------
API_V1_PREFIX = "/" + env_str("API_V1_PREFIX", "/api/v1").strip("/")
JWT_ALGORITHM = env_str("JWT_ALGORITHM", "HS256")
ACCESS_TOKEN_LIFETIME = timedelta(minutes=env_int("ACCESS_TOKEN_EXPIRE_MINUTES", 15))
REFRESH_TOKEN_LIFETIME = timedelta(days=env_int("REFRESH_TOKEN_EXPIRE_DAYS", 7))
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET_KEY,
    "ALGORITHM": JWT_ALGORITHM,
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFETIME,
    "ISSUER": "omnisupport",
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
    "LEEWAY": 30,
    "CHECK_REVOKE_TOKEN": True,
    "TOKEN_OBTAIN_SERIALIZER": "tenants.accounts.tokens.TenantTokenObtainSerializer",
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.accounts.tokens.TenantJWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.accounts.permissions.IsAgent"],
    "DEFAULT_PARSER_CLASSES": ["omnisupport.lib.api.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "omnisupport.lib.api.NewestFirstPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "omnisupport.lib.api.handle_exception",
    "DEFAULT_THROTTLE_RATES": {"login": "10/min"},
    "NUM_PROXIES": env_int("TRUSTED_PROXIES", 0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OmniSupport API",
    "DESCRIPTION": "Tickets, messages, contacts, channels, documents, search and answers of one workspace.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": API_V1_PREFIX,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

# ---- Outside services; each base URL may point to a local stand-in -------------------------------------------------------
USER_AGENT = "OmniSupport/1.0"
TELEGRAM_API_URL = env_str("TELEGRAM_API_URL", "https://api.telegram.org")
TELEGRAM_BOT_TOKEN = env_str("TELEGRAM_BOT_TOKEN")
MAX_API_URL = env_str("MAX_API_URL", "https://platform-api2.max.ru").rstrip("/")
# PEM with the Russian Trusted Root CA, trusted besides the usual roots for this host only.
MAX_CA_FILE = env_str("MAX_CA_FILE")
# PEM of the own authority of mail servers inside the company, trusted besides the usual roots.
MAIL_CA_FILE = env_str("MAIL_CA_FILE")
# Apps of the installation at Google and Microsoft, for mailboxes that are signed in to there; a workspace may bring its own.
GOOGLE_OAUTH_CLIENT_ID = env_str("GOOGLE_OAUTH_CLIENT_ID")
GOOGLE_OAUTH_CLIENT_SECRET = env_str("GOOGLE_OAUTH_CLIENT_SECRET")
GOOGLE_OAUTH_TOKEN_URL = env_str("GOOGLE_OAUTH_TOKEN_URL", "https://oauth2.googleapis.com/token")
MICROSOFT_OAUTH_CLIENT_ID = env_str("MICROSOFT_OAUTH_CLIENT_ID")
MICROSOFT_OAUTH_CLIENT_SECRET = env_str("MICROSOFT_OAUTH_CLIENT_SECRET")
MICROSOFT_OAUTH_TOKEN_URL = env_str(
    "MICROSOFT_OAUTH_TOKEN_URL", "https://login.microsoftonline.com/common/oauth2/v2.0/token"
)
VK_API_URL = env_str("VK_API_URL", "https://api.vk.ru").rstrip("/").removesuffix("/method")
# Characters of one message; VK's own pages name larger numbers, bots are cut here.
VK_TEXT_LIMIT = env_int("VK_TEXT_LIMIT", 4096)
VIBER_API_URL = env_str("VIBER_API_URL", "https://chatapi.viber.com").rstrip("/")
WHATSAPP_API_URL = env_str("WHATSAPP_API_URL", "https://graph.facebook.com")
WHATSAPP_API_TOKEN = env_str("WHATSAPP_API_TOKEN")
YANDEX_GPT_API_URL = env_str("YANDEX_GPT_API_URL", "https://llm.api.cloud.yandex.net")
YANDEX_GPT_API_KEY = env_str("YANDEX_GPT_API_KEY")
YANDEX_GPT_FOLDER_ID = env_str("YANDEX_GPT_FOLDER_ID")
# Calls that one key may make at the same time.
YANDEX_GPT_STREAMS = env_int("YANDEX_GPT_STREAMS", 10)
# Texts a second that one key may have made vectors of; the service allows 10.
YANDEX_GPT_EMBEDDINGS_A_SECOND = env_int("YANDEX_GPT_EMBEDDINGS_A_SECOND", 8)
GIGACHAT_API_URL = env_str("GIGACHAT_API_URL", "https://api.giga.chat/v1")
GIGACHAT_AUTH_URL = env_str("GIGACHAT_AUTH_URL", "https://ngw.devices.sberbank.ru:9443/api/v2/oauth")
GIGACHAT_CLIENT_ID = env_str("GIGACHAT_CLIENT_ID")
GIGACHAT_CLIENT_SECRET = env_str("GIGACHAT_CLIENT_SECRET")
GIGACHAT_SCOPE = env_str("GIGACHAT_SCOPE", "GIGACHAT_API_PERS")
GIGACHAT_CA_BUNDLE = env_str("GIGACHAT_CA_BUNDLE")
# 0: as the tariff has it, 1 for individuals (PERS) and 10 for companies.
GIGACHAT_STREAMS = env_int("GIGACHAT_STREAMS", 0)
OPENAI_COMPATIBLE_API_URL = env_str("OPENAI_COMPATIBLE_API_URL")
OPENAI_COMPATIBLE_API_KEY = env_str("OPENAI_COMPATIBLE_API_KEY")
OPENAI_COMPATIBLE_MODEL = env_str("OPENAI_COMPATIBLE_MODEL")
OPENAI_COMPATIBLE_EMBEDDING_MODEL = env_str("OPENAI_COMPATIBLE_EMBEDDING_MODEL")
OPENAI_COMPATIBLE_EMBEDDING_DIM = env_str("OPENAI_COMPATIBLE_EMBEDDING_DIM")
OPENAI_COMPATIBLE_STREAMS = env_int("OPENAI_COMPATIBLE_STREAMS", 10)
# Threads of one worker that may wait for models at the same time.
ASSISTANT_THREADS = env_int("ASSISTANT_THREADS", 5)
# The provider that answers where that of a workspace with keys of the installation fails; empty: none.
LLM_FALLBACK = env_str("LLM_FALLBACK")
# Roubles for 1,000 tokens, "provider=price" each, "provider/embeddings=price" for vectors; a workspace may give its own.
LLM_PRICES = {name: Decimal(price) for name, _, price in (item.partition("=") for item in env_list("LLM_PRICES"))}
# `make run` plays all of the above itself (tests/standins), with a page to write to us as a customer.
FAKE_PROVIDERS = env_bool("FAKE_PROVIDERS", False)
# Hosts inside private networks that the guarded client may reach, "host:port" each: stand-ins and local models.
OUTBOUND_ALLOWED_HOSTS = env_list("OUTBOUND_ALLOWED_HOSTS")

SMTP_HOST = env_str("SMTP_HOST")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if SMTP_HOST else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST = SMTP_HOST
EMAIL_PORT = env_int("SMTP_PORT", 587)
EMAIL_HOST_USER = env_str("SMTP_USER")
EMAIL_HOST_PASSWORD = env_str("SMTP_PASSWORD")
# Port 465 speaks TLS from the first byte, the others after STARTTLS.
EMAIL_USE_SSL = env_bool("SMTP_TLS", True) and EMAIL_PORT == 465
EMAIL_USE_TLS = env_bool("SMTP_TLS", True) and not EMAIL_USE_SSL
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env_str("SMTP_FROM", f"support@{BASE_DOMAIN}")

# ---- Webhooks out, and how long ledgers are kept -------------------------------------------------------------------------
# Threads of one worker that may wait for customers' addresses at the same time.
WEBHOOK_THREADS = env_int("WEBHOOK_THREADS", 4)
WEBHOOK_TIMEOUT = env_int("WEBHOOK_TIMEOUT", 10)
INBOUND_RETENTION_DAYS = env_int("INBOUND_RETENTION_DAYS", 30)
WEBHOOK_RETENTION_DAYS = env_int("WEBHOOK_RETENTION_DAYS", 30)
# What readers of help centres looked for in vain.
MISSED_SEARCH_RETENTION_DAYS = env_int("MISSED_SEARCH_RETENTION_DAYS", 90)
AID_RETENTION_DAYS = env_int("AID_RETENTION_DAYS", 90)
LEARNED_RETENTION_DAYS = env_int("LEARNED_RETENTION_DAYS", 180)

# ---- Logs and metrics ------------------------------------------------------------------------------------------------
LOGGING_CONFIG = None
LOGGING = logging_config(json=env_bool("LOG_JSON", PRODUCTION), level=env_str("LOG_LEVEL", "INFO"))
PROMETHEUS_EXPORT_MIGRATIONS = False
SILENCED_SYSTEM_CHECKS = ["django_tenants.W003"]
