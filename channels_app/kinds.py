"""Kinds are folders: whatever has an `adapter.py` beside this file is a kind. Nothing to register."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound

if TYPE_CHECKING:
    from channels_app.base import Adapter

_FOLDER = Path(__file__).parent


@cache
def kinds() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/adapter.py")))


@cache
def adapter_class(kind: str) -> type[Adapter]:
    """Raises NotFound for a name that is no folder here."""
    if kind not in kinds():
        raise NotFound(_("There is no channel kind “%(kind)s”.") % {"kind": kind})
    module = importlib.import_module(f"channels_app.{kind}.adapter")
    adapter: type[Adapter] = module.Adapter
    return adapter


def kind_choices() -> list[tuple[str, Any]]:
    return [(kind, adapter_class(kind).title) for kind in kinds()]
