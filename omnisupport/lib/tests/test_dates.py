"""Days in short words, the same on the server as in the browser."""

from datetime import date

import pytest
from django.utils import translation

from omnisupport.lib.dates import day_and_month


@pytest.mark.parametrize(
    ("language", "day", "shown"),
    [("ru", date(2026, 11, 22), "22 нояб."), ("ru", date(2026, 5, 1), "1 мая"), ("en", date(2026, 11, 22), "Nov 22")],
)
def test_a_day_and_its_month(language, day, shown):
    with translation.override(language):
        assert day_and_month(day).replace("\xa0", " ") == shown
