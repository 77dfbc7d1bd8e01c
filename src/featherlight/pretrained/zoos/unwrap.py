"""The state dict inside a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from featherlight.errors import must_be

# What training loops put a state dict into, and what wrappers of modules put before its names.
_KEYS = ("state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")


def unwrap(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, under the names they had before anything was wrapped around their module.

    Raises BadInput where what is inside holds anything but tensors by name.
    """
    if not isinstance(checkpoint, Mapping):
        raise must_be("state dict", "a mapping from names to tensors", type(checkpoint).__name__)
    tensors = dict(next((checkpoint[key] for key in _KEYS if isinstance(checkpoint.get(key), Mapping)), checkpoint))
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise must_be(f"state dict[{name!r}]", "a tensor under a name", type(tensor).__name__)
    while prefix := next((prefix for prefix in _PREFIXES if _all_begin_with(prefix, tensors)), ""):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _all_begin_with(prefix: str, names: Mapping[str, Tensor]) -> bool:
    return bool(names) and all(name.startswith(prefix) for name in names)
