"""Pages of the knowledge base outside the admin: the file behind a citation, for agents."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _

from knowledge.services.documents import get_document
from omnisupport.lib.errors import Forbidden, NotFound


@login_required
def download_file(request: HttpRequest, document_id: UUID) -> FileResponse:
    """Always a download: a page that somebody uploaded must not run on our host."""
    if not getattr(request.user, "is_agent", False):
        raise Forbidden(_("You may not do this."))
    document = get_document(document_id)
    if not document.file:
        raise NotFound(_("This document has no file yet."))
    response = FileResponse(
        document.file.open("rb"),
        as_attachment=True,
        filename=document.filename,
        content_type="application/octet-stream",
    )
    response["Content-Security-Policy"] = "sandbox"
    return response
