"""Searching by meaning: which model makes the vectors of a workspace, with whose keys, and what that costs."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ai_assistant.models import Assistant, EmbeddingModel
from ai_assistant.providers import (
    credential_fields,
    embedding_choices,
    given_credentials,
    installation_credentials,
    load_embedder,
)
from ai_assistant.providers.base import CallContext, ContextTooLong, EmbeddingProvider, EmbeddingResult, estimate_tokens
from ai_assistant.services.assistants import ensure_assistant, price_of
from ai_assistant.services.budget import check_budget, spend
from knowledge import index
from knowledge.embeddings import Embedded
from knowledge.models import Space
from knowledge.services.spaces import choose_space, coming_space, live_documents, live_space, missing_documents
from omnisupport.lib.errors import AppError, InvalidInput
from omnisupport.lib.masking import without_personal_data
from tenants.names import current_schema

# What is chosen here, whosever keys are used.
CHOICES = ("embedding_model", "embedding_dim")
_CHARACTERS_A_TOKEN = 3
# A text that is still too long then is refused for another reason.
_SHORTEST = 200
# A question has no time to lose; a document's batch may wait for its place like any other call.
_LEAST_SECONDS = {"query": 0.2, "doc": 6.0}
_CHECK_SECONDS = 12.0


@dataclass(frozen=True)
class WorkspaceEmbedder:
    """knowledge.embeddings.Embedder over a provider: within the budget, paid for, and without personal data in questions."""

    model: EmbeddingModel
    provider: EmbeddingProvider
    assistant: Assistant

    @property
    def title(self) -> str:
        return self.model.title

    @property
    def share(self) -> float:
        return self.provider.space.share

    def embed(self, texts: Sequence[str], kind: Literal["doc", "query"], seconds: float) -> Embedded:
        """Raises LLMError."""
        if not self.provider.space.is_local:
            check_budget(self.assistant)
            texts = [without_personal_data(text) or " " for text in texts] if kind == "query" else texts
        context = CallContext.within(
            seconds, purpose=f"embed_{kind}", tenant=current_schema(), least_seconds=_LEAST_SECONDS[kind]
        )
        most = self.provider.space.max_tokens * _CHARACTERS_A_TOKEN
        made = _made(self.provider, [text[:most] for text in texts], kind, context)
        if self.provider.space.is_local:
            return Embedded(made.vectors, 0, 0.0)
        tokens = made.tokens or sum(map(estimate_tokens, texts))
        price = price_of(f"{self.model.provider}/embeddings", self.model.price)
        cost = None if price is None else price * tokens / 1000
        spend(self.assistant, tokens, cost)
        return Embedded(made.vectors, tokens, None if cost is None else float(cost))


def _made(
    provider: EmbeddingProvider, texts: Sequence[str], kind: Literal["doc", "query"], context: CallContext
) -> EmbeddingResult:
    """What turns out to be too long is asked for by itself, and without its end."""
    try:
        return provider.embed(texts, kind, context)
    except ContextTooLong:
        if len(texts) == 1 and len(texts[0]) < 2 * _SHORTEST:
            raise
    shorter = [texts[0][: len(texts[0]) // 2]] if len(texts) == 1 else texts
    made = [_made(provider, [text], kind, context) for text in shorter]
    return EmbeddingResult([vector for one in made for vector in one.vectors], sum(one.tokens for one in made))


def find_embedder(space: str) -> WorkspaceEmbedder | None:
    """For knowledge.embeddings."""
    model = EmbeddingModel.objects.filter(space=space).first()
    if model is None:
        return None
    assistant = ensure_assistant()
    try:
        return WorkspaceEmbedder(model, _provider(model, assistant), assistant)
    except AppError:  # the keys it relied on are gone, or the provider is
        return None


@dataclass(frozen=True)
class Progress:
    """Of the space that is to come, else of the one that is searched. `name` empty: words alone."""

    name: str
    done: int
    total: int
    error: str
    is_moving: bool
    is_given_up: bool


def progress_of_search() -> Progress:
    coming, total = coming_space(), live_documents().count()
    space = coming or live_space()
    model = EmbeddingModel.objects.filter(space=space.name).first()
    name = model.title if model else (_("words alone") if coming else "")
    done = total - missing_documents(space).count()
    is_given_up = bool(space.error) and space.due_at is None
    return Progress(name, done, total, space.error, coming is not None, is_given_up)


# ---- Choosing --------------------------------------------------------------------------------------------------------


def chosen_model() -> EmbeddingModel | None:
    """What the admin chose last, searched already or to come."""
    space = coming_space() or live_space()
    return EmbeddingModel.objects.filter(space=space.name).first()


@transaction.atomic
def choose_embeddings(provider: str, credentials: Mapping[str, str], price: Decimal | None = None) -> Space:
    """The search moves there once every document has its vectors; "" goes back to words alone.

    Blank secrets keep what is stored. Raises InvalidInput with the field, NotFound.
    """
    if not provider:
        forget_unused_models()
        return choose_space(index.WORDS)
    if provider not in dict(embedding_choices()):
        raise InvalidInput(_("Choose one of the list."), field="embedding_provider")
    assistant, stored = ensure_assistant(), chosen_model()
    model = EmbeddingModel(provider=provider, price=price)
    kept = stored.credentials if stored and stored.provider == provider else {}
    model.credentials = _merged(provider, kept, credentials)
    if assistant.monthly_limit is not None and price_of(f"{provider}/embeddings", price) is None:
        raise InvalidInput(_("A budget needs the price of each model."), code="no_price", field="embedding_price")
    embedder = _provider(model, assistant)
    model.space = _space_name(embedder, model.credentials)
    fields = {"title": embedder.space.title, "provider": provider, "credentials": model.credentials, "price": price}
    EmbeddingModel.objects.update_or_create(space=model.space, defaults=fields)
    space = choose_space(model.space, embedder.space.dim)
    forget_unused_models()
    return space


def _merged(provider: str, kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A stored secret must not travel to another address: where anything but secrets and choices changes, it is given again."""
    places = [field.name for field in credential_fields(provider) if not field.secret and field.name not in CHOICES]
    if any(given.get(name, "") != kept.get(name, "") for name in places if name != "model"):
        kept = {}
    return {**kept, **{name: value for name, value in given.items() if value}}


def _provider(model: EmbeddingModel, assistant: Assistant) -> EmbeddingProvider:
    """With its own keys; else with the assistant's, where it has the same provider; else the installation's.

    Raises InvalidInput.
    """
    own = given_credentials(model.provider, model.credentials)
    chosen = {name: own[name] for name in CHOICES if name in own}
    if own == chosen:
        same = assistant.credentials if assistant.provider == model.provider else {}
        theirs = given_credentials(model.provider, same) or installation_credentials(model.provider, settings)
        own = {**theirs, **chosen}
    if "embedding_model" in own:
        # A server may make nothing but vectors; its form asks for a model all the same.
        own.setdefault("model", own["embedding_model"])
    return load_embedder(model.provider, own, settings)


def _space_name(embedder: EmbeddingProvider, credentials: Mapping[str, str]) -> str:
    """Vectors of another server's model of the same name are others."""
    space = embedder.space
    whole = f"{space.key}|{credentials.get('base_url', '')}"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9]+", "-", f"{space.provider}-{space.model}".lower())[:30].strip("-")
    return f"{index.WORDS}-{readable}-{space.dim}-{digest}"


def forget_unused_models() -> None:
    """Keys of models in whose space nothing is searched or prepared any longer."""
    names = Space.objects.values_list("name", flat=True)
    EmbeddingModel.objects.exclude(space__in=names).delete()


def test_embeddings() -> tuple[bool, str]:
    """One real call with what is stored: whether it works, and a sentence. What it costs counts."""
    model = chosen_model()
    if model is None:
        return False, _("No model is chosen: words alone are searched.")
    title = dict(embedding_choices()).get(model.provider, model.provider)
    try:
        embedder = WorkspaceEmbedder(model, _provider(model, ensure_assistant()), ensure_assistant())
        made: Any = embedder.embed(["ping"], "query", _CHECK_SECONDS)
    except AppError as error:
        return False, f"{title}: {error}"
    told = _("%(model)s makes vectors of %(n)s dimensions.")
    return True, told % {"model": embedder.title, "n": len(made.vectors[0])}


test_embeddings.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test
