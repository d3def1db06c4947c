"""The index heals: PostgreSQL knows what it should hold."""

import shutil
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from knowledge import index
from knowledge.models import Document
from knowledge.search import search_passages
from knowledge.services.ingest import ingest_document, waiting_documents
from knowledge.services.reconcile import check_documents
from knowledge.tests import files
from tenants.models import Tenant
from tenants.provisioning import create_workspace, delete_workspace


def test_a_lost_index_folder_is_noticed_by_the_next_search_and_filled_again(shop, add):
    document = add(files.DELIVERY_MD)
    Document.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    index.close()
    shutil.rmtree(settings.QDRANT_PATH)
    assert search_passages("доставка в Казань").passages == []
    assert check_documents() == 1
    assert list(waiting_documents()) == [document.id]
    assert ingest_document(document.id) == "ready"
    assert "450 ₽" in search_passages("доставка в Казань").passages[0].text


def test_what_is_in_step_is_left_alone(shop, add):
    document = add(files.DELIVERY_MD)
    Document.objects.update(checked_at=None)
    assert check_documents() == 0
    document.refresh_from_db()
    assert (document.state, document.version) == ("ready", 1) and document.checked_at is not None


def test_a_removed_workspace_leaves_no_vectors(live_shop, add, monkeypatch):
    sent = []
    monkeypatch.setattr("knowledge.tasks.drop_vectors_task.apply_async", lambda args, **_: sent.append(args))
    slug = "doomed-shop"
    tenant = create_workspace(slug=slug, name=slug, owner_email="o@doomed.example", owner_password="a long password")
    delete_workspace(Tenant.objects.get(pk=tenant.pk))
    assert sent == [(tenant.schema_name,)]
