"""Fields that a workspace adds to its conversations, contacts and companies. Values lie in their `attributes`, by key."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class FieldTarget(models.TextChoices):
    TICKET = "ticket", _("conversation")
    CONTACT = "contact", _("contact")
    COMPANY = "company", _("company")


class FieldType(models.TextChoices):
    TEXT = "text", _("text")
    NUMBER = "number", _("number")
    DATE = "date", _("date")
    CHECKBOX = "checkbox", _("yes or no")
    CHOICE = "choice", _("one of several")
    LINK = "link", _("link")


class CustomField(models.Model):
    target = models.CharField(_("belongs to"), max_length=8, choices=FieldTarget, default=FieldTarget.TICKET)
    # In `attributes`, in the API and in variables; never changed, for the values lie under it.
    key = models.CharField(
        _("key"),
        max_length=40,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("Small Latin letters, digits and _, a letter first."))],
        help_text=_("Small Latin letters, digits and _. The API and macros know the field by it."),
    )
    label = models.CharField(_("name"), max_length=80)
    type = models.CharField(_("type"), max_length=8, choices=FieldType, default=FieldType.TEXT)
    # Of a choice: what can be chosen.
    options = models.JSONField(_("options"), default=list, blank=True)
    # Of a text: a regular expression that the whole of it has to match.
    pattern = models.CharField(_("pattern"), max_length=200, blank=True)
    hint = models.CharField(_("hint"), max_length=200, blank=True)
    required_to_solve = models.BooleanField(_("needed before solving"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["target", "key"], name="custom_field_key_unique")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.type == FieldType.CHOICE and not self.options:
            raise ValidationError({"options": _("Write what can be chosen, one a line.")})
