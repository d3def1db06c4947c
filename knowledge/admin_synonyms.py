"""Synonyms of a workspace in its admin: a line a group."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from knowledge.models import Synonyms
from knowledge.services import synonyms
from omnisupport.lib.errors import InvalidInput
from tenants.admin_sites import tenant_admin


class SynonymsForm(forms.ModelForm[Synonyms]):
    phrases = forms.CharField(
        label=gettext_lazy("Words that mean the same"),
        widget=forms.TextInput(attrs={"size": 80}),
        help_text=gettext_lazy("Parted by “=”, for example: TC = transport company."),
    )

    class Meta:
        model = Synonyms
        fields = ["phrases"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["phrases"] = str(self.instance)

    def clean_phrases(self) -> list[str]:
        phrases = str(self.cleaned_data["phrases"]).split(synonyms.SEPARATOR)
        try:
            return synonyms.checked_phrases(phrases, is_new=self.instance.pk is None)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Synonyms, site=tenant_admin)
class SynonymsAdmin(admin.ModelAdmin[Synonyms]):
    form = SynonymsForm
    list_display = ["__str__", "created_at"]
    list_per_page = 100
    ordering = ["id"]

    def save_model(self, request: HttpRequest, obj: Synonyms, form: Any, change: bool) -> None:
        obj.pk = synonyms.save_synonyms(obj.phrases, obj.pk).pk
