"""One letter about everything that somebody has not looked at."""

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.accounts.models import User
from tenants.hosts import page_link
from tickets.notices.models import Notice
from tickets.notices.services import words_of
from tickets.rights import may_see

_SHOWN = 20


def mail_unseen() -> int:
    """To everybody whose hour has come. Returns how many letters left. Raises OSError (SMTP's errors are among them): what
    was not sent is tried again."""
    due = Notice.objects.filter(mail_at__lte=timezone.now(), seen_at=None)
    people = list(due.order_by("user_id").values_list("user_id", flat=True).distinct())
    return sum(_mail(user) for user in User.objects.filter(id__in=people))


@transaction.atomic
def _mail(user: User) -> bool:
    """With what is not yet due, so that a second letter does not follow at once."""
    told = Notice.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        user=user, seen_at=None, mail_at__isnull=False
    )
    notices = list(told.select_related("user", "ticket__contact", "event__actor").order_by("id"))
    if not notices:
        return False
    Notice.objects.filter(id__in=[notice.id for notice in notices]).update(mail_at=None)
    # Rights and hands may have changed since: nobody reads of what they may not open.
    notices = [notice for notice in notices if may_see(user, notice.ticket_id)]
    if not user.is_agent or not notices:
        return False
    with translation.override(user.language):
        subject = ngettext("%(count)s notice waits for you", "%(count)s notices wait for you", len(notices))
        lines = [_line(notice) for notice in notices[:_SHOWN]]
        if len(notices) > _SHOWN:
            lines.append(_("All of them: %(link)s") % {"link": page_link("/notices/")})
        lines.append(_("What letters tell you of is chosen here: %(link)s") % {"link": page_link("/notices/settings/")})
    send_mail(subject % {"count": len(notices)}, "\n\n".join(lines), None, [user.email])
    return True


def _line(notice: Notice) -> str:
    words = words_of(notice)
    return f"{words['title']}: {words['text']}\n{page_link(f'/inbox/{notice.ticket.number}/')}"
