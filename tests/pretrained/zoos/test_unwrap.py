from __future__ import annotations

from typing import Any

import pytest
import torch

from featherlight.errors import BadInput
from featherlight.pretrained.zoos.unwrap import unwrap

WEIGHTS = {"conv.weight": torch.ones(1), "norm.bias": torch.zeros(1)}


def under(prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": tensor for name, tensor in WEIGHTS.items()}


@pytest.mark.parametrize(
    "checkpoint",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": WEIGHTS, "optimizer": {"lr": 0.1}},
        under("module."),
        under("module._orig_mod."),
        {"state_dict": under("_orig_mod.module.")},
    ],
)
def test_what_wraps_a_state_dict_comes_off(checkpoint: dict[str, Any]) -> None:
    assert unwrap(checkpoint) == WEIGHTS


def test_a_prefix_of_some_names_stays() -> None:
    assert unwrap({"module.a": torch.ones(1), "b": torch.ones(1)}).keys() == {"module.a", "b"}
    assert unwrap({}) == {}


@pytest.mark.parametrize(
    ("checkpoint", "sentence"),
    [
        ([1, 2], "state dict must be a mapping from names to tensors; got 'list'"),
        ({"epoch": 3}, r"state dict\['epoch'\] must be a tensor under a name; got 'int'"),
        ({7: torch.ones(1)}, r"state dict\[7\] must be a tensor under a name"),
    ],
)
def test_anything_but_tensors_by_name_is_refused(checkpoint: Any, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        unwrap(checkpoint)
