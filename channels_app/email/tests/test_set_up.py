"""From the first page to a mailbox that works: what an admin is told, what is tried, what is kept."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from channels_app.base import TransportError
from channels_app.email import config as mail_config
from channels_app.email.config import Config, Secrets, Server, imap_server, smtp_server
from channels_app.email.tests.scene import Office, adapter_of, letter
from channels_app.models import Channel
from channels_app.services.channels import change_channel, check_channel, connect_channel
from tests.standins.mailbox import ADDRESS, PASSWORD, Refuse
from tests.standins.server import Answer
from tests.standins.signin import CODE, REFRESH_TOKEN, SignInStandIn


def page(shop, path: str) -> str:
    client = shop.client(shop.admin)
    client.cookies["language"] = "en"
    return client.get(path).content.decode()


def test_the_first_page_knows_every_keeper(shop):
    shown = page(shop, "/channels/add/email/")
    for words in (
        "imap.yandex.ru",
        "Passwords for external apps",
        "myaccount.google.com/apppasswords",
        "authenticated SMTP",
    ):
        assert words in shown
    assert shown.index("Password</label>") < shown.index("Port of the IMAP server</label>")


def test_connecting_signs_in_to_both(shop, mail):
    office = Office.open(shop, mail)
    assert (office.channel.health, office.channel.external_id) == ("ok", ADDRESS)
    assert (mail.smtp.logins, mail.imap.logins[0]) == ([True], True)
    shown = page(shop, f"/channels/{office.channel.id}/")
    assert PASSWORD not in shown and "Letters that are posted to us" not in shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("smtp", "SMTP: 127.0.0.1 does not take the login or the password: 5.7.8 Username and Password not accepted"),
        ("imap", "IMAP: 127.0.0.1 does not take the login or the password"),
    ],
)
def test_the_page_says_which_of_the_two_did_not_let_us_in(shop, mail, wrong, words):
    getattr(mail, wrong).password = "another"
    channel = Channel.objects.create(kind="email", name="Почта", config=mail.config(), secrets={"password": PASSWORD})
    channel = connect_channel(channel.id)
    assert channel.health == "broken" and channel.health_note.startswith(words)
    assert channel.external_id == ""
    getattr(mail, wrong).password = PASSWORD
    # An admin who presses the button is not put off by the rest after a refusal.
    assert connect_channel(channel.id).health == "ok"


def test_without_a_password_or_a_sign_in_nobody_is_asked(shop, settings):
    for provider in ("yandex", "mailru", "google", "microsoft"):
        with pytest.raises(TransportError, match="Neither a password is stored"):
            adapter_of({"provider": provider, "address": ADDRESS}, password="").connect()


def test_health_is_looked_at_again_and_again(office):
    office.mail.smtp.always = Refuse("AUTH", "535 5.7.8 changed")
    check_channel(office.channel.id)
    assert Channel.objects.get(id=office.channel.id).health == "broken"
    # Reading still works, which does not make sending work.
    office.get(letter())
    assert Channel.objects.get(id=office.channel.id).health == "broken"
    office.mail.smtp.always = None
    check_channel(office.channel.id)
    assert Channel.objects.get(id=office.channel.id).health == "ok"


def test_a_password_does_not_follow_to_another_server(office):
    same = {"name": "Почта", "first_assignee_id": None}
    channel = Channel.objects.get(id=office.channel.id)
    change_channel(channel, config={"sender_name": "Другое"}, secrets={}, **same)
    assert channel.secrets["password"] == PASSWORD
    plain = {"imap_port": 993, "smtp_port": 465, "imap_security": "tls", "smtp_security": "tls"}
    for changed in ({"imap_host": "imap.evil.example"}, {"smtp_host": "smtp.evil.example"}, {"provider": "mailru"}):
        channel = Channel.objects.get(id=office.channel.id)
        change_channel(channel, config=plain | changed, secrets={}, **same)
        assert channel.secrets["password"] == ""
        Channel.objects.filter(id=channel.id).update(config=office.channel.config)
        channel.secrets = office.channel.secrets
        channel.save(update_fields=["secrets"])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("address", ""), ("address", "support"), ("address", "a+b@c.example"), ("address", "a@b\r\nx"),
        ("address", "почта@я.рф"),
        ("imap_host", "https://imap.example"), ("imap_host", "imap.example:993"), ("imap_host", ""), ("smtp_host", ""),
        ("smtp_host", "a\r\nb"), ("imap_port", "22"), ("smtp_port", "6379"), ("imap_security", "none"),
        ("smtp_security", "none"), ("provider", "pigeon"), ("receive", "sendgrid"), ("sender_name", "a\r\nb"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(field, given):
    good = {"provider": "own", "address": ADDRESS, "imap_host": "imap.example.com", "smtp_host": "smtp.example.com"}
    Config(**good)
    with pytest.raises(ValueError):
        Config(**{**good, field: given})


def test_the_operator_opens_servers_inside(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["mail.internal:1143"]
    given = {
        "imap_host": "mail.internal",
        "imap_port": "1143",
        "imap_security": "none",
        "smtp_host": "smtp.example.com",
    }
    assert imap_server(Config(provider="own", address=ADDRESS, **given).model_dump()) == Server(
        "mail.internal", 1143, "none"
    )


def test_known_keepers_need_no_servers():
    config = Config(provider="microsoft", address=ADDRESS).model_dump()
    assert imap_server(config).host == "outlook.office365.com"
    assert smtp_server(config) == Server("smtp.office365.com", 587, "starttls")


@pytest.mark.parametrize("given", [{"password": "two\nlines"}, {"signing_key": "ключ"}, {"refresh_token": "a\x00b"}])
def test_secrets_are_one_line(given):
    with pytest.raises(ValueError):
        Secrets(**given)


@pytest.mark.parametrize(
    ("receive", "shown"), [("own", "message/rfc822"), ("postmark", "omni:SECRET@"), ("mailgun", "signing key")]
)
def test_the_page_shows_where_letters_are_posted(office, receive, shown):
    Channel.objects.filter(id=office.channel.id).update(config={**office.channel.config, "receive": receive})
    found = page(office.shop, f"/channels/{office.channel.id}/")
    assert shown in found and f"/hooks/email/{office.channel.id}/" in found
    assert ("Make a new secret" in found) == (receive != "mailgun")


# ---- Signing in at Google and Microsoft


@pytest.fixture
def google(settings, mail, monkeypatch):
    """Its servers are the stand-in's."""
    servers = (Server("127.0.0.1", mail.imap.port, "none"), Server("127.0.0.1", mail.smtp.port, "none"))
    monkeypatch.setitem(mail_config._KNOWN, "google", servers)
    monkeypatch.setitem(mail_config._KNOWN, "microsoft", servers)
    with SignInStandIn() as sign_in:
        settings.GOOGLE_OAUTH_TOKEN_URL = settings.MICROSOFT_OAUTH_TOKEN_URL = f"{sign_in.url}/token"
        settings.GOOGLE_OAUTH_CLIENT_ID = settings.MICROSOFT_OAUTH_CLIENT_ID = "app-1"
        settings.GOOGLE_OAUTH_CLIENT_SECRET = "app-secret"
        yield sign_in


def let_in(mail, token: str) -> None:
    mail.imap.access_token = mail.smtp.access_token = token


def test_an_access_token_opens_both_and_is_kept(mail, google):
    let_in(mail, "access-1")
    adapter = adapter_of({"provider": "google", "address": ADDRESS}, refresh_token=REFRESH_TOKEN)
    for _time in range(3):
        adapter.check_health()
    assert (mail.imap.logins, mail.smtp.logins) == ([True] * 3, [True] * 3)
    (asked,) = google.requests
    assert asked.form == {
        "grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": "app-1", "client_secret": "app-secret",
    }  # fmt: skip


def test_a_token_that_ends_is_renewed(mail, google):
    let_in(mail, "access-2")
    adapter = adapter_of({"provider": "google", "address": ADDRESS}, refresh_token=f"{REFRESH_TOKEN}")
    adapter.channel.config["oauth_client_id"] = "another app"
    # The first is refused before its time, and the next try has another.
    asyncio.run(adapter.poll({}))
    assert mail.imap.logins == [False, True]
    assert google.requests[-1].form["client_id"] == "another app"
    assert "client_secret" not in google.requests[-1].form


def test_a_consent_that_was_taken_back_is_said_and_not_asked_again(mail, google):
    adapter = adapter_of({"provider": "google", "address": ADDRESS}, refresh_token="old")
    with pytest.raises(
        TransportError, match=r"does not hold any longer \(Token has been expired or revoked\.\)"
    ) as caught:
        adapter.check_health()
    assert (caught.value.permanent, caught.value.breaks_channel) == (True, True)


def test_a_sign_in_service_that_is_away_is_asked_later(mail, google):
    adapter = adapter_of({"provider": "google", "address": ADDRESS}, refresh_token="waits")
    google.script(Answer(503), Answer(200, html="<p>"))
    for _time in range(2):
        with pytest.raises(TransportError) as caught:
            adapter.check_health()
        assert (caught.value.permanent, caught.value.retry_after) == (False, 60)


def test_microsoft_s_next_refresh_token_is_kept(shop, mail, google):
    google.rotates = True
    let_in(mail, "access-1")
    channel = Channel.objects.create(
        kind="email", name="Почта", config={"provider": "microsoft", "address": ADDRESS}, external_id=ADDRESS,
        secrets={"refresh_token": REFRESH_TOKEN},
    )  # fmt: skip
    check_channel(channel.id)
    assert Channel.objects.get(id=channel.id).secrets["refresh_token"] == f"{REFRESH_TOKEN}-access-1"
    assert Channel.objects.get(id=channel.id).health == "ok"


@pytest.fixture
def unsigned(shop, mail, google):
    config = {"provider": "google", "address": ADDRESS}
    return Channel.objects.create(kind="email", name="Почта", config=config, secrets={})


def test_an_admin_signs_in_and_the_mailbox_works(shop, mail, google, unsigned):
    client = shop.client(shop.admin)
    away = client.get(f"/channels/{unsigned.id}/consent/")
    where = urlsplit(away["Location"])
    asked = {name: values[0] for name, values in parse_qs(where.query).items()}
    assert (where.netloc, asked["scope"], asked["access_type"]) == (
        "accounts.google.com",
        "https://mail.google.com/",
        "offline",
    )
    assert asked["redirect_uri"].endswith("/channels/consent/") and asked["redirect_uri"] in page(
        shop, f"/channels/{unsigned.id}/"
    )
    let_in(mail, "access-2")
    back = client.get("/channels/consent/", {"state": asked["state"], "code": CODE})
    assert back["Location"] == f"/channels/{unsigned.id}/"
    unsigned.refresh_from_db()
    assert (unsigned.health, unsigned.secrets["refresh_token"]) == ("ok", REFRESH_TOKEN)
    assert google.requests[0].form["redirect_uri"] == asked["redirect_uri"]


def test_nobody_else_s_code_is_taken(shop, mail, google, unsigned):
    mine, other = shop.client(shop.admin), shop.client(shop.owner)
    state = parse_qs(urlsplit(other.get(f"/channels/{unsigned.id}/consent/")["Location"]).query)["state"][0]
    for answer in (
        {"state": state, "code": CODE},
        {"state": "forged", "code": CODE},
        {"code": CODE},
        {"state": f"{state}x"},
    ):
        mine.get("/channels/consent/", answer)
    # Once, and only once, for whoever went.
    other.get("/channels/consent/", {"state": state, "error": "access_denied"})
    other.get("/channels/consent/", {"state": state, "code": CODE})
    unsigned.refresh_from_db()
    assert unsigned.secrets == {} and google.requests == []
    assert shop.client(shop.agent).get(f"/channels/{unsigned.id}/consent/").status_code == 403
    assert shop.client(shop.agent).get("/channels/consent/", {"state": state}).status_code == 403


def test_without_an_app_there_is_nowhere_to_go(shop, settings, google, unsigned):
    settings.GOOGLE_OAUTH_CLIENT_ID = ""
    assert shop.client(shop.admin).get(f"/channels/{unsigned.id}/consent/")["Location"] == f"/channels/{unsigned.id}/"
