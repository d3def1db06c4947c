"""Errors of services in forms."""

from django import forms

from omnisupport.lib.errors import AppError


def show_refusal(form: forms.BaseForm, error: AppError, otherwise: str | None = None) -> None:
    """At the field that it names; where the form has none of that name at `otherwise`, or above the whole form."""
    form.add_error(error.field if error.field in form.fields else otherwise, str(error))
