"""Conversations of the demo workspaces, so that the inbox shows what work in it looks like. What a talk says stands in the demo
documents, or is a person's word; the assistant has written none of it."""

from dataclasses import dataclass, field

from omnisupport.demo import talks_harbor, talks_shop
from omnisupport.demo.talk import Talk

TALKS: dict[str, tuple[Talk, ...]] = {"shop": talks_shop.TALKS, "harbor": talks_harbor.TALKS}


@dataclass(frozen=True)
class Reply:
    """A macro: its text in the workspace's language, and what it does besides."""

    name: str
    text: str
    actions: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Around:
    """What stands around the conversations: a company and the domain of its people, an incident, a shared view."""

    company: str
    domain: str
    company_notes: str
    incident: str
    view: str
    view_tag: str


AROUND = {
    "shop": Around("Турклуб «Азимут»", "azimut.example", "Счёт с отсрочкой пять дней, закрывающие документы через ЭДО.",
                   "Пункт выдачи на Лесной закрыт до понедельника", "Гарантия и возвраты", "возврат"),
    "harbor": Around("Tide Café", "tidecafe.example", "Pays by invoice within 14 days.",
                     "Parcels to Cornwall are late", "Open returns", "returns"),
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
