"""A set of questions, one JSON object a line."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class CaseError(ValueError):
    """`str` names the line and what is wrong with it."""


class Case(BaseModel):
    """`expected_sources`: titles, addresses or ids of documents, any of which answers. `expected_answer`: what must be said.

    `answerable` False: a person has to be called. Other fields of a set are left alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = Field(min_length=1, max_length=4000)
    expected_sources: tuple[str, ...] = ()
    expected_answer: str = ""
    answerable: bool = True
    language: str = Field(default="", pattern="^(ru|en)?$")

    @field_validator("question", "expected_answer", mode="after")
    @classmethod
    def strip(cls, text: str) -> str:
        return text.strip()


def read_cases(text: str) -> list[Case]:
    """Raises CaseError for a line that is no question, and for a set without any."""
    cases = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if line.strip():
            try:
                cases.append(Case.model_validate_json(line))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(map(str, first["loc"])) or "JSON"
                raise CaseError(f"line {number}: {place}: {first['msg']}") from None
    if not cases:
        raise CaseError("The set has no questions.")
    return cases
