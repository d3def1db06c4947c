"""The inbox of a workspace with 200,000 tickets and 1,000,000 messages, beside one of 10,000 tickets: SQL and whole pages.

SQL is what the pages themselves send, replayed on one warm connection between reads of a ticket by its key. Pages are made in
this process by Django's test client: all of Django, no network.
"""

import functools
import operator
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peer
from benchmarks.harness import Result, median

SMALL = 10_000
BIG = int(os.environ.get("BIG_INBOX_TICKETS", "200000"))
SQL_ROUNDS, PAGE_ROUNDS = 60, 25
# From one in five messages to one conversation; two words, another form of the word, the beginning of a word, a person.
SEARCHES = (
    "заказ", "возвраты", "гарантия", "наушники Самара", "доставка курьером", "arrived", "ORD-109000", "+7 916 ", "курь",
    "client77@mail37.example", "Зайцев", "нетакогослова",
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """A filled workspace and one of its agents."""

    schema: str
    host: str
    viewer: Any
    long_number: int

    def client(self) -> Any:
        from django.test import Client

        from tenants.db import tenant_context

        client = Client(HTTP_HOST=self.host)
        with tenant_context(self.schema):
            client.force_login(self.viewer)
        return client


def run(_folder: Path) -> list[Result]:
    small, big = open_desk("small", SMALL), open_desk("big", BIG)
    return [*_statements(big), *_pages(small, big), *peer.compare(big.client(), BIG)]


def open_desk(slug: str, tickets: int) -> Desk:
    from django.db import connection, transaction

    from benchmarks.inbox_data import fill
    from channels_app.models import Channel
    from tenants.accounts.models import Role, User
    from tenants.db import tenant_context
    from tenants.names import host_for
    from tenants.provisioning import create_workspace
    from tickets.models import Team

    started = time.perf_counter()
    tenant = create_workspace(slug=slug, name=slug, owner_email="o@big.example", owner_password="a long password")
    with tenant_context(tenant.schema_name):
        for number in range(20):
            viewer = User.objects.create_user(f"agent{number}@big.example", "a long password", name=f"Агент {number}")
        User.objects.create_user("assistant@big.example", name="Ассистент", role=Role.ASSISTANT)
        for name in ("Сайт", "Почта", "Телеграм"):
            Channel.objects.create(kind="widget", name=name)
        for name in ("Поддержка", "Возвраты", "Доставка"):
            Team.objects.create(name=name)
        with transaction.atomic(), connection.cursor() as cursor:
            filled = fill(tenant.schema_name, tickets, cursor.cursor)
        written = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE tickets_message, tickets_ticket, tickets_contact, tickets_contactaddress")
            cursor.execute("VACUUM ANALYZE events_event, tickets_messagesearch")
    print(
        f"   {slug}: {filled.tickets} tickets, {filled.messages} messages in {written - started:.0f} s,"
        f" vacuumed in {time.perf_counter() - written:.0f} s", flush=True,
    )  # fmt: skip
    return Desk(tenant.schema_name, host_for(slug), viewer, filled.long_number)


# ---- SQL -------------------------------------------------------------------------------------------------------------


def _statements(desk: Desk) -> list[Result]:
    from tenants.db import tenant_context
    from tickets import queries
    from tickets.models import Sort
    from tickets.queries import Selection

    viewer = desk.viewer
    lists: dict[str, Callable[[], Any]] = {
        f"list of {view}": partial(queries.list_tickets, Selection(viewer, view))
        for view in ("mine", "unassigned", "open", "closed")
    }
    with tenant_context(desk.schema):
        deep = queries.list_tickets(Selection(viewer, "closed")).cursor
        lists["list of closed, second page"] = lambda: queries.list_tickets(Selection(viewer, "closed"), deep)
        lists |= {
            f"list by {sort}": partial(queries.list_tickets, Selection(viewer, "open", sort=sort))
            for sort in Sort.values
        }
        results = [_against_key(name, call) for name, call in lists.items()]
        results.append(_whole_reads(lists))
        results.append(_in_ms("counters of all views", [lambda: queries.count_views(viewer)], 3, at=0.5))
        asked = [Selection(viewer, text=text) for text in SEARCHES]
        searches = [partial(queries.list_tickets, selection) for selection in asked]
        results.append(_in_ms("search, newest", searches, 10, at=0.95, names=SEARCHES))
        best = [partial(queries.list_tickets, replace(selection, best_first=True)) for selection in asked]
        results.append(_in_ms("search, best", best, 50, at=0.95, names=SEARCHES))
    return results


def _against_key(name: str, call: Callable[[], Any]) -> Result:
    from tickets.models import Ticket

    ours, keys = _replayed([call, lambda: list(Ticket.objects.filter(id=BIG // 2))])
    details: dict[str, Any] = {
        "ms": round(median(ours), 2),
        "key_ms": round(median(keys), 2),
        "least": round(min(ours), 2),
    }
    details["plan"] = " → ".join(step.words for step in _plan(call))
    return Result(f"{name} against a read by key", median(ours) / median(keys), "×", 4, details=details)


@dataclass(frozen=True)
class Step:
    """One of a plan that reads a table or sorts; `rows` as the planner expects them."""

    words: str
    rows: int
    is_whole: bool


def _plan(call: Callable[[], Any]) -> list[Step]:
    """How the statement finds its rows: each table with its index, and what is sorted, in the order of the plan."""
    from django.db import connection

    def walk(node: dict[str, Any]) -> list[Step]:
        found = [step for child in node.get("Plans", []) for step in walk(child)]
        kind, rows = node["Node Type"], int(node["Plan Rows"])
        if "Relation Name" in node:
            words = f"{node['Relation Name']} by {node.get('Index Name', kind)}"
            found.insert(0, Step(words, rows, kind == "Seq Scan" and rows > _MANY))
        elif kind == "Sort":
            found.insert(0, Step(f"sort of {rows}", rows, rows > _MANY))
        return found

    with connection.cursor() as cursor:
        # The names of channels and people follow, by their keys.
        statement, parameters = next(sent for sent in _sent_by(call) if sent[0].startswith("SELECT"))
        cursor.cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        ((plan,),) = cursor.cursor.fetchone()
    return walk(plan["Plan"])


# Of channels and people there are some dozens, and those may be read one after another.
_MANY = 1000


def _whole_reads(lists: dict[str, Callable[[], Any]]) -> Result:
    found = [f"{name}: {step.words}" for name, call in lists.items() for step in _plan(call) if step.is_whole]
    return Result("lists that read or sort a whole table", len(found), "", 0, details={"which": found} if found else {})


def _in_ms(
    name: str, calls: Sequence[Callable[[], Any]], limit: float, *, at: float, names: tuple[str, ...] = ()
) -> Result:
    times = _replayed(calls)
    together: list[float] = sorted(functools.reduce(operator.iadd, times, []))
    # A busy machine lengthens the median many times over, the least hardly.
    details: dict[str, Any] = {
        f"“{label}”": f"{median(ours):.1f}/{min(ours):.1f}" for label, ours in zip(names, times, strict=False)
    }
    details["least"] = round(together[0], 2)
    return Result(f"{name}, p{at * 100:.0f}", together[int(len(together) * at)], "ms", limit, details=details)


def _replayed(calls: Sequence[Callable[[], Any]]) -> list[list[float]]:
    """Milliseconds of the statements of each call, taking turns."""
    from django.db import connection

    with connection.cursor() as cursor:
        plain = cursor.cursor
        sent = [_sent_by(call) for call in calls]
        times: list[list[float]] = [[] for _ in calls]
        for _round in range(_affordable(sent, plain)):
            for statements, found in zip(sent, times, strict=True):
                started = time.perf_counter()
                for statement, parameters in statements:
                    plain.execute(statement, parameters)
                    plain.fetchall()
                found.append((time.perf_counter() - started) * 1000)
    return times


def _affordable(sent: list[list[tuple[str, Any]]], cursor: Any) -> int:
    """Fewer rounds of what takes seconds."""
    started = time.perf_counter()
    for statements in sent:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
            cursor.fetchall()
    return max(3, min(SQL_ROUNDS, int(20 / (time.perf_counter() - started))))


def _sent_by(call: Callable[[], Any]) -> list[tuple[str, Any]]:
    from django.db import connection

    sent: list[tuple[str, Any]] = []

    def keep(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        sent.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(keep):
        call()
    return sent


# ---- Whole pages -----------------------------------------------------------------------------------------------------


def _pages(small: Desk, big: Desk) -> list[Result]:
    results = []
    for name, path, limit in (
        ("list", "/inbox/?view=open", 50),
        ("conversation of 500 messages", "/inbox/{number}/?view=open", 120),
        ("search", "/inbox/?q=возвраты", 150),
    ):
        results += _page(name, path, limit, (small, big))
    return results


def _page(name: str, path: str, limit: float, desks: tuple[Desk, Desk]) -> list[Result]:
    from omnisupport.lib.stack import with_room  # as the server does

    clients = [desk.client() for desk in desks]
    paths = [path.format(number=desk.long_number) for desk in desks]
    queries = [_count(client, where) for client, where in zip(clients, paths, strict=True)]
    times: tuple[list[float], list[float]] = ([], [])
    worked: tuple[list[float], list[float]] = ([], [])
    for _round in range(PAGE_ROUNDS):
        for client, where, found, cpu in zip(clients, paths, times, worked, strict=True):
            started, used = time.perf_counter(), time.process_time()
            answer = with_room(client.get, where)
            found.append((time.perf_counter() - started) * 1000)
            cpu.append((time.process_time() - used) * 1000)
            assert answer.status_code == 200, answer.status_code
    small, big = (sorted(found) for found in times)
    details = {
        "p50": round(median(big), 1),
        "least": round(big[0], 1),
        "cpu_ms": round(median(worked[1]), 1),
        "queries": queries[1],
        "of the small one": queries[0],
    }
    return [
        Result(f"page: {name}, p95", big[int(len(big) * 0.95)], "ms", limit, details=details),
        Result(f"page: {name}, {BIG} tickets against {SMALL}", median(big) / median(small), "×", 1.5),
    ]


def _count(client: Any, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len([query for query in captured if not query["sql"].startswith("SET ")])
