"""What went wrong with a document, as a sentence that says what to do."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_SENTENCES: dict[str, str | Promise] = {
    "empty": _("There is no text in this file."),
    "encrypted": _("This file is protected with a password. Remove the password and upload it again."),
    "corrupt": _("This file is damaged or is not what its name says. Save it again and upload the new copy."),
    "ocr_needed": _("This file has pictures of pages and no text. Run text recognition (OCR) and upload the result."),
    "garbled": _(
        "The text of this PDF is stored with wrong letters and cannot be read. Upload the original document or a PDF with"
        " recognised text."
    ),
    "bomb": _("This file unpacks into far more data than a document has, so it was not opened."),
    "unsupported": _("This kind of file cannot be read. Upload PDF, DOCX, XLSX, PPTX, CSV, HTML, TXT or Markdown."),
    "too_large": _("There is too much text in this file. Split it into parts."),
    "timeout": _("Reading took longer than %(seconds)s seconds and was stopped. Split the file into parts."),
    "memory": _("Reading needs more memory than a document may take. Split the file into parts or save it again."),
    "unreadable": _("This file could not be read. Save it again, best as PDF, and upload the new copy."),
    "unavailable": _("The index did not answer. The document will be indexed when you press “Index again”."),
    "pages_unread": _("No text could be read on these pages: %(pages)s. The rest is in the search."),
    "duplicate": _("“%(title)s” has the same text. It is kept once."),
    "bad_url": _("This address cannot be used: %(reason)s"),
    "fetch_failed": _("The page could not be fetched: %(reason)s"),
    "fetch_status": _("The site answered with error %(status)s instead of the page."),
    "robots": _("The site's robots.txt asks not to read this page."),
    "noindex": _("The page asks not to be indexed."),
    "content_type": _("Pages of the type %(type)s are not read."),
    "offsite": _("The address leads to another site: %(url)s"),
    "redirect": _("The address leads to %(url)s, which is read instead."),
    "page_limit": _("Only the first %(limit)s pages were read. Raise the limit to read the rest."),
    "pages_failed": _("Pages that could not be read: %(count)s. They are tried again at the next reading."),
    "excluded": _("Its document was deleted by hand and is not added again."),
    "no_pages": _("No page with text was found at this address."),
}


def sentence_for(code: str, details: dict[str, Any]) -> str:
    sentence = str(_SENTENCES.get(code, _SENTENCES["unreadable"]))
    try:
        return sentence % details if details else sentence
    except (KeyError, TypeError, ValueError):
        return sentence


def page_ranges(pages: list[int]) -> str:
    """[1, 2, 3, 7] → "1–3, 7"."""
    ranges: list[list[int]] = []
    for page in sorted(pages):
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges)
