"""Conversations of the demo workspaces, so that the inbox shows what work in it looks like. What a talk says stands in the demo
documents, or is a person's word; the assistant has written none of it."""

from dataclasses import dataclass, field
from datetime import timedelta

CUSTOMER = ""


@dataclass(frozen=True)
class Line:
    """`who`: CUSTOMER, or what the e-mail address of a colleague begins with."""

    who: str
    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Talk:
    name: str
    lines: tuple[Line, ...]
    email: str = ""
    phone: str = ""
    assignee: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    priority: int | None = None
    snooze: timedelta | None = None


@dataclass(frozen=True)
class Reply:
    """A macro: its text in the workspace's language, and what it does besides."""

    name: str
    text: str
    actions: dict[str, object] = field(default_factory=dict)


def _says(text: str) -> Line:
    return Line(CUSTOMER, text)


TALKS: dict[str, tuple[Talk, ...]] = {
    "shop": (
        Talk(
            "Глеб", (_says("Здравствуйте! Палатка пришла без колышков. Что делать?"), Line("agent", "Здравствуйте! Простите, "
            "колышки вышлем сегодня. Подтвердите, пожалуйста, адрес."), _says("Адрес тот же, что в заказе 2187."),
            Line("agent", "Отправили, трек-номер придёт в СМС."), _says("Колышки пришли, спасибо!")),
            phone="+7 921 000-14-02", assignee="agent", team="Поддержка", tags=("доставка",), status="solved",
        ),
        Talk(
            "Ольга", (_says("Можно вернуть рюкзак, если я отрезала ярлык?"), Line("agent", "@Тимур Ольхов, ярлык отрезан, "
            "но рюкзак новый. Берём?", is_note=True), Line("second", "Если чек и упаковка есть, берём.", is_note=True)),
            email="olga@customer.example", assignee="agent", team="Возвраты", tags=("возврат",),
        ),
        Talk(
            "Роман", (_says("Нужен счёт на организацию на шесть спальников. Реквизиты пришлю завтра."),
            Line("agent", "Хорошо, ждём реквизиты. Счёт действует 5 рабочих дней.")),
            email="roman@company.example", assignee="agent", team="Поддержка", status="waiting",
        ),
        Talk(
            "Вера", (_says("Молния на спальнике разошлась через месяц. Это гарантия?"), _says("Фото пришлю вечером.")),
            team="Возвраты", tags=("гарантия",), priority=3,
        ),
        Talk(
            "Артём", (_says("Подскажите, когда снова будут газовые горелки?"), Line("agent", "Ждём поставку на следующей "
            "неделе, напишем вам сразу.")), assignee="agent", snooze=timedelta(days=5),
        ),
        Talk("Нина", (_says("Заказ 2214 стоит в пункте выдачи, а меня нет в городе."), _says("Можно продлить хранение?"))),
    ),
    "harbor": (
        Talk(
            "Alex", (_says("My grinder came with a cracked lid."), Line("agent", "Sorry about that! A new lid is on its way, "
            "no need to send the old one back."), _says("It came today, thanks!")),
            email="alex@customer.example", assignee="agent", team="Support", tags=("shipping",), status="solved",
        ),
        Talk(
            "Nadia", (_says("Can I swap the beans in my subscription?"), Line("agent", "@Owen Brook, can we swap after the "
            "roast date is set?", is_note=True), Line("second", "Until the day before roasting, yes.", is_note=True)),
            email="nadia@customer.example", assignee="agent", tags=("subscription",),
        ),
        Talk(
            "Chris", (_says("I would like a refund for the dripper."), Line("agent", "Of course. Is the box still with you?")),
            assignee="agent", team="Repairs", tags=("returns",), status="waiting",
        ),
        Talk("Sam", (_says("The grinder stopped after two weeks."), _says("Order 1187.")), team="Repairs", priority=3),
        Talk(
            "Iris", (_says("When is the Ethiopian coffee back?"), Line("agent", "Next week; I will write to you.")),
            assignee="agent", snooze=timedelta(days=5),
        ),
        Talk("Leo", (_says("Where is my parcel?"), _says("Order 1203, it should have come on Monday."))),
    ),
}  # fmt: skip

REPLIES: dict[str, tuple[Reply, ...]] = {
    "shop": (
        Reply("Спасибо и решено", "{{contact.first_name}}, рады помочь! Если что, пишите сюда же.", {"status": "solved"}),
        Reply("Номер заказа", "{{contact.first_name}}, напишите, пожалуйста, номер заказа: посмотрим, где он.",
              {"status": "waiting", "assignee": "me"}),
    ),
    "harbor": (
        Reply("Thanks and solved", "Glad to help, {{contact.first_name}}! Write here any time.", {"status": "solved"}),
        Reply("Order number", "{{contact.first_name}}, could you send the order number? We will look where it is.",
              {"status": "waiting", "assignee": "me"}),
    ),
}  # fmt: skip
