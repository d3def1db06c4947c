"""The assistant's settings form; the fields of its provider come from the provider itself."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ai_assistant.models import Answer, Assistant, SavedQuestion
from ai_assistant.providers import credential_fields, provider_choices
from knowledge.confidence import RELEVANCE_FLOOR

PREFIX, FALLBACK_PREFIX = "credential_", "credential_fallback_"


class AssistantForm(forms.ModelForm[Assistant]):
    provider = forms.ChoiceField(label=_("Model"), choices=provider_choices)
    fallback_provider = forms.ChoiceField(
        label=_("Second model"),
        choices=lambda: [("", "—"), *provider_choices()],
        required=False,
        help_text=_("Answers where the first one fails."),
    )

    min_confidence = forms.FloatField(
        label=_("How sure the search must be"),
        min_value=0.2,
        max_value=1.0,
        required=False,
        initial=RELEVANCE_FLOOR,
        help_text=_("0 to 1, as the playground shows it. Lower: more answers, and more wrong ones."),
    )

    class Meta:
        model = Assistant
        fields = [
            "is_active", "provider", "persona", "tone", "guidance", "language", "greeting", "min_confidence", "max_turns",
            "cooldown_minutes", "fallback_provider", "monthly_limit", "price", "fallback_price", "holds_back",
        ]  # fmt: skip
        widgets = {
            "persona": forms.Textarea(attrs={"rows": 3}),
            "guidance": forms.Textarea(attrs={"rows": 5}),
            "greeting": forms.Textarea(attrs={"rows": 2}),
        }
        help_texts = {
            "holds_back": _(
                "What is saved here then waits until the test questions are not worse with it than before. Documents are never "
                "held back; they only warn."
            ),
            "persona": _(
                "Persona, tone and rules are told to the model; quotes from documents have no tone of their own."
            ),
            "cooldown_minutes": _(
                "Until then a new conversation of the same customer goes back to that person; after it the assistant takes one "
                "that was solved and begins anew. Empty: new ones come to it at once, solved ones never."
            ),
            "greeting": _(
                "Said to whoever only greets or opens the chat. Empty: a short one in the customer's language."
            ),
            "monthly_limit": _("When it is spent, people answer until the month ends. Empty: no limit."),
            "price": _("Empty: as the installation has it."),
            "fallback_price": _("Empty: as the installation has it."),
        }

    def clean_min_confidence(self) -> float:
        return float(self.cleaned_data["min_confidence"] or RELEVANCE_FLOOR)


class TryForm(forms.ModelForm[Assistant]):
    """Other settings for one question in the playground. Nothing of it is saved."""

    provider = forms.ChoiceField(label=_("Model"), choices=provider_choices)
    min_confidence = forms.FloatField(label=_("How sure the search must be"), min_value=0.2, max_value=1.0)

    class Meta:
        model = Assistant
        fields = ["provider", "tone", "min_confidence", "persona", "guidance"]
        widgets = {"persona": forms.Textarea(attrs={"rows": 2}), "guidance": forms.Textarea(attrs={"rows": 4})}


class CredentialsForm(forms.Form):
    """Secrets are write-only: an empty field keeps what is stored."""

    def __init__(self, provider: str, stored: dict[str, Any], data: Any = None, *, prefix: str = PREFIX) -> None:
        super().__init__(data)
        self._prefix = prefix
        for field in credential_fields(provider) if provider else ():
            name = prefix + field.name
            known = stored.get(field.name, "")
            if field.choices:
                choices = [("", "—"), *((choice, choice) for choice in field.choices)]
                self.fields[name] = forms.ChoiceField(
                    label=field.title, help_text=field.help, choices=choices, required=False, initial=known
                )
                continue
            widget = forms.PasswordInput(attrs={"autocomplete": "off"}) if field.secret else forms.TextInput()
            help_text = _("Stored; leave empty to keep it.") if field.secret and known else field.help
            self.fields[name] = forms.CharField(
                label=field.title,
                help_text=help_text,
                required=False,
                widget=widget,
                initial="" if field.secret else known,
            )

    def values(self) -> dict[str, str]:
        return {name.removeprefix(self._prefix): str(value) for name, value in self.cleaned_data.items()}


class TopicForm(forms.Form):
    name = forms.CharField(label=_("Name of the topic"), max_length=80)
    phrases = forms.CharField(
        label=_("Words and phrases"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line. Each stands for all its forms."),
    )
    answer = forms.CharField(
        label=_("What the customer reads"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Empty: a person is called."),
    )


class CustomAnswerForm(forms.Form):
    questions = forms.CharField(
        label=_("Questions"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The ways in which customers ask it, one a line."),
    )
    text = forms.CharField(label=_("Answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    file = forms.FileField(
        label=_("File"), required=False, help_text=_("Goes with the answer, where the channel takes files.")
    )
    without_file = forms.BooleanField(label=_("Take the file away"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, file_name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if file_name:
            self.fields["file"].help_text = _("Now: %(name)s. Another one takes its place.") % {"name": file_name}
        else:
            del self.fields["without_file"]


class LearnedForm(forms.Form):
    questions = forms.CharField(
        label=_("Questions"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The ways in which customers ask it, one a line; the first is the title of an article."),
    )
    text = forms.CharField(label=_("Answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8}))


class QuestionForm(forms.ModelForm[SavedQuestion]):
    expected_sources = forms.CharField(
        label=_("Documents that answer it"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Titles or addresses, one a line; any of them will do. Empty: any document."),
    )

    class Meta:
        model = SavedQuestion
        fields = ["question", "answerable", "expected_sources", "expected_answer"]
        widgets = {"question": forms.Textarea(attrs={"rows": 3}), "expected_answer": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "answerable": _("Unticked: a person has to be called."),
            "expected_answer": _("Every number of it and most of its words have to be in the answer."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["expected_sources"] = "\n".join(self.instance.expected_sources)

    def clean_expected_sources(self) -> list[str]:
        return str(self.cleaned_data["expected_sources"]).splitlines()


class WrongForm(forms.ModelForm[Answer]):
    class Meta:
        model = Answer
        fields = ["wrong", "wrong_comment"]
        widgets = {"wrong_comment": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["wrong"].required = True
