"""The open help centres of the demo workspaces: what their documents do not say, so that each answer has one source."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from knowledge.help_centre import services
from knowledge.models import Document
from knowledge.services.articles import write_article
from tenants.accounts.models import User

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class _Article:
    """`file`: its Markdown; `other`: title and file of the same in the other language."""

    category: str
    title: str
    file: str
    other: tuple[str, str] | None = None


_CATEGORIES = {
    "shop": {"gear": ("Снаряжение", "Gear"), "orders": ("Заказы", "Orders")},
    "harbor": {"brewing": ("Приготовление", "Brewing"), "care": ("Уход", "Care")},
}
_ARTICLES = {
    "shop": (
        _Article(
            "gear", "Как выбрать рюкзак", "kak-vybrat-ryukzak", ("How to choose a backpack", "how-to-choose-a-backpack")
        ),
        _Article("gear", "Уход за палаткой", "uhod-za-palatkoy"),
        _Article("orders", "Где посмотреть свои заказы", "gde-posmotret-svoi-zakazy"),
    ),
    "harbor": (
        _Article(
            "brewing",
            "Which grind for which brewer",
            "which-grind-for-which-brewer",
            ("Какой помол выбрать", "kakoy-pomol"),
        ),
        _Article("care", "Cleaning a hand grinder", "cleaning-a-hand-grinder"),
    ),
}


def open_help_centre(slug: str, language: str, chat_id: UUID, owner: User) -> list[Document]:
    """Published articles of the demo workspace that the caller is in; returns their documents."""
    contacts = "+7 4852 00-00-00" if language == "ru" else "hello@harbor.example"
    services.save_help_centre(is_on=True, chat_id=chat_id, contacts=contacts)
    categories = {
        key: services.save_category(name_ru=russian, name_en=english, position=position).id
        for position, (key, (russian, english)) in enumerate(_CATEGORIES[slug].items())
    }
    documents = []
    for position, article in enumerate(_ARTICLES[slug]):
        translation = None
        versions = [(article.title, article.file, language)]
        if article.other:
            versions.append((*article.other, "en" if language == "ru" else "ru"))
        for title, file, code in versions:
            text = (_HERE / slug / "help" / f"{file}.md").read_text(encoding="utf-8")
            document = write_article(title, text, user=owner)
            saved = services.save_article(
                document_id=document.id,
                language=code,
                category_id=categories[article.category],
                translation_id=translation,
                position=position,
            )
            translation = services.publish_article(saved.id, user=owner).id
            documents.append(document)
    return documents
