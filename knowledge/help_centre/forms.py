"""Forms of the admin: what a service refuses is shown at the field that it names."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from knowledge.help_centre import services
from knowledge.help_centre.models import Article, Category
from knowledge.models import Document
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal


class CategoryForm(forms.ModelForm[Category]):
    class Meta:
        model = Category
        fields = ["name_ru", "name_en", "position"]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        try:
            services.check_names(str(self.cleaned_data.get("name_ru", "")), str(self.cleaned_data.get("name_en", "")))
        except AppError as error:
            show_refusal(self, error)
        return data


class ArticleForm(forms.ModelForm[Article]):
    translation = forms.ModelChoiceField(
        queryset=Article.objects.none(),
        label=gettext_lazy("The same in the other language"),
        required=False,
    )
    saved: Article

    class Meta:
        model = Article
        fields = ["document", "language", "category", "slug", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        article = self.instance
        others = Article.objects.exclude(document__state=Document.State.DELETING).exclude(id=article.pk)
        self._choices("translation").queryset = others.select_related("document")
        self.fields["slug"].required = False
        if article.pk:
            self.initial["translation"] = others.filter(pair=article.pair).first()
        else:
            unused = Document.objects.filter(origin=Document.Origin.ARTICLE, article=None)
            self._choices("document").queryset = unused.exclude(state=Document.State.DELETING)

    def _choices(self, name: str) -> Any:
        return self.fields[name]

    def clean(self) -> dict[str, Any] | None:
        """Saved here, because what is wrong must come back with the form."""
        data = super().clean()
        if self.errors:
            return data
        given = self.cleaned_data
        category, translation = given.get("category"), given.get("translation")
        try:
            self.saved = services.save_article(
                self.instance.pk,
                document_id=self.instance.document_id if self.instance.pk else given["document"].id,
                language=given["language"],
                category_id=category.id if category else None,
                translation_id=translation.id if translation else None,
                slug=given.get("slug") or "",
                position=given.get("position") or 0,
            )
        except AppError as error:
            show_refusal(self, error)
        return data

    def _post_clean(self) -> None:
        """The service has checked and written; Django would look for the row's slug among the others again."""
