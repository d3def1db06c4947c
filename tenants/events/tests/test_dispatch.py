"""The event log: sequence after commit, subscribers called once or again after a fault, never lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tenants.db import tenant_context
from tenants.events import log
from tenants.events.dispatch import MAX_ATTEMPTS, dispatch_new_events, redispatch_stuck_events
from tenants.events.log import record, subscribe
from tenants.events.models import Event
from tenants.names import PUBLIC, NoTenant
from tenants.sweeper import find_work


@pytest.fixture
def heard(monkeypatch):
    """Only this test listens; gives the list of what it heard."""
    monkeypatch.setattr(log, "_subscribers", [])
    events: list[Event] = []
    subscribe("test.happened")(events.append)
    return events


def test_an_event_reaches_its_subscribers_once(shop, heard):
    record("test.happened", payload={"n": 1})
    record("test.other")
    assert dispatch_new_events() == 2
    assert dispatch_new_events() == 0
    assert [event.payload for event in heard] == [{"n": 1}]
    assert not Event.objects.filter(dispatched_at=None).exists()


def test_a_faulty_subscriber_neither_stops_others_nor_is_forgotten(shop, heard):
    faults = iter([True, True, False])

    @subscribe("test.happened")
    def faulty(event: Event) -> None:
        if next(faults):
            raise ValueError("not today")

    record("test.happened")
    dispatch_new_events()
    assert len(heard) == 1
    event = Event.objects.get()
    assert event.dispatched_at is None
    Event.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert redispatch_stuck_events(timedelta(seconds=15)) == 1
    assert redispatch_stuck_events(timedelta(seconds=15)) == 1
    assert redispatch_stuck_events(timedelta(seconds=15)) == 0
    assert Event.objects.get().dispatched_at is not None


def test_an_event_that_always_fails_is_left_after_some_tries(shop, heard):
    subscribe("test.happened")(lambda event: 1 / 0)
    record("test.happened")
    dispatch_new_events()
    Event.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    tries = sum(redispatch_stuck_events(timedelta(seconds=15)) for _ in range(20))
    assert tries == MAX_ATTEMPTS - 1


def test_a_rolled_back_change_leaves_no_event(shop, heard):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("test.happened")
        raise ZeroDivisionError
    assert dispatch_new_events() == 0


def test_nothing_is_recorded_in_public(shop):
    with tenant_context(PUBLIC), pytest.raises(NoTenant):
        record("test.happened")


def test_whoever_sees_a_number_has_every_smaller_one(live_shop, heard):
    """Many writers commit out of order while many dispatchers number: at every moment the numbers seen have no gap."""

    def write(_n: int) -> None:
        with tenant_context(live_shop.schema), transaction.atomic():
            record("test.happened")
        connection.close()

    def number(_n: int) -> bool:
        with tenant_context(live_shop.schema):
            dispatch_new_events()
            seen = sorted(Event.objects.filter(seq__isnull=False).values_list("seq", flat=True))
        connection.close()
        return seen == list(range(1, len(seen) + 1))

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(write if n % 3 else number, n) for n in range(150)]
        assert all(job.result() is not False for job in jobs)
    dispatch_new_events()
    assert len(heard) == Event.objects.count() == 100


def test_the_sweeper_finds_what_a_crash_left(live_shop, live_rival, heard):
    record("test.happened")
    assert not [schema for schema, sweep in find_work() if sweep.name == "events"]
    Event.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert [schema for schema, sweep in find_work() if sweep.name == "events"] == [live_shop.schema]
