"""Addresses and names in the language of the page."""

from collections.abc import Mapping

from django import template

from knowledge.help_centre.models import Article, Category
from knowledge.help_centre.queries import article_path

register = template.Library()


@register.filter
def path_in(article: Article, language: str) -> str:
    return article_path(article, language)


@register.filter
def name_in(category: Category, language: str) -> str:
    return category.name_in(language)


@register.filter
def of(paths: Mapping[str, str], language: str) -> str:
    return paths[language]
