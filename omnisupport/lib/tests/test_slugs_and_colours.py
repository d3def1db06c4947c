import pytest

from omnisupport.lib.colours import contrast, ink_on, readable_on
from omnisupport.lib.slugs import slug_of


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Как вернуть товар?", "kak-vernut-tovar"),
        ("Ёжик & Щука — 2.0", "ezhik-shchuka-2-0"),
        ("Crème brûlée", "creme-brulee"),
        ("  ", ""),
        ("日本", ""),
        ("слово " * 40, "-".join(["slovo"] * 13)),
    ],
)
def test_words_become_an_address(text, slug):
    assert slug_of(text) == slug


@pytest.mark.parametrize("accent", ["#ffe066", "#000000", "#ffffff", "#1f6b4a", "#8a3b12", "#808080"])
def test_any_accent_can_be_read_on_both_grounds(accent):
    for ground, towards in (("#f6f7f9", "#000000"), ("#12151b", "#ffffff")):
        words = readable_on(ground, accent, towards)
        assert contrast(words, ground) >= 4.5 and contrast(ink_on(words), words) >= 4.5
