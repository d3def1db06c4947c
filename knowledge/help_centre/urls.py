from django.urls import path, register_converter

from knowledge.help_centre import views, views_vote
from knowledge.help_centre.models import Language


class _LanguageConverter:
    regex = "|".join(Language.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class _ColourConverter(_LanguageConverter):
    regex = "[0-9a-f]{6}"


register_converter(_LanguageConverter, "language")
register_converter(_ColourConverter, "colour")

app_name = "help_centre"
urlpatterns = [
    path("", views.start, name="start"),
    path("look-<colour:accent>.css", views.look, name="look"),
    path("<language:language>/", views.home, name="home"),
    path("<language:language>/search/", views.search, name="search"),
    path("<language:language>/categories/<slug:slug>/", views.category, name="category"),
    path("<language:language>/articles/<slug:slug>/", views.article, name="article"),
    path("<language:language>/articles/<slug:slug>/vote/", views_vote.vote, name="vote"),
]
