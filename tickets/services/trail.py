"""The pages that a visitor of a site looked at: the newest twenty, kept at their address."""

from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from omnisupport.lib.text import storable
from tickets.models import ContactAddress

MOST_PAGES = 20
_LONGEST_URL, _LONGEST_TITLE = 500, 200


@transaction.atomic
def note_page(*, channel_id: UUID, address: str, url: str, title: str) -> int | None:
    """The id of the address; None where nothing is noted: of a visitor who has not written, no page, the same one again."""
    url, title = str(storable(url))[:_LONGEST_URL], " ".join(str(storable(title)).split())[:_LONGEST_TITLE]
    row = ContactAddress.objects.select_for_update().filter(channel_id=channel_id, address=address).first()
    if row is None or not _is_page(url):
        return None
    pages = list(row.details.get("pages", []))
    if pages and (pages[0]["url"], pages[0]["title"]) == (url, title):
        return None
    pages = [{"url": url, "title": title, "at": timezone.now().isoformat()}, *pages][:MOST_PAGES]
    row.details = {**row.details, "pages": pages}
    row.save(update_fields=["details"])
    return row.id


def _is_page(url: str) -> bool:
    try:
        return urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False
