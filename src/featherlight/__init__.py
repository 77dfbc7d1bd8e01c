"""Featherlight: light-weight convolutional networks, chosen by the clock.

The public names below are imported on first use, so that `import featherlight` loads neither torch nor an engine. No
room is called like one of them: importing the room would put the module in the name's place.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from featherlight.compiling import compile as compile
    from featherlight.explain.comparison import compare as compare
    from featherlight.explain.profiling import profile as profile
    from featherlight.fitting import fit as fit
    from featherlight.predict import evaluate as evaluate
    from featherlight.predict import export as export
    from featherlight.predict.loading import load as load
    from featherlight.pretrained import convert_state_dict as convert_state_dict
    from featherlight.pretrained import create_model as create_model
    from featherlight.pretrained import list_models as list_models
    from featherlight.pretrained import list_weights as list_weights
    from featherlight.pretrained import save as save
    from featherlight.searching.job import search as search
    from featherlight.shrinking.job import shrink as shrink
    from featherlight.training.job import train as train

__version__ = "0.1.0"

_HOME = {
    "compare": "featherlight.explain.comparison",
    "compile": "featherlight.compiling",
    "convert_state_dict": "featherlight.pretrained",
    "create_model": "featherlight.pretrained",
    "evaluate": "featherlight.predict",
    "export": "featherlight.predict",
    "fit": "featherlight.fitting",
    "list_models": "featherlight.pretrained",
    "list_weights": "featherlight.pretrained",
    "load": "featherlight.predict.loading",
    "profile": "featherlight.explain.profiling",
    "save": "featherlight.pretrained",
    "search": "featherlight.searching.job",
    "shrink": "featherlight.shrinking.job",
    "train": "featherlight.training.job",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'featherlight' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
