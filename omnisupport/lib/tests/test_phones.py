"""One number, one spelling."""

import pytest

from omnisupport.lib.phones import phone_number


@pytest.mark.parametrize(
    "given",
    ["+79161234567", "79161234567", "8 916 123-45-67", "8(916)1234567", " +7 (916) 123‑45‑67 ", "8.916.123.45.67"],
)
def test_a_russian_number_however_it_is_spelt(given):
    assert phone_number(given) == "+79161234567"


@pytest.mark.parametrize(
    ("given", "one"),
    [("+44 20 7946 0000", "+442079460000"), ("+84 912345678", "+84912345678"), ("86 138 0013 8000", "+8613800138000")],
)
def test_numbers_of_elsewhere_keep_their_country(given, one):
    assert phone_number(given) == one


@pytest.mark.parametrize(
    "given", ["", "112", "123-45-67", "916 123 45 67", "+7 916 123-45-67 доб. 12", "после шести", "1" * 20]
)
def test_what_is_no_full_number_stays_as_it_was_given(given):
    assert phone_number(given) == given
