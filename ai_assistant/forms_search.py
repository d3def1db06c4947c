"""The form of the search: by meaning or not, and who puts what is found in order."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ai_assistant.models import Assistant
from ai_assistant.providers import embedding_choices, is_verbatim, light_model


class SearchForm(forms.Form):
    embedding_provider = forms.ChoiceField(
        label=_("Search by meaning"),
        choices=lambda: [("", _("off: words alone")), *embedding_choices()],
        required=False,
        help_text=_(
            "A model also finds passages that say the same in other words. That of this server keeps everything here; with "
            "another, all documents and every question, without personal data, go to its provider."
        ),
    )
    embedding_price = forms.DecimalField(
        label=_("Price of 1,000 tokens of its vectors, ₽"),
        max_digits=8,
        decimal_places=4,
        min_value=0,
        required=False,
        help_text=_("Empty: as the installation has it."),
    )
    reranks = forms.BooleanField(
        label=_("A model puts the found passages in order"),
        required=False,
        help_text=_("One more call of the assistant's provider before each answer, of a second and a half at most."),
    )
    rerank_model = forms.CharField(
        label=_("Model for the order"),
        max_length=100,
        required=False,
        help_text=_("A light one of the same provider. Empty: the one that answers."),
    )
    rerank_price = forms.DecimalField(
        label=_("Price of 1,000 tokens of the order, ₽"),
        max_digits=8,
        decimal_places=4,
        min_value=0,
        required=False,
        help_text=_("Empty: as for the model that answers."),
    )

    def __init__(self, assistant: Assistant, provider: str, price: Any, data: Any = None) -> None:
        initial = {
            "embedding_provider": provider, "embedding_price": price, "reranks": assistant.reranks,
            "rerank_model": assistant.rerank_model, "rerank_price": assistant.rerank_price,
        }  # fmt: skip
        super().__init__(data, initial=initial)
        self.fields["rerank_model"].widget.attrs["placeholder"] = light_model(assistant.provider)
        if is_verbatim(assistant.provider):
            del self.fields["rerank_model"], self.fields["rerank_price"]
            self.fields["reranks"].disabled = True
            self.fields["reranks"].help_text = _("The assistant quotes documents and has no model that could do it.")
