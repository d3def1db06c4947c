"""A task runs in the workspace that enqueued it, or not at all."""

import random

import pytest
from celery.contrib.testing.worker import start_worker
from celery.exceptions import TimeoutError as NoAnswer
from django.db import connection

from omnisupport.celery import app
from tenants.db import tenant_context
from tenants.names import PUBLIC, NoTenant
from tests.tenant_tasks import where_am_i


@pytest.fixture
def worker(live_shop):
    with start_worker(app, pool="threads", concurrency=4, queues=["default"], perform_ping_check=False):
        yield


def test_alternating_tenants_never_mix(worker, live_shop, live_rival):
    schemas = [random.choice([live_shop.schema, live_rival.schema]) for _ in range(200)]
    sent = []
    for schema in schemas:
        with tenant_context(schema):
            sent.append(where_am_i.delay())
    assert [result.get(timeout=20) for result in sent] == schemas


def test_a_message_without_a_workspace_is_refused(worker):
    with pytest.raises(NoAnswer):
        app.send_task("tests.tenant_tasks.where_am_i", headers={}).get(timeout=1)
    with pytest.raises(NoAnswer):
        app.send_task("tests.tenant_tasks.where_am_i", headers={"schema": PUBLIC}).get(timeout=1)


def test_nothing_of_a_workspace_can_be_enqueued_from_public(live_shop):
    with tenant_context(PUBLIC), pytest.raises(NoTenant):
        where_am_i.delay()


def test_the_schema_is_left_after_a_call(live_shop):
    before = connection.schema_name
    where_am_i.apply(headers={"schema": live_shop.schema})
    assert connection.schema_name == before
