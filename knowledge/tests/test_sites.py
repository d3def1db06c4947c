"""Sites: crawled within limits, read again by fingerprint."""

import gzip

import pytest
from django.utils import timezone

from knowledge.crawl.addresses import is_same_site, normal_url
from knowledge.extract.page import scan_page
from knowledge.models import Chunk, Document, Source, SourcePage
from knowledge.search import search_passages
from knowledge.services import visit as visit_module
from knowledge.services.documents import delete_document, erase_document
from knowledge.services.ingest import ingest_document, waiting_documents
from knowledge.services.sources import VISIT_EVERY, add_source, delete_source, due_sources, request_visit
from knowledge.services.visit import visit_source
from omnisupport.lib.errors import InvalidInput
from tests.standins.server import Answer, StandIn


class Site(StandIn):
    """`pages`: path → HTML, or an Answer. What is not there is a 404."""

    def __init__(self):
        super().__init__()
        self.pages = {}

    def handle(self, request):
        page = self.pages.get(request.path, Answer(404, html="<h1>No such page</h1>"))
        return Answer(html=page) if isinstance(page, str) else page

    @property
    def visited(self):
        return [request.path for request in self.requests]


@pytest.fixture
def site(settings):
    with Site() as site:
        settings.OUTBOUND_ALLOWED_HOSTS = [site.host]
        site.pages = {
            "/": page(
                "Лавка", "Магазин чайников.", "/delivery", "/returns#top", "https://other.example/x", "/photo.jpg"
            ),
            "/delivery": page("Доставка", "Курьер приезжает на следующий день.", "/", "/delivery?utm_source=mail"),
            "/returns": page("Возврат", "Вернуть товар можно за 14 дней.", "/returns/form"),
            "/returns/form": page("Бланк", "Заполните бланк заявления."),
        }
        yield site


@pytest.fixture(autouse=True)
def _scan_without_a_child(monkeypatch):
    """The same scan in this process: hundreds of child processes would tell nothing more (test_sandbox has one)."""
    monkeypatch.setattr(visit_module, "scan_in_sandbox", scan_page)


def page(title, text, *links, head=""):
    anchors = "".join(f'<a href="{link}">дальше</a>' for link in links)
    return f"<html><head><title>{title}</title>{head}</head><body><h1>{title}</h1><p>{text}</p>{anchors}</body></html>"


def sitemap(*urls):
    body = '<?xml version="1.0"?><urlset>' + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"
    return Answer(body=body.encode(), headers={"Content-Type": "application/xml"})


def visit(source):
    """A whole visit; returns path → state of its pages. Reading what it brought is the story of other tests."""
    request_visit(source.id)
    visit_source(source.id)
    source.refresh_from_db()
    return states(source)


def states(source):
    return {"/" + p.url.split("/", 3)[3]: p.state for p in SourcePage.objects.filter(source=source)}


def kept():
    """The paths of the pages that are documents."""
    pages = Document.objects.filter(origin="site").exclude(state="deleting")
    return {"/" + url.split("/", 3)[3] for url in pages.values_list("url", flat=True)}


def ingest_all():
    while (waiting := waiting_documents().first()) is not None:
        ingest_document(waiting)
    for document_id in Document.objects.filter(state="deleting").values_list("id", flat=True):
        erase_document(document_id)


def added(site, path="/", **limits):
    return add_source(site.url + path, **limits)[0]


def best(question):
    passages = search_passages(question).passages
    return passages[0].text if passages else ""


def test_a_site_becomes_documents_of_its_pages(shop, site):
    source = added(site)
    assert visit(source) == dict.fromkeys(["/", "/delivery", "/returns", "/returns/form"], "added")
    ingest_all()
    assert (source.state, source.error, source.done, source.total) == ("ready", "", 4, 4)
    assert set(Document.objects.values_list("title", "origin", "state")) == {
        (title, "site", "ready") for title in ("Лавка", "Доставка", "Возврат", "Бланк")
    }
    passage = search_passages("когда приезжает курьер").passages[0]
    assert passage.url.startswith(f"{site.url}/delivery")


def test_an_unchanged_page_costs_one_request_and_nothing_else(shop, site):
    source = added(site)
    visit(source)
    before = dict(Document.objects.values_list("id", "updated_at"))
    # What nobody sees: a token in a script.
    site.pages["/delivery"] = site.pages["/delivery"].replace("</head>", "<script>token='42'</script></head>")
    assert set(visit(source).values()) == {"same"}
    assert dict(Document.objects.values_list("id", "updated_at")) == before


def test_a_changed_page_is_a_new_version_and_the_old_one_is_found_until_then(shop, site):
    site.pages["/"] = page("Лавка", "Магазин чайников.", "/delivery")
    source = added(site)
    visit(source)
    ingest_all()
    site.pages["/delivery"] = page("Доставка", "Курьер приезжает через два дня.")
    assert visit(source)["/delivery"] == "changed"
    assert "следующий день" in best("когда приезжает курьер")
    ingest_all()
    assert "через два дня" in best("когда приезжает курьер")
    assert Document.objects.get(url__endswith="/delivery").version == 2


def test_a_page_missed_twice_is_removed_and_missed_once_stays(shop, site):
    source = added(site)
    visit(source)
    del site.pages["/delivery"]
    assert visit(source)["/delivery"] == "gone"
    assert "/delivery" in kept()
    assert "/delivery" not in visit(source)
    assert kept() == {"/", "/returns", "/returns/form"}


def test_a_page_that_nobody_links_to_any_more_is_missed_too(shop, site):
    source = added(site)
    visit(source)
    site.pages["/returns"] = page("Возврат", "Вернуть товар можно за 14 дней.")
    visit(source)
    assert "/returns/form" in kept()
    visit(source)
    assert "/returns/form" not in kept()


def test_a_page_that_comes_back_in_time_is_kept(shop, site):
    source = added(site)
    visit(source)
    back = site.pages.pop("/delivery")
    visit(source)
    site.pages["/delivery"] = back
    assert visit(source)["/delivery"] == "same"
    del site.pages["/delivery"]
    visit(source)
    assert "/delivery" in kept()


def test_a_site_in_trouble_loses_nothing(shop, site):
    source = added(site)
    visit(source)
    whole, site.pages = site.pages, {"/": Answer(503, html="Maintenance")}
    for _day in range(2):
        visit(source)
    assert (source.state, source.error, source.error_details) == ("failed", "fetch_status", {"status": 503})
    site.pages = {**whole, "/returns": Answer(500, html="Oops")}
    for _day in range(2):
        assert visit(source)["/returns"] == "failed"
    assert (source.state, source.error, source.error_details) == ("ready", "pages_failed", {"count": 1})
    assert len(kept()) == 4


def test_robots_txt_is_obeyed(shop, site):
    site.pages["/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /returns\nAllow: /returns/form$\n")
    assert set(visit(added(site))) == {"/", "/delivery"}
    assert "/returns" not in site.visited


def test_a_site_that_forbids_all_says_so(shop, site):
    site.pages["/robots.txt"] = Answer(body=b"User-agent: OmniSupport\nDisallow: /\n")
    source = added(site)
    visit(source)
    assert (source.state, source.error) == ("failed", "robots")
    assert "robots.txt" in source.message and site.visited == ["/robots.txt"]


def test_robots_txt_that_cannot_be_had_forbids_for_now(shop, site):
    site.pages["/robots.txt"] = Answer(503, html="Later")
    source = added(site)
    visit(source)
    assert (source.state, source.error, site.visited) == ("failed", "fetch_status", ["/robots.txt"])


def test_pages_may_ask_not_to_be_indexed_or_followed(shop, site):
    site.pages["/delivery"] = page(
        "Доставка", "Тайна.", "/hidden", head='<meta name="robots" content="noindex, nofollow">'
    )
    site.pages["/hidden"] = page("Скрыто", "Тайна.")
    found = visit(added(site))
    assert found["/delivery"] == "skipped" and "/hidden" not in found


def test_the_limits_hold_and_are_told(shop, site):
    source = added(site, max_pages=2)
    assert len(visit(source)) == 2
    assert (source.state, source.error, source.error_details) == ("ready", "page_limit", {"limit": 2})
    shallow, _new = add_source(site.url + "/returns", max_depth=0)
    assert shallow.max_depth == 0 and set(visit(shallow)) == {"/returns"}


def test_links_are_followed_so_deep_and_no_deeper(shop, site):
    assert set(visit(added(site, max_depth=1))) == {"/", "/delivery", "/returns"}


def test_a_sitemap_names_its_pages_and_no_link_adds_to_them(shop, site):
    nested = gzip.compress(sitemap(f"{site.url}/returns").body)
    site.pages["/map.xml"] = sitemap(f"{site.url}/delivery", f"{site.url}/more.xml.gz", "https://other.example/")
    site.pages["/more.xml.gz"] = Answer(body=nested, headers={"Content-Type": "application/gzip"})
    found = visit(added(site, "/map.xml"))
    assert found == {"/map.xml": "sitemap", "/more.xml.gz": "sitemap", "/delivery": "added", "/returns": "added"}


def test_robots_txt_names_the_sitemap_of_a_site(shop, site):
    site.pages["/lost"] = page("Гарантия", "Гарантия двенадцать месяцев.")
    site.pages["/map.xml"] = sitemap(f"{site.url}/lost")
    site.pages["/robots.txt"] = Answer(body=f"Sitemap: {site.url}/map.xml".encode())
    assert visit(added(site))["/lost"] == "added"


def test_redirects_stay_on_the_site(shop, site):
    site.pages["/delivery"] = Answer(301, headers={"Location": "/returns/form"})
    site.pages["/returns"] = Answer(302, headers={"Location": "http://127.0.0.1:9/private"})
    found = visit(added(site))
    assert (found["/delivery"], found["/returns/form"], found["/returns"]) == ("skipped", "added", "failed")


def test_a_page_of_another_type_is_left_out_with_the_reason(shop, site):
    site.pages["/delivery"] = Answer(body=b"\x00\x01", headers={"Content-Type": "video/mp4"})
    source = added(site)
    visit(source)
    left = SourcePage.objects.get(url=f"{site.url}/delivery")
    assert (left.state, left.error) == ("skipped", "content_type") and "video/mp4" in left.message


def test_the_same_text_under_two_addresses_is_kept_once(shop, site):
    site.pages["/delivery"] = page("Доставка", "Одно.", "/print")
    site.pages["/print"] = page("Доставка", "Одно.", "/print")
    assert sorted(visit(added(site)).values()) == ["added"] * 4 + ["skipped"]


def test_a_document_deleted_by_hand_does_not_come_back_but_its_links_are_followed(shop, site):
    source = added(site)
    visit(source)
    delete_document(Document.objects.get(url__endswith="/returns").id)
    found = visit(source)
    assert (found["/returns"], found["/returns/form"]) == ("skipped", "same")
    assert kept() == {"/", "/delivery", "/returns/form"}


def test_a_visit_broken_off_goes_on_where_it_stopped(shop, site):
    source = added(site)
    assert visit_source(source.id, seconds=-1) == "running"
    assert visit_source(source.id) == "ready"
    assert site.visited.count("/") == 1 and len(states(source)) == 4


def test_only_one_worker_visits_a_site(shop, site):
    source = added(site)
    Source.objects.filter(id=source.id).update(state="running", claim=source.id, touched_at=timezone.now())
    assert visit_source(source.id) == "" and site.visited == []


def test_a_site_is_due_once_a_day(shop, site):
    source = added(site)
    visit(source)
    assert not due_sources().exists()
    Source.objects.update(synced_at=timezone.now() - VISIT_EVERY)
    assert due_sources().get() == source


def test_a_site_goes_with_all_its_documents(shop, site, add):
    own = add("Своя статья о чайниках.", "own.md")
    source = added(site)
    visit(source)
    assert len(kept()) == 4
    delete_source(source.id)
    ingest_all()
    assert Document.objects.get() == own
    assert set(Chunk.objects.values_list("document", flat=True)) == {own.id}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "file:///etc/passwd", "http://169.254.169.254/", "nonsense", "http://user:a@example.com/"],
)
def test_addresses_that_may_not_be_fetched_are_refused(shop, url):
    with pytest.raises(InvalidInput):
        add_source(url)


def test_one_address_in_many_spellings():
    base = "https://shop.example/help/"
    assert normal_url("../faq?utm_source=x&id=2#a", base) == "https://shop.example/faq?id=2"
    assert normal_url("HTTPS://Shop.Example:443") == "https://shop.example/"
    assert normal_url("/оплата", base) == normal_url("/%D0%BE%D0%BF%D0%BB%D0%B0%D1%82%D0%B0", base)
    assert normal_url("https://лавка.рф/") == "https://xn--80aaf6ac.xn--p1ai/"
    assert [normal_url(bad, base) for bad in ("mailto:a@b.c", "javascript:x()", "http://[", "tel:1")] == [""] * 4
    assert is_same_site("https://www.shop.example/a", "http://shop.example/")
    assert not is_same_site("https://shop.example.evil.example/", "https://shop.example/")


# ---- Over the API and in the admin ------------------------------------------------------------------------------------


def test_the_api_adds_reads_again_shows_pages_and_removes(shop, site):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    answer = client.post("/api/v1/sources/", {"url": site.url, "max_pages": 3}, content_type="application/json")
    assert (answer.status_code, answer.json()["state"], answer.json()["max_pages"]) == (201, "waiting", 3)
    url = f"/api/v1/sources/{answer.json()['id']}/"
    visit(Source.objects.get())
    shown = client.get(url).json()
    assert (shown["state"], shown["error"]["code"]) == ("ready", "page_limit")
    pages = client.get(url + "pages/").json()["results"]
    assert [p["state"] for p in pages] == ["added"] * 3 and all(p["document"] for p in pages)
    assert client.post(url + "sync/").status_code == 202
    assert client.delete(url).status_code == 204
    assert not Source.objects.exists() and set(Document.objects.values_list("state", flat=True)) == {"deleting"}


def test_agents_read_sites_and_do_not_write_them(shop, site):
    added(site)
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    assert client.get("/api/v1/sources/").status_code == 200
    assert client.post("/api/v1/sources/", {"url": site.url}, content_type="application/json").status_code == 403


def test_another_workspace_sees_nothing(shop, rival, site):
    with shop.enter():
        source = added(site)
    stranger = rival.client(HTTP_AUTHORIZATION=f"Bearer {rival.token(rival.admin)}")
    assert stranger.get(f"/api/v1/sources/{source.id}/").status_code == 404
    assert stranger.get("/api/v1/sources/").json()["results"] == []


LIST = "/admin/knowledge/source/"


def test_the_admin_adds_a_site_shows_its_pages_and_reads_it_again(shop, site):
    browser = shop.client(shop.admin)
    form = {"url": site.url, "max_pages": 50, "max_depth": 2}
    assert browser.get(LIST + "add/").status_code == 200
    assert browser.post(LIST + "add/", form).status_code == 302
    site.pages["/delivery"] = Answer(500, html="Oops")
    source = Source.objects.get()
    visit(source)
    listed = browser.get(LIST).content.decode()
    assert site.url in listed and "Pages that could not be read: 1" in listed
    pages = browser.get("/admin/knowledge/sourcepage/", {"source__id__exact": str(source.id)}).content.decode()
    assert "error 500" in pages and "/returns/form" in pages
    assert browser.get(f"{LIST}{source.id}/change/").status_code == 200
    again = browser.post(LIST + "add/", form, follow=True)
    assert "is there already" in again.content.decode() and Source.objects.get().state == "waiting"
    browser.post(LIST, {"action": "visit_selected", "_selected_action": [str(source.id)]})
    browser.post(LIST, {"action": "delete_selected", "_selected_action": [str(source.id)], "post": "yes"})
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    "form", [{"url": "http://127.0.0.1/"}, {"url": "nonsense"}, {"url": "https://a.example", "max_pages": 0}]
)
def test_what_cannot_be_added_comes_back_with_a_reason(shop, form):
    answer = shop.client(shop.admin).post(LIST + "add/", {"max_pages": 10, "max_depth": 1, **form})
    assert "errorlist" in answer.content.decode() and not Source.objects.exists()
