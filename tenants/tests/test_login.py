"""Logging in by the page: who may, what guessing costs, and that nothing is learnt from the answers."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session

from omnisupport.lib.redis import redis_client
from tenants.accounts.models import Role, User
from tenants.accounts.throttle import ALLOWED
from tests.cast import PASSWORD, Workspace


@pytest.fixture(autouse=True)
def _nobody_has_tried(shop):
    redis_client().flushdb()


def browser(workspace: Workspace, user: User | None = None):
    client = workspace.client(user)
    client.cookies["language"] = "en"
    return client


def log_in(client, email="agent@example.com", password=PASSWORD, **headers):
    return client.post("/accounts/login/", {"username": email, "password": password}, **headers)


def test_an_agent_comes_in_and_reads_in_their_own_language(shop):
    User.objects.filter(id=shop.agent.id).update(language="en")
    answer = log_in(shop.client(), "Agent@Example.com")
    assert answer["Location"] == "/inbox/"
    assert answer.cookies["language"].value == "en"
    assert answer.cookies["session"]["httponly"] and answer.cookies["session"]["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("next_page", "lands_on"),
    [
        ("/inbox/7/", "/inbox/7/"),
        ("https://evil.test/", "/inbox/"),
        ("//evil.test", "/inbox/"),
        ("javascript:1", "/inbox/"),
    ],
)
def test_the_way_back_never_leaves_this_host(shop, next_page, lands_on):
    data = {"username": "agent@example.com", "password": PASSWORD, "next": next_page}
    assert shop.client().post("/accounts/login/", data)["Location"] == lands_on


def test_every_refusal_sounds_the_same(shop, rival):
    User.objects.create_user("gone@example.com", PASSWORD, name="Ушёл", is_active=False)
    User.objects.create_user("op@example.com", PASSWORD, name="Оператор", role=Role.OPERATOR)
    with rival.enter():
        User.objects.create_user("only-rival@example.com", PASSWORD, name="Чужой")
    attempts = [
        ("nobody@example.com", PASSWORD), ("agent@example.com", "wrong password"), ("gone@example.com", PASSWORD),
        ("op@example.com", PASSWORD), ("assistant@example.com", ""), ("only-rival@example.com", PASSWORD),
    ]  # fmt: skip
    pages = set()
    for email, password in attempts:
        answer = log_in(browser(shop), email, password or "x")
        assert answer.status_code == 400 and "session" not in answer.cookies
        pages.add(answer.content.decode().split('role="alert">')[1].split("</p>")[0])
    assert pages == {"The e-mail or the password is not right. Check both and the keyboard layout."}
    assert not Session.objects.exists()


def test_guessing_is_stopped_even_when_the_last_guess_is_right(shop):
    for _ in range(ALLOWED):
        assert log_in(browser(shop), password="guess").status_code == 400
    answer = log_in(browser(shop))
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Try again in 15 minutes" in answer.content.decode()
    # Another account and another address are not punished.
    assert log_in(browser(shop), "colleague@example.com").status_code == 302
    assert log_in(browser(shop), REMOTE_ADDR="203.0.113.7").status_code == 302


def test_unknown_accounts_are_limited_just_the_same(shop):
    answers = [log_in(browser(shop), "nobody@example.com").status_code for _ in range(ALLOWED + 1)]
    assert answers == [400] * ALLOWED + [429]


def test_one_workspace_does_not_count_for_another(shop, rival):
    for _ in range(ALLOWED + 1):
        log_in(browser(rival), password="guess")
    assert log_in(browser(shop)).status_code == 302


def test_the_right_password_forgets_the_failures(shop):
    for _ in range(2):
        for _ in range(ALLOWED - 1):
            log_in(browser(shop), password="guess")
        assert log_in(browser(shop)).status_code == 302


@pytest.mark.parametrize(("proxies", "status"), [(0, 429), (1, 302)])
def test_forwarded_addresses_count_only_behind_our_proxy(shop, settings, proxies, status):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    for number in range(ALLOWED):
        log_in(browser(shop), password="guess", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
    assert log_in(browser(shop), HTTP_X_FORWARDED_FOR="10.0.0.99").status_code == status


def test_the_admin_has_no_log_in_of_its_own(shop):
    way_in = shop.client().get("/admin/", follow=True)
    assert way_in.redirect_chain[-1] == ("/accounts/login/?next=/admin/", 302)
    for _ in range(ALLOWED):
        log_in(browser(shop), "admin@example.com", "guess")
    direct = shop.client().post("/admin/login/", {"username": "admin@example.com", "password": PASSWORD})
    assert direct.status_code == 302 and "session" not in direct.cookies
    assert shop.client(shop.agent).get("/admin/", follow=True).status_code == 403


def test_guessing_operators_is_stopped_too(db, _prepared):
    from tenants.db import tenant_context
    from tenants.names import PUBLIC
    from tests.cast import HostClient

    with tenant_context(PUBLIC):
        User.objects.create_user("operator@example.com", PASSWORD, name="Operator", role=Role.OPERATOR)
    client = HostClient(HTTP_HOST=settings.BASE_DOMAIN)
    for _ in range(ALLOWED):
        log_in_operator(client, "guess")
    assert log_in_operator(client, PASSWORD).status_code == 400
    assert "session" not in client.cookies


def log_in_operator(client, password):
    return client.post("/admin/login/", {"username": "operator@example.com", "password": password})


def test_logging_out_needs_a_form(shop):
    client = shop.client(shop.agent)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert client.get("/inbox/").status_code == 302


def test_somebody_switched_off_is_out_at_once(shop):
    client = shop.client(shop.agent)
    assert client.get("/inbox/").status_code == 200
    User.objects.filter(id=shop.agent.id).update(is_active=False)
    assert client.get("/inbox/").status_code == 302


def test_a_person_changes_name_and_language(shop):
    client = shop.client(shop.agent)
    answer = client.post("/accounts/me/", {"name": "Олег Иванов", "language": "en", "undo_seconds": "5"})
    assert answer.cookies["language"].value == "en"
    shop.agent.refresh_from_db()
    assert (shop.agent.name, shop.agent.language) == ("Олег Иванов", "en")
    wrong = client.post("/accounts/me/", {"name": "", "language": "xx", "role": "owner"})
    assert wrong.status_code == 400 and 'aria-invalid="true"' in wrong.content.decode()
    shop.agent.refresh_from_db()
    assert (shop.agent.name, shop.agent.role) == ("Олег Иванов", Role.AGENT)


def test_rows_stand_closer_on_every_device_of_whoever_wishes_so(shop):
    client = shop.client(shop.agent)
    assert "data-density" not in client.get("/inbox/").content.decode()
    answer = client.post("/accounts/density/", {"density": "compact", "next": "/inbox/?view=open"})
    assert answer["Location"] == "/inbox/?view=open"
    assert 'data-density="compact"' in shop.client(shop.agent).get("/inbox/").content.decode()
    assert "data-density" not in shop.client(shop.colleague).get("/inbox/").content.decode()
    # Back to this site only.
    away = client.post("/accounts/density/", {"density": "roomy", "next": "https://evil.example/"})
    assert away["Location"] == "/accounts/me/"
    assert "data-density" not in client.get("/inbox/").content.decode()


def test_a_new_password_ends_other_devices_but_not_this_one(shop):
    here, there = browser(shop, shop.agent), browser(shop, shop.agent)
    new = "another long password"
    wrong = here.post("/accounts/password/", {"old_password": "no", "new_password1": new, "new_password2": new})
    assert wrong.status_code == 400 and "field__error" in wrong.content.decode()
    done = here.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert done.status_code == 302
    assert here.get("/inbox/").status_code == 200
    assert there.get("/inbox/").status_code == 302
    assert log_in(browser(shop), password=new).status_code == 302
