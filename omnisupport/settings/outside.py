"""Services outside: messengers, models, mail, integrators. Each base URL may point to a local stand-in."""

from decimal import Decimal

from omnisupport.env import env_bool, env_int, env_list, env_str
from omnisupport.settings.machine import BASE_DOMAIN

USER_AGENT = "OmniSupport/1.0"
# `make run` plays messengers and models itself (tests/standins), with a page to write to us as a customer.
FAKE_PROVIDERS = env_bool("FAKE_PROVIDERS", False)
# Hosts inside private networks that the guarded client may reach, "host:port" each: stand-ins and local models.
OUTBOUND_ALLOWED_HOSTS = env_list("OUTBOUND_ALLOWED_HOSTS")

# ---- Messengers and mailboxes ----------------------------------------------------------------------------------------
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

# ---- Models ----------------------------------------------------------------------------------------------------------
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

# ---- Mail of the installation ----------------------------------------------------------------------------------------
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

# ---- Webhooks out ----------------------------------------------------------------------------------------------------
# Threads of one worker that may wait for customers' addresses at the same time.
WEBHOOK_THREADS = env_int("WEBHOOK_THREADS", 4)
WEBHOOK_TIMEOUT = env_int("WEBHOOK_TIMEOUT", 10)
