from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from knowledge.models import Source
from knowledge.search import MAX_QUERY
from knowledge.services.articles import MAX_CHARACTERS

_ACCEPTED = ".pdf,.docx,.xlsx,.pptx,.csv,.tsv,.html,.htm,.txt,.md,.markdown"


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """Several files in one field; the value is a list."""

    widget = _FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(_FilesField, self).clean(upload, initial) for upload in given]


class AddForm(forms.Form):
    uploads = _FilesField(
        label=gettext_lazy("Files"),
        required=False,
        allow_empty_file=True,
        widget=_FilesInput(attrs={"accept": _ACCEPTED}),
    )
    url = forms.CharField(
        label=gettext_lazy("or the address of a page"), required=False, widget=forms.URLInput(attrs={"size": 70})
    )
    title = forms.CharField(
        label=gettext_lazy("Title"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("For one document. Empty: the title that the document has itself."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["uploads"].help_text = _(
            "PDF, DOCX, XLSX, PPTX, CSV, HTML, TXT or Markdown, up to %(limit)s MB each. Several files may be chosen at once."
        ) % {"limit": settings.MAX_UPLOAD_BYTES // 1024 // 1024}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not data.get("uploads") and not data.get("url"):
            raise forms.ValidationError(_("Choose a file or give an address."))
        return data

    def title_of_one(self) -> str:
        one = len(self.cleaned_data["uploads"]) + bool(self.cleaned_data["url"]) == 1
        return str(self.cleaned_data["title"]) if one else ""


class ArticleForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=300, widget=forms.TextInput(attrs={"size": 70}))
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 24, "cols": 90}),
        help_text=gettext_lazy("Markdown: # heading, - item, **bold**, | table |."),
    )


class SourceForm(forms.ModelForm[Source]):
    url = forms.URLField(
        label=gettext_lazy("address"),
        max_length=2000,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"size": 70}),
        help_text=gettext_lazy(
            "Of the first page, or of the sitemap. Only pages of the same host are read, if robots.txt allows."
        ),
    )

    class Meta:
        model = Source
        fields = ["url", "max_pages", "max_depth"]
        help_texts = {
            "max_depth": gettext_lazy("How many links away from the first page. A sitemap names its pages itself."),
        }

    def _get_validation_exclusions(self) -> set[str]:
        # An address that is known is read again: no mistake.
        return {*super()._get_validation_exclusions(), "url"}  # type: ignore[misc]


class ReplaceForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("New file"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": _ACCEPTED}),
        help_text=gettext_lazy("The old version stays in the search until the new one is indexed."),
    )


class SearchForm(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Question"),
        max_length=MAX_QUERY,
        widget=forms.TextInput(attrs={"size": 80, "type": "search"}),
    )
