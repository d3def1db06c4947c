"""The arithmetic behind `manage.py evaluate_search`."""

import math

import pytest

from ai_assistant.evaluation.bm25 import BM25, Passage
from ai_assistant.evaluation.ranks import compare, mean_reciprocal_rank, rank_of, recall_at

# ---- Ranks


def test_a_rank_is_the_place_of_the_first_right_document():
    assert [rank_of(["a", "b", "c"], wanted) for wanted in ({"a"}, {"c", "b"}, {"x"}, set())] == [1, 2, 0, 0]


def test_what_was_not_found_counts_for_nothing():
    ranks = [1, 2, 0, 4]
    assert [recall_at(depth, ranks) for depth in (1, 3, 5)] == [0.25, 0.5, 0.75]
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 4) / 4)


def test_a_way_that_is_better_by_much_is_better_for_certain():
    found = compare([1] * 90 + [0] * 10, [2] * 90 + [0] * 10)
    assert (found.ratio, found.difference) == (pytest.approx(2), pytest.approx(0.45))
    assert 0.4 < found.low < 0.45 < found.high < 0.5


def test_one_question_more_is_no_difference():
    found = compare([1] * 20 + [2], [1] * 20 + [3])
    assert found.low == 0 < found.difference < found.high


def test_questions_are_compared_one_by_one():
    """The same ranks in another order have the same mean, and tell of no difference."""
    ours, theirs = [1, 4] * 50, [4, 1] * 50
    found = compare(ours, theirs)
    assert (found.ratio, found.difference) == (1, 0)
    assert found.low < -0.1 and found.high > 0.1
    assert compare(ours, ours) == compare(theirs, theirs)
    with pytest.raises(ValueError, match="shapes"):
        compare([1, 2], [1, 2, 3])


def test_against_nothing_there_is_no_ratio():
    assert compare([1, 1], [0, 0]).ratio == math.inf


# ---- BM25


def test_a_word_is_found_in_another_form_and_rare_words_count_for_more():
    pages = BM25([
        Passage("delivery", "Доставка заказа\nЗаказ везёт курьер, о заказе мы напишем."),
        Passage("return", "Возврат\nПалатку можно вернуть, заказ при этом закрывается."),
        Passage("english", "Delivery\nCouriers deliver on weekdays."),
    ])  # fmt: skip
    assert pages.rank("вернул палатки из заказа") == ["return", "delivery"]
    assert pages.rank("Couriers' delivery?") == ["english"]
    assert pages.rank("самовывоз") == []


def test_the_score_is_that_of_the_formula():
    pages = BM25([Passage("a", "кот кот пёс"), Passage("b", "пёс")])
    # Twice in a passage of three words where the average is two; one of two passages has it.
    once = 2 * (1.2 + 1) / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2)) * math.log(1 + 1.5 / 1.5)
    assert pages._scores("кот") == {0: pytest.approx(once)}
    assert pages._scores("кот, кот") == {0: pytest.approx(2 * once)}


def test_a_page_is_as_good_as_its_best_passage():
    pages = BM25([
        Passage("long", "оплата картой онлайн"), Passage("long", "доставка курьером домой"),
        Passage("short", "оплата"), Passage("other", "доставка почтой по стране"),
    ])  # fmt: skip
    assert pages.rank("оплата и доставка") == ["short", "long", "other"]
