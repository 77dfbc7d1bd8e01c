"""Featherlight: light-weight convolutional networks, chosen by the clock.

The public names below are imported on first use, so that `import featherlight` loads neither torch nor an engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from featherlight.models import list_models as list_models

__version__ = "0.1.0"

_HOME = {
    "list_models": "featherlight.models",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'featherlight' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
