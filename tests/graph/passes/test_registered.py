"""Every registered network, thin and cut short: the pipeline keeps its outputs and leaves no pieces."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.graph import Graph, check, evaluate, from_torch, kinds
from featherlight.graph.passes import PASSES
from featherlight.layers import Network
from featherlight.models import entry, list_models
from featherlight.spec import Row, Spec


def cut(spec: Spec) -> Spec:
    """The first two rows of each sort, so that a deep network is traced in half a second."""
    met: Counter[Any] = Counter()
    rows: list[Row] = []
    for row in spec.rows:
        sort = (type(row), getattr(row, "stride", None), getattr(row, "squeeze_excite", None) is None)
        met[sort] += 1
        if met[sort] <= 2:
            rows.append(row)
    return replace(spec, rows=tuple(rows))


def traced(name: str) -> Graph:
    torch.manual_seed(0)
    known = entry(name)
    model = Network(cut(known.build(**({"width": 0.25} if len(known.widths) > 1 else {}))), num_classes=5).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            module.running_mean = torch.randn(module.num_features) / 4
            module.running_var = torch.rand(module.num_features) + 0.5
    return from_torch(model, (1, 3, 48, 48))


@pytest.mark.parametrize("name", list_models())
def test_the_outputs_stay_and_nothing_is_left_in_pieces(name: str) -> None:
    graph = traced(name)
    step = graph
    for each in PASSES:
        step = check(each(step))
    x = np.random.default_rng(0).standard_normal((1, 3, 48, 48))
    expected = evaluate(graph, x)[0]
    np.testing.assert_allclose(evaluate(step, x)[0], expected, atol=1e-5 * float(np.abs(expected).max()))
    left = Counter(type(op.kind) for op in step.ops)
    assert not left.keys() & {kinds.BatchNorm, kinds.Identity, kinds.Transpose}
    before = Counter(type(op.kind) for op in graph.ops)
    assert left[kinds.ChannelShuffle] + left[kinds.ConcatShuffleSplit] == before[kinds.Transpose]
    if name.startswith("shufflenet_v2"):
        assert left[kinds.ConcatShuffleSplit] == before[kinds.Split] > 0
