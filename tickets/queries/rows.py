"""What every list of conversations leaves out, how long a page is, and what waits for people."""

from django.db.models import Q

from tickets.models import Status

# As many as a tall screen shows; the rest comes with the scrolling.
PAGE = 25
# Encrypted or long columns of the channel that no row of a list needs.
UNUSED = ("channel__secrets", "channel__config", "channel__poll_state")
# What waits for us now. Spam and what was merged into another is closed.
TO_DO = Q(status=Status.OPEN, is_snoozed=False)
