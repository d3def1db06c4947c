"""`manage.py evaluate_search` over a small set, through the whole product."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.names import PUBLIC

PAGES = {
    "delivery": "Курьер везёт заказ два дня. О времени приезда он сообщает сам.",
    "return": "Палатку можно вернуть в течение месяца, если её не ставили под дождём.",
    "payment": "Оплатить можно картой или по счёту, который мы пришлём письмом.",
}
QUESTIONS = {
    "Сколько дней везут заказ?": "delivery",
    "Как вернуть палатку?": "return",
    "Можно ли платить картой?": "payment",
}


@pytest.fixture
def sets(tmp_path):
    rows = {
        "documents": [{"id": name, "title": name, "text": text} for name, text in PAGES.items()],
        "questions": [{"q": question, "passage_id": page} for question, page in QUESTIONS.items()],
        "unanswerable": [{"question": "Какая высота у Эвереста?"}],
    }
    for name, some in rows.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in some]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return {name: tmp_path / f"{name}.jsonl" for name in rows}


def test_our_search_is_measured_beside_bm25_in_a_workspace_that_is_gone_after(live_shop, sets):
    with tenant_context(PUBLIC):
        before = set(Tenant.objects.values_list("slug", flat=True))
        out = StringIO()
        call_command("evaluate_search", **sets, typos=True, stdout=out, stderr=out)
        assert set(Tenant.objects.values_list("slug", flat=True)) == before
    told = out.getvalue()
    baseline, ours = told.split("words alone:")
    assert "BM25 over Snowball stems:\nas written, 3 questions\nrecall@1   1.000\n" in baseline
    assert ours.startswith("\nas written, 3 questions\nrecall@1   1.000\nrecall@3   1.000\n")
    assert "to BM25   1.000   (+0.000, 95 % within +0.000 and +0.000)" in ours
    assert baseline.count("with typos, 3 questions") == ours.count("with typos, 3 questions") == 1
    assert "AUROC     1.000   (1 unanswerable)" in ours and "AUROC" not in baseline
