"""What a workspace calls the same is searched as the same."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import Synonyms
from knowledge.search import search_passages
from knowledge.services.synonyms import save_synonyms
from omnisupport.lib.errors import InvalidInput

URL = "/api/v1/synonyms/"
ADMIN = "/admin/knowledge/synonyms/"
TRANSPORT = "Транспортная компания забирает груз по вторникам."


def test_a_question_in_the_workspaces_own_words_is_answered(shop, add):
    add(TRANSPORT)
    add("Курьер приезжает каждый день.")
    assert not search_passages("когда приедет ТТК").is_relevant
    save_synonyms(["ТТК", "транспортная компания"])
    result = search_passages("когда ТТК забирает груз")
    assert result.passages[0].text == TRANSPORT and result.is_relevant
    assert result.synonyms == ["ТТК = транспортная компания"]
    assert search_passages("когда приезжает курьер").synonyms == []


def test_it_works_both_ways_and_in_other_forms(shop, add):
    add("ТТК забирает груз по вторникам.")
    save_synonyms(["ТТК", "транспортная компания"])
    result = search_passages("В какие дни приедут из транспортной компании?")
    assert "ТТК" in result.passages[0].text and result.synonyms


@pytest.mark.parametrize(
    "phrases", [[], ["один"], ["Один", "один"], ["?!", "один"], ["а" * 101, "б"], list("абвгдежзиклмнопрстуфх")]
)
def test_a_group_is_two_to_twenty_different_phrases(shop, phrases):
    with pytest.raises(InvalidInput):
        save_synonyms(phrases)


def test_admins_write_and_agents_read(shop):
    admin, agent = shop.client(shop.admin), shop.client(shop.agent)
    created = admin.post(URL, {"phrases": ["ТТК", "транспортная компания"]}, content_type="application/json")
    assert (created.status_code, created.json()["phrases"]) == (201, ["ТТК", "транспортная компания"])
    one = f"{URL}{created.json()['id']}/"
    changed = admin.put(one, {"phrases": ["ТТК", "перевозчик"]}, content_type="application/json")
    assert changed.json()["phrases"] == ["ТТК", "перевозчик"]
    assert agent.get(URL).json()["results"] == [changed.json()]
    refused = agent.post(URL, {"phrases": ["а", "б"]}, content_type="application/json")
    assert refused.status_code == 403
    assert admin.post(URL, {"phrases": ["одно"]}, content_type="application/json").status_code == 400
    assert admin.delete(one).status_code == 204 and agent.get(one).status_code == 404


def test_a_list_takes_the_same_queries_for_one_and_for_many(shop):
    agent, counts = shop.client(shop.agent), []
    agent.get(URL)
    for number in (1, 9):
        for n in range(number):
            save_synonyms([f"слово {number} {n}", f"другое {number} {n}"])
        with CaptureQueriesContext(connection) as queries:
            agent.get(URL)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_group_is_a_line_in_the_admin(shop):
    admin = shop.client(shop.admin)
    assert admin.post(ADMIN + "add/", {"phrases": "ТТК = транспортная компания"}).status_code == 302
    group = Synonyms.objects.get()
    assert group.phrases == ["ТТК", "транспортная компания"]
    assert "ТТК = транспортная компания" in admin.get(ADMIN).content.decode()
    refused = admin.post(f"{ADMIN}{group.id}/change/", {"phrases": "ТТК"})
    assert (refused.status_code, "from 2 to 20" in refused.content.decode()) == (400, True)
    assert admin.post(f"{ADMIN}{group.id}/change/", {"phrases": "ТТК = перевозчик"}).status_code == 302
    group.refresh_from_db()
    assert group.phrases == ["ТТК", "перевозчик"]
