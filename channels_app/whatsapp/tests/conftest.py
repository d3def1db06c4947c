from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Reasons are sentences for people; these stories read them as they stand in the source."""
    with translation.override("en"):
        yield
