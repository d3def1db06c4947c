"""A large inbox, written by COPY: contacts, tickets, messages as a Russian shop's support has them. Always the same rows.

Words are as uneven as in life: «заказ» is in every fifth message, a product's name in one of some hundreds, an order's number
in a few. Messages of tickets that live at the same time interleave, as their ids do in life.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.apps import apps
from psycopg import sql

from tickets.words import make_vector

NAMESPACE = UUID("6f1d4f0e-8f5c-4f3e-9d0a-3a6f1f0d2b11")
BEGIN = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = 880
MESSAGES_PER_TICKET = 5
LONG_THREAD = 500
# So many tickets are under way at a time.
_TOGETHER = 40

_FIRST = [
    "Анна",
    "Мария",
    "Елена",
    "Ольга",
    "Наталья",
    "Ирина",
    "Светлана",
    "Марина",
    "Александр",
    "Сергей",
    "Дмитрий",
    "Алексей",
    "Андрей",
    "Иван",
    "Пётр",
    "Михаил",
]
_LAST = [
    "Иванов",
    "Смирнов",
    "Кузнецов",
    "Попов",
    "Васильев",
    "Петров",
    "Соколов",
    "Лебедев",
    "Козлов",
    "Новиков",
    "Морозов",
    "Волков",
    "Зайцев",
    "Орлов",
]
_CITIES = [
    "Москве",
    "Казани",
    "Самаре",
    "Перми",
    "Уфе",
    "Омске",
    "Томске",
    "Туле",
    "Калуге",
    "Твери",
    "Рязани",
    "Саратове",
    "Воронеже",
    "Красноярске",
]
_THINGS = [
    "кроссовки",
    "куртку",
    "рюкзак",
    "чайник",
    "наушники",
    "телефон",
    "ноутбук",
    "кресло",
    "пылесос",
    "лампу",
    "велосипед",
    "палатку",
    "термос",
    "зонт",
    "часы",
    "перчатки",
    "свитер",
    "пальто",
    "шарф",
    "клавиатуру",
    "монитор",
    "колонку",
    "утюг",
    "фен",
    "миксер",
    "сковороду",
    "одеяло",
    "подушку",
]
_CUSTOMER = (
    "Здравствуйте! Где мой заказ {order}? Обещали доставить {day}.",
    "Добрый день, хочу вернуть {thing} {model}, не подошёл размер.",
    "Когда приедет курьер? Я в {city}, телефон {phone}.",
    "Деньги за возврат до сих пор не пришли, прошло {number} дней.",
    "Подскажите, есть ли {thing} {model} в магазине в {city}?",
    "Мне привезли не тот товар. Заказывал {thing}, а в коробке другое.",
    "Можно изменить адрес доставки заказа {order}?",
    "Промокод {code} не работает, пишет ошибку.",
    "Моя почта {email}, пришлите чек ещё раз, пожалуйста.",
    "Оплата прошла дважды, списали {number} рублей.",
    "Hello, my order {order} has not arrived yet, please help.",
    "{thing} {model} сломался через неделю, что с гарантией?",
    "Спасибо большое, всё получила!",
    "А можно побыстрее? Уже третий день жду ответа.",
    "Не могу войти в личный кабинет, код не приходит на {phone}.",
)
_AGENT = (
    "Здравствуйте! Проверяю заказ {order}, одну минуту.",
    "Посылка уже в {city}, курьер позвонит вам завтра.",
    "Возврат оформлен, деньги придут в течение {number} дней.",
    "Пришлите, пожалуйста, фотографию товара и номер заказа.",
    "Мы отправили чек на {email}.",
    "К сожалению, {thing} {model} закончились, но можно заказать со склада.",
    "Адрес изменили. Доставка {day}.",
    "Извините за задержку! Передала вопрос в службу доставки.",
    "Промокод {code} действует до конца месяца, попробуйте ещё раз.",
)
_DAYS = ("завтра", "в понедельник", "во вторник", "в среду", "в пятницу", "на выходных", "через неделю")
_SYLLABLES = [
    "ка",
    "ро",
    "ми",
    "ла",
    "то",
    "не",
    "ва",
    "си",
    "до",
    "ру",
    "бе",
    "ни",
    "га",
    "ло",
    "ме",
    "ра",
    "ти",
    "со",
    "ву",
    "ле",
]


@dataclass(frozen=True)
class Filled:
    tickets: int
    messages: int
    long_number: int


def fill(schema: str, tickets: int, cursor: Any) -> Filled:
    """Into an empty workspace with a channel and people. The caller commits; foreign keys are not checked on the way."""
    cursor.execute("SELECT id FROM channels_app_channel ORDER BY name")
    channels = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT id FROM accounts_user WHERE role <> 'owner' ORDER BY email")
    people = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT id FROM tickets_team ORDER BY id")
    teams = [row[0] for row in cursor.fetchall()]
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL session_replication_role = replica")
    plan = _Plan(random.Random(7), tickets, channels, people, teams)
    _copy(cursor, schema, "tickets_contact", _CONTACT, plan.contacts())
    _copy(cursor, schema, "tickets_contactaddress", _ADDRESS, plan.addresses())
    _copy(cursor, schema, "tickets_message", _MESSAGE, plan.messages())
    _copy(cursor, schema, "tickets_ticket", _TICKET, plan.rows())
    _copy(cursor, schema, "events_event", _EVENT, plan.events())
    index(schema, cursor)
    cursor.execute("SET LOCAL session_replication_role = origin")
    for table in ("tickets_contactaddress", "tickets_message", "tickets_ticket", "events_event"):
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{schema}.{table}', 'id'), max(id)) FROM {table}")
    cursor.execute(
        "INSERT INTO tickets_ticketnumber (id, last) VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET last = excluded.last",
        [tickets],
    )
    return Filled(tickets, plan.count, tickets)


def index(schema: str, cursor: Any) -> None:
    """What the search finds them by: as tickets.services.indexing would write it, but by COPY and with the index built last."""
    cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND indexname = 'search_words'", [schema])
    (definition,) = cursor.fetchone()
    cursor.execute(f"DROP INDEX {schema}.search_words")
    cursor.execute("SELECT max(id) FROM tickets_message")
    for start in range(0, cursor.fetchone()[0], 20_000):
        cursor.execute(_TEXTS, [start, start + 20_000])
        rows = ((number, ticket, make_vector(text, head)) for number, ticket, text, head in cursor.fetchall())
        _copy(cursor, schema, "tickets_messagesearch", ("message_id", "ticket_id", "words"), rows)
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    cursor.execute(definition)


_TEXTS = """
SELECT m.id, m.ticket_id, m.text, CASE WHEN m.created_at = t.created_at
    THEN concat_ws(' · ', t.number, t.subject, c.name, c.email, c.phone, a.address) ELSE '' END
FROM tickets_message m JOIN tickets_ticket t ON t.id = m.ticket_id JOIN tickets_contact c ON c.id = t.contact_id
JOIN tickets_contactaddress a ON a.id = t.address_id WHERE m.id > %s AND m.id <= %s
"""
_CONTACT = (
    "id", "name", "email", "phone", "language", "attributes", "is_blocked", "created_at",
)  # fmt: skip
_ADDRESS = (
    "id", "contact_id", "channel_id", "address", "alias", "details", "unreachable_reason", "read_up_to", "created_at",
)  # fmt: skip
_TICKET = (
    "id", "number", "contact_id", "address_id", "channel_id", "subject", "thread", "status", "priority", "assignee_id",
    "team_id", "created_at", "last_activity_at", "last_message_id", "waiting_since", "first_reply_at", "solved_at",
    "reopened_count", "handoff_reason", "assistant_replied", "human_replied",
)  # fmt: skip
_MESSAGE = (
    "id", "ticket_id", "address_id", "client_id", "external_id", "kind", "author", "user_id", "text", "content",
    "created_at", "sent_at", "delivery", "delivery_error", "attempts",
)  # fmt: skip
_EVENT = ("id", "seq", "type", "ticket_id", "payload", "created_at", "dispatched_at", "attempts")


def _copy(cursor: Any, schema: str, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """No value has a tab, a line end or a backslash in it. Columns that are not named get their defaults."""
    others = _defaults(table, columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, (*columns, *others)))
    )
    ending = "".join(f"\t{value}" for value in others.values())
    with cursor.copy(statement) as copy:
        lines: list[str] = []
        for row in rows:
            lines.append("\t".join(["\\N" if value is None else str(value) for value in row]) + ending)
            if len(lines) == 2000:
                copy.write("\n".join(lines) + "\n")
                lines.clear()
        if lines:
            copy.write("\n".join(lines) + "\n")


def _defaults(table: str, named: tuple[str, ...]) -> dict[str, Any]:
    model = next(model for model in apps.get_models() if model._meta.db_table == table)
    others = [field for field in model._meta.concrete_fields if field.column not in named and not field.primary_key]
    values = {field.column: field.get_default() for field in others if field.column and not field.null}
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in values.items()}


class _Slots(dict[str, Any]):
    """Only what a sentence asks for is thought up."""

    def __init__(self, plan: "_Plan", ticket: int) -> None:
        super().__init__()
        self.plan, self.ticket = plan, ticket

    def __missing__(self, slot: str) -> Any:
        return self.plan.word(slot, self.ticket)


class _Plan:
    def __init__(self, dice: random.Random, tickets: int, channels: list[Any], people: list[Any], teams: list[Any]):
        self.dice, self.tickets, self.channels, self.people, self.teams = dice, tickets, channels, people, teams
        self.people_count = max(2, tickets * 2 // 5)
        self.contact = [uuid5(NAMESPACE, f"contact-{index}") for index in range(self.people_count)]
        self.live_from = tickets - tickets * 15 // 100
        self.step = timedelta(days=DAYS) / tickets
        self.models = ["".join(dice.choices(_SYLLABLES, k=3)).title() for _ in range(8000)]
        self.count = 0
        self.last: dict[int, tuple[int, datetime]] = {}

    def contacts(self) -> Iterator[tuple[Any, ...]]:
        for index in range(self.people_count):
            name = f"{self.dice.choice(_FIRST)} {self.dice.choice(_LAST)}"
            email = f"client{index}@mail{index % 40}.example" if index % 2 else ""
            yield (
                self.contact[index], name, email, f"+79{index + 10**8:09}" if index % 3 else "", "ru", "{}", "f", BEGIN,
            )  # fmt: skip

    def addresses(self) -> Iterator[tuple[Any, ...]]:
        for index in range(self.people_count):
            channel = self.channels[index % len(self.channels)]
            yield index + 1, self.contact[index], channel, f"visitor-{index}", "", "{}", "", 0, BEGIN

    def status(self, ticket: int) -> str:
        """Ticket ids begin at 1; the newest 15 % live."""
        if ticket <= self.live_from:
            return "closed"
        if ticket == self.tickets:
            return "open"
        return ("open", "waiting", "open", "solved", "open", "waiting", "open", "solved", "solved", "waiting")[
            ticket % 10
        ]

    def person(self, ticket: int) -> Any:
        return None if ticket % 5 == 0 else self.people[ticket % len(self.people)]

    def messages(self) -> Iterator[tuple[Any, ...]]:
        for first in range(1, self.tickets + 1, _TOGETHER):
            together = range(first, min(first + _TOGETHER, self.tickets + 1))
            for turn in range(MESSAGES_PER_TICKET):
                for ticket in together:
                    yield self.message(ticket, turn)
        for turn in range(MESSAGES_PER_TICKET, LONG_THREAD):
            yield self.message(self.tickets, turn)

    def message(self, ticket: int, turn: int) -> tuple[Any, ...]:
        self.count += 1
        number, ours = self.count, turn % 2 == 1
        at = BEGIN + self.step * ticket + timedelta(minutes=7 * turn)
        text = self.dice.choice(_AGENT if ours else _CUSTOMER).format_map(_Slots(self, ticket))
        self.last[ticket] = (number, at)
        return (
            number, ticket, (ticket - 1) % self.people_count + 1, UUID(int=number), "" if ours else f"e{number}", "public",
            "agent" if ours else "contact", self.person(ticket) if ours else None, text, "{}", at, at,
            "delivered" if ours else "none", "", 0,
        )  # fmt: skip

    def word(self, slot: str, ticket: int) -> Any:
        dice = self.dice
        match slot:
            case "order":
                return f"ORD-{100000 + ticket}"
            case "day":
                return dice.choice(_DAYS)
            case "thing":
                return dice.choice(_THINGS)
            case "model":
                # Some models sell a thousand times better than others.
                return self.models[int(8000 * dice.random() ** 3)]
            case "city":
                return dice.choice(_CITIES)
            case "phone":
                return f"+7 9{ticket % 90 + 10} {ticket % 900 + 100}-{ticket % 97 + 1:02}-{ticket % 89 + 1:02}"
            case "code":
                return f"SALE{dice.randrange(10, 99)}"
            case "email":
                return f"client{ticket % self.people_count}@mail{ticket % 40}.example"
        return dice.randrange(2, 30000)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for ticket in range(1, self.tickets + 1):
            index = (ticket - 1) % self.people_count
            status, (last, at) = self.status(ticket), self.last[ticket]
            begun = BEGIN + self.step * ticket
            solved = at if status in {"solved", "closed"} else None
            yield (
                ticket, ticket, self.contact[index], index + 1, self.channels[index % len(self.channels)],
                f"Обращение по заказу ORD-{100000 + ticket}", "", status, 4 if ticket % 50 == 0 else 2, self.person(ticket),
                self.teams[ticket % len(self.teams)] if ticket % 3 else None, begun, at, last,
                at if status == "open" else None, begun + timedelta(minutes=7), solved, 0, "", "f", "t",
            )  # fmt: skip

    def events(self) -> Iterator[tuple[Any, ...]]:
        payload = json.dumps({"from": "open", "to": "solved"})
        for ticket in range(1, self.tickets + 1):
            at = self.last[ticket][1]
            yield ticket, ticket, "ticket.status_changed", ticket, payload, at, at, 0
