"""Each operator of the table means the same in canonical kinds as in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from featherlight.graph import check, evaluate, from_torch, read_torch
from featherlight.graph.aten import ATEN

aten: Any = torch.ops.aten

SHAPE = (2, 6, 5, 5)
torch.manual_seed(0)
WEIGHT, MATRIX, VECTOR = torch.randn(4, 3, 3, 3), torch.randn(5, 7), torch.rand(6) + 0.5

CASES: dict[str, Callable[[Tensor], Any]] = {
    "conv2d": lambda x: aten.conv2d(x, WEIGHT, None, [2, 1], "valid", [1, 2], 2),
    "linear": lambda x: aten.linear(x, MATRIX.t()),
    "addmm": lambda x: aten.addmm(torch.ones(7), x.reshape(-1, 5), MATRIX),
    "mm": lambda x: aten.mm(x.reshape(-1, 5), MATRIX),
    "matmul": lambda x: aten.matmul(x, MATRIX),
    "batch_norm": lambda x: aten.batch_norm(x, VECTOR, VECTOR, VECTOR, VECTOR, False, 0.1, 1e-3, False),
    "_native_batch_norm_legit_no_training": lambda x: aten._native_batch_norm_legit_no_training(
        x, VECTOR, None, VECTOR, VECTOR, 0.1, 1e-3
    )[0],
    "relu": lambda x: aten.relu_(x * 1),
    "relu6": lambda x: aten.relu6(x * 5),
    "hardsigmoid": lambda x: aten.hardsigmoid(x * 3),
    "hardswish": lambda x: aten.hardswish(x * 3),
    "sigmoid": lambda x: aten.sigmoid(x),
    "silu": lambda x: aten.silu(x),
    "tanh": lambda x: aten.tanh(x),
    "gelu": lambda x: aten.gelu(x) + aten.gelu(x * 2, approximate="tanh"),
    "erf": lambda x: aten.erf(x * 2),
    "special_erf": lambda x: aten.special_erf(x * 2),
    "leaky_relu": lambda x: aten.leaky_relu(x) + aten.leaky_relu_(x * 2, 0.2),
    "prelu": lambda x: aten.prelu(x, VECTOR) + aten.prelu(x[:, 0], VECTOR[:1])[:, None],
    "elu": lambda x: aten.elu(x) + aten.elu(x * 2, 0.5, 1.5, 0.25),
    "selu": lambda x: aten.selu(x * 2),
    "celu": lambda x: aten.celu(x * 2, 0.7),
    "mish": lambda x: aten.mish(x * 2),
    "softplus": lambda x: aten.softplus(x) + aten.softplus(x * 2, 3.0, 25.0),
    "log_sigmoid": lambda x: aten.log_sigmoid(x * 2),
    "clamp": lambda x: aten.clamp(x, -0.5, 0.5),
    "clamp_min": lambda x: aten.clamp_min(x, 0.5),
    "clamp_max": lambda x: aten.clamp_max(x, 0.5),
    "clip": lambda x: aten.clip(x, None, 0.5),
    "hardtanh": lambda x: aten.hardtanh(x),
    "softmax": lambda x: aten.softmax(x, -2),
    "_softmax": lambda x: aten._softmax(x, 1, False),
    "add": lambda x: aten.add(x, x[:1], alpha=3),
    "sub": lambda x: aten.sub(x, 2.0, alpha=3),
    "mul": lambda x: aten.mul(x, x[:, :1]),
    "div": lambda x: aten.div(x, 4.0),
    "rsub": lambda x: aten.rsub(x, 1.0, 2),
    "max_pool2d": lambda x: aten.max_pool2d(x, [3], [2], [1], [1], True),
    "max_pool2d_with_indices": lambda x: aten.max_pool2d_with_indices(x, [2, 3])[0],
    "avg_pool2d": lambda x: aten.avg_pool2d(x, [2], [2], [1], True),
    "adaptive_avg_pool2d": lambda x: aten.adaptive_avg_pool2d(x, [2, 3]),
    "adaptive_max_pool2d": lambda x: aten.adaptive_max_pool2d(x, [5, 1])[0],
    "mean": lambda x: aten.mean(x, [-1, 1], True) + aten.mean(x),
    "amax": lambda x: aten.amax(x, [3, 2], True),
    "cat": lambda x: aten.cat([x, x[:, :2]], -3),
    "concat": lambda x: aten.concat([x, x], 1),
    "chunk": lambda x: aten.chunk(x, 4, 1),
    "split": lambda x: aten.split(x, 4, -3),
    "split_with_sizes": lambda x: aten.split_with_sizes(x, [1, 5], 1),
    "slice": lambda x: aten.slice(x, -1, -4, 9, 2),
    "narrow": lambda x: aten.narrow(x, 1, 2, 3),
    "select": lambda x: aten.select(x, 1, -2),
    "view": lambda x: aten.view(x, [2, -1]),
    "_unsafe_view": lambda x: aten._unsafe_view(x, [12, 25]),
    "reshape": lambda x: aten.reshape(x, [2, 3, 2, 5, 5]),
    "flatten": lambda x: aten.flatten(x, 1),
    "unflatten": lambda x: aten.unflatten(x, 1, [2, 3]),
    "squeeze": lambda x: aten.squeeze(x[:, :1], 1),
    "unsqueeze": lambda x: aten.unsqueeze(x, 1),
    "permute": lambda x: aten.permute(x, [0, -1, 1, 2]),
    "transpose": lambda x: aten.transpose(x, 1, -1),
    "t": lambda x: aten.t(x.reshape(6, -1)),
    "channel_shuffle": lambda x: aten.channel_shuffle(x, 3),
    "native_channel_shuffle": lambda x: aten.native_channel_shuffle(x, 2),
    "pad": lambda x: aten.pad(x, [1, 0, 0, 2], "constant", 3.0),
    "constant_pad_nd": lambda x: aten.constant_pad_nd(x, [0, 1, 2, 0]),
    "dropout": lambda x: aten.dropout(x, 0.5, False) + 1,
    "feature_dropout": lambda x: aten.feature_dropout(x, 0.5, False) + 1,
    "alpha_dropout": lambda x: aten.alpha_dropout(x, 0.5, False) + 1,
    "ones": lambda x: x + aten.ones([5]),
    "zeros": lambda x: torch.cat([x, aten.zeros([2, 1, 5, 5])], 1),
    "full": lambda x: x * aten.full([5, 1], 2.5),
    "contiguous": lambda x: aten.contiguous(x.transpose(1, 2)),
    "clone": lambda x: aten.clone(x),
    "detach": lambda x: aten.detach(x) + 1,
    "alias": lambda x: aten.alias(x) + 1,
    "to": lambda x: aten.to(x, torch.float32) + 1,
    "type_as": lambda x: aten.type_as(x, x) + 1,
}


class Spy(dict[str, Any]):
    """The table, remembering what was looked up."""

    def __init__(self) -> None:
        super().__init__(ATEN)
        self.seen: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)


class Written(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Any:
        return CASES[self.name](x)


def test_each_operator_has_a_case() -> None:
    assert CASES.keys() == ATEN.keys()


@pytest.mark.parametrize("name", CASES)
def test_it_means_what_torch_computes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy()
    monkeypatch.setattr(read_torch, "ATEN", spy)
    x = torch.randn(SHAPE)
    graph = check(from_torch(Written(name), SHAPE))
    assert name in spy.seen
    expected = CASES[name](x)
    for result, value in zip(
        evaluate(graph, x.numpy()), expected if isinstance(expected, (list, tuple)) else [expected], strict=True
    ):
        np.testing.assert_allclose(result, value, rtol=1e-5, atol=1e-5)
