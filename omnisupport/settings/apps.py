"""What it is made of: apps, middleware, templates, accounts."""

from typing import Any

from omnisupport.env import env_int
from omnisupport.settings.machine import BASE_DIR

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

SILENCED_SYSTEM_CHECKS = ["django_tenants.W003"]
