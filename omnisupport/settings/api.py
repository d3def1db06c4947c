"""The REST API, its tokens and its schema."""

from datetime import timedelta

from omnisupport.env import env_int, env_str
from omnisupport.settings.machine import JWT_SECRET_KEY

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
