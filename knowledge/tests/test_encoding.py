"""Words as numbers: the same everywhere, forms of a word alike, codes whole."""

from concurrent.futures import ThreadPoolExecutor

from knowledge.encoding import encode_document, encode_query, terms_of
from knowledge.stopwords import content_tokens
from knowledge.tokens import tokens_of
from omnisupport.lib.stems import stem


def score(question: str, text: str) -> float:
    document = dict(zip(*_parts(encode_document(text)), strict=True))
    return sum(value * document.get(index, 0) for index, value in zip(*_parts(encode_query(question)), strict=True))


def _parts(vector):
    return vector.indices, vector.values


def test_forms_of_a_russian_word_are_one():
    assert terms_of("возврат возврата возвраты") == ["возврат"] * 3
    assert terms_of("Ещё ещё ЕЩЕ")[0] == terms_of("еще")[0]


def test_english_words_are_stemmed_as_english():
    assert stem("deliveries") == stem("delivery")


def test_negation_stays():
    assert "не" in tokens_of("Деньги не пришли")


def test_whose_it_is_says_nothing_of_the_subject():
    assert content_tokens("Как мне изменить свой, наш или твой пароль себе?") == ["изменить", "пароль"]
    assert content_tokens("Моё имя и тема") == ["имя", "тема"]


def test_codes_stay_whole_beside_their_parts():
    assert {"ab-1234", "ab", "1234"} <= set(tokens_of("Артикул AB-1234"))
    assert "crm.lead.add" in tokens_of("метод crm.lead.add()")
    assert stem("iphone15") == "iphone15"


def test_a_text_about_the_question_scores_above_another():
    about = "Возврат денег: деньги возвращаются на карту."
    other = "Доставка курьером по Москве на следующий день."
    assert score("как вернуть деньги на карту", about) > score("как вернуть деньги на карту", other)


def test_a_typo_still_finds_the_word():
    assert score("достваки", "Стоимость доставки") > 3 * score("достваки", "Гарантия на технику")


def test_a_vector_names_each_dimension_once_and_fits_32_bits():
    vector = encode_document("слово " * 50 + "другое слово")
    assert len(set(vector.indices)) == len(vector.indices) == len(vector.values)
    assert all(0 <= index < 2**32 for index in vector.indices)


def test_numbers_do_not_change_between_versions():
    # Points that are stored already must be found by queries encoded later.
    assert encode_query("доставка").indices[0] == 2871484213


def test_threads_get_the_same_stems():
    words = [f"{base}{end}" for base in ("возврат", "доставк", "оплат") for end in ("а", "у", "ой", "ами", "ах")] * 50
    expected = [stem.__wrapped__(word) for word in words]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stem.__wrapped__, words)) == expected
