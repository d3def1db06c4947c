"""Foreign JSON read part by part: everything is optional, extra fields are left alone and a part of a wrong type counts as
absent. A changed schema must cost us a detail, never the message."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

Model = TypeVar("Model", bound=BaseModel)
# PostgreSQL's bigint.
LARGEST = 2**63 - 1


def load_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in these bytes. Raises ValueError for anything else."""
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {type(value).__name__}")
    return value


def words(value: Any) -> str:
    """The text, or an empty one for anything else. PostgreSQL stores neither NUL nor half of a surrogate pair."""
    return value.replace("\x00", "").encode(errors="replace").decode() if isinstance(value, str) else ""


def number(value: Any) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return value if fits else 0


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read(model: type[Model], value: Any) -> Model | None:
    """The part typed, or None where it is absent or of another shape."""
    try:
        return model.model_validate(value) if isinstance(value, Mapping) else None
    except ValidationError:
        return None


Text = Annotated[str, BeforeValidator(words)]
Number = Annotated[int, BeforeValidator(number)]
Object = Annotated[Mapping[str, Any], BeforeValidator(mapping)]
List = Annotated[list[Any], BeforeValidator(items)]


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)
