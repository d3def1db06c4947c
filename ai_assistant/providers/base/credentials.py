"""The form of a provider's credentials: a pydantic model whose secret fields are `Secret`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError

from omnisupport.lib.complaints import first_complaint
from omnisupport.lib.errors import InvalidInput


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _check_header(value: str) -> str:
    # It goes into a header: a Cyrillic letter or a line break of a careless copy would fail deep inside the client.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(_("This has letters or spaces that a key cannot have. Copy it once more."))
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    _check_header(value.get_secret_value())
    return value


Text = Annotated[str, BeforeValidator(_strip), AfterValidator(_check_header)]
Secret = Annotated[SecretStr, BeforeValidator(_strip), AfterValidator(_check_secret)]


class ProviderCredentials(BaseModel):
    """Every value is a string; a blank one counts as not given. Titles and descriptions are source strings for gettext."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Credentials = TypeVar("Credentials", bound=ProviderCredentials)


@dataclass(frozen=True)
class CredentialField:
    """A field of the settings form. `choices` empty: free text. A secret is write-only: never show its value."""

    name: str
    title: str
    help: str
    secret: bool
    required: bool
    choices: tuple[str, ...] = ()


def given_values(model: type[ProviderCredentials], values: Mapping[str, str]) -> dict[str, str]:
    """The fields of this model that are not blank."""
    return {name: values[name] for name in model.model_fields if str(values.get(name) or "").strip()}


def parse_credentials(model: type[Credentials], values: Mapping[str, str]) -> Credentials:
    """Raises InvalidInput with the field and what to do."""
    try:
        return model(**given_values(model, values))
    except ValidationError as error:
        name, reason = first_complaint(error)
        title = _(model.model_fields[name].title or name) if name else ""
        if name and not str(values.get(name) or "").strip():
            raise InvalidInput(
                _("Fill in “%(field)s”.") % {"field": title}, code="bad_credentials", field=name
            ) from None
        message = _("“%(field)s”: %(reason)s") % {"field": title, "reason": reason} if title else reason
        raise InvalidInput(message, code="bad_credentials", field=name) from None


def describe_fields(model: type[ProviderCredentials]) -> tuple[CredentialField, ...]:
    """What a form needs, in the reader's language."""
    return tuple(
        CredentialField(
            name=name,
            title=_(info.title or name),
            help=_(info.description) if info.description else "",
            secret=info.annotation is SecretStr,
            required=info.is_required(),
            choices=tuple(str(choice) for choice in _choices(info.annotation)),
        )
        for name, info in model.model_fields.items()
    )


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()
