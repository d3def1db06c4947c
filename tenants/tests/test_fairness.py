"""Short work of one workspace beside the backlog of another, in threads of one process."""

import threading
import time

import pytest
from django.db import connection

from tenants.db import tenant_context
from tenants.fairness import backlog, taking_turns
from tests.servers import until


class Work(threading.Thread):
    """Statements of a workspace, one after the other; `done` counts them."""

    def __init__(self, schema: str, *, long: bool) -> None:
        super().__init__(daemon=True)
        self.schema, self.long = schema, long
        self.done, self.over = 0, threading.Event()

    def run(self) -> None:
        try:
            with tenant_context(self.schema), taking_turns(self.schema, short=True):
                if self.long:
                    with backlog(self.schema):
                        self._work()
                else:
                    self._work()
        finally:
            connection.close()

    def _work(self) -> None:
        while not self.over.is_set():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self.done += 1
            time.sleep(0.002)


@pytest.fixture
def work(live_shop, live_rival):
    threads = []

    def start(workspace, *, long=False) -> Work:
        thread = Work(workspace.schema, long=long)
        threads.append(thread)
        thread.start()
        until(lambda: thread.done > 0, 10, "the work has begun")
        return thread

    yield start
    for thread in threads:
        thread.over.set()
    for thread in threads:
        thread.join(10)


def test_a_backlog_waits_for_the_short_work_of_others(work, live_shop, live_rival, monkeypatch):
    monkeypatch.setattr("tenants.fairness._GIVEN_AWAY", 1000)
    crowd = work(live_shop, long=True)
    guest = work(live_rival)
    guests = guest.done
    until(lambda: guest.done > guests + 5, 10, "the guest is served")
    stood_at, guests = crowd.done, guest.done
    until(lambda: guest.done > guests + 50, 10, "the guest is served")
    assert crowd.done == stood_at
    guest.over.set()
    guest.join(10)
    until(lambda: crowd.done > stood_at + 20, 10, "the backlog goes on")


def test_a_backlog_is_not_starved(work, live_shop, live_rival):
    crowd = work(live_shop, long=True)
    guest = work(live_rival)
    begun = crowd.done
    until(lambda: crowd.done > begun + 20, 20, "the backlog goes on beside work that never ends")
    assert not guest.over.is_set()


def test_two_backlogs_do_not_wait_for_each_other(work, live_shop, live_rival, monkeypatch):
    monkeypatch.setattr("tenants.fairness._GIVEN_AWAY", 1000)
    crowds = [work(live_shop, long=True), work(live_rival, long=True)]
    begun = [crowd.done for crowd in crowds]
    until(lambda: all(crowd.done > at + 50 for crowd, at in zip(crowds, begun, strict=True)), 10, "both move on")


def test_own_short_work_holds_nothing_up(work, live_shop, monkeypatch):
    monkeypatch.setattr("tenants.fairness._GIVEN_AWAY", 1000)
    crowd = work(live_shop, long=True)
    work(live_shop)
    begun = crowd.done
    until(lambda: crowd.done > begun + 50, 10, "the backlog moves on")
