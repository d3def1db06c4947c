"""django-helpdesk as its documentation sets it up, in a venv of its own (benchmarks/peer.py): for every line on stdin one list
of open tickets, answered with its milliseconds on the clock and of this process. Imports nothing of OmniSupport.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

# The same shares as benchmarks/inbox_data.py: 15 % live, two fifths of them open; five messages to a ticket.
_FILL = """
INSERT INTO helpdesk_queue (title, slug, allow_public_submission, allow_email_submission, escalate_days, email_box_ssl,
    email_box_interval, permission_name, enable_notifications_on_email_events)
  SELECT 'Queue ' || n, 'q' || n, true, false, 0, false, 5, '', false FROM generate_series(1, 3) AS n;
INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined)
  SELECT 'agent' || n, '!', n = 1, 'Agent', n::text, 'agent' || n || '@big.example', true, true, now()
  FROM generate_series(1, 20) AS n;
INSERT INTO helpdesk_ticket (title, queue_id, created, modified, submitter_email, assigned_to_id, status, on_hold, description,
    resolution, priority, secret_key)
  SELECT 'Обращение по заказу ORD-' || 100000 + n, n % 3 + 1, now() - ({tickets} - n) * interval '6 minutes', now(),
    'client' || n || '@mail.example', CASE WHEN n % 5 > 0 THEN n % 20 + 1 END,
    CASE WHEN n <= {tickets} * 0.85 THEN 4 WHEN n % 5 < 2 THEN 1 WHEN n % 5 = 2 THEN 3 ELSE 2 END, false,
    'Здравствуйте! Где мой заказ? Обещали доставить завтра.', '', 3, md5(n::text) FROM generate_series(1, {tickets}) AS n;
INSERT INTO helpdesk_followup (ticket_id, date, title, comment, public, user_id)
  SELECT n, now() - ({tickets} - n) * interval '6 minutes' + turn * interval '7 minutes', 'Comment',
    'Посылка уже в пути, курьер позвонит вам завтра.', true, n % 20 + 1
  FROM generate_series(1, {tickets}) AS n, generate_series(1, 4) AS turn;
"""


def configure(database: str) -> None:
    from django.conf import settings

    parts = urlsplit(database)
    settings.configure(
        SECRET_KEY="s" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "USER": parts.username,
                "PASSWORD": parts.password, "HOST": parts.hostname, "PORT": parts.port, "CONN_MAX_AGE": 600,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
            "django.contrib.messages", "django.contrib.humanize", "django.contrib.admin", "rest_framework", "helpdesk",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        SITE_ID=1,
        HELPDESK_TEAMS_MODE_ENABLED=False,
        LOGGING_CONFIG=None,
    )  # fmt: skip
    import django

    django.setup()
    from django.urls import include, path

    globals()["urlpatterns"] = [path("", include("helpdesk.urls", namespace="helpdesk"))]


def fill(tickets: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(_FILL.replace("{tickets}", str(tickets)))
        cursor.execute("VACUUM ANALYZE helpdesk_ticket, helpdesk_followup")


def main(tickets: int) -> None:
    configure(os.environ["DATABASE_URL"])
    fill(tickets)
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from helpdesk.query import query_to_base64  # type: ignore[import-not-found]  # in its own venv only

    client = Client()
    client.force_login(get_user_model().objects.get(email="agent1@big.example"))
    asked = query_to_base64({"filtering": {"status__in": [1, 2]}, "sorting": "created", "sortreverse": "1"})

    def get() -> Any:
        answer = client.get(f"/datatables_ticket_list/{asked}?draw=1&start=0&length=25")
        assert answer.status_code == 200, answer.content[:300]
        return answer

    rows = len(get().json()["data"])
    with CaptureQueriesContext(connection) as captured:
        get()
    print(json.dumps({"rows": rows, "queries": len(captured)}), flush=True)
    for _line in sys.stdin:
        started, used = time.perf_counter(), time.process_time()
        get()
        print(json.dumps([(time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
