"""An engine's own word on what it does, laid over the network's operations."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from featherlight.engines import ENGINES, ModuleSource, OnnxSource, Source
from featherlight.engines.agreement import noise
from featherlight.engines.trace import Step, cover
from featherlight.errors import BadInput
from featherlight.graph import Builder, Graph, Tensor, kinds
from featherlight.layers import Network
from featherlight.models import entry
from small_networks import small_networks

SIDE = 64
TRACED = [name for name in ("torch", "onnxruntime", "openvino", "native") if ENGINES[name].missing() is None]
FAMILIES = (
    *("squeezenet_1_0_complex_bypass", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet_a1"),
    *("shufflenet_v1_g3", "shufflenet_v2_se_residual", "resnet18"),
)  # AlexNet's 61 million weights take their time; a small one like it is among `small_networks`


@cache
def family(name: str) -> ModuleSource:
    torch.manual_seed(0)
    return ModuleSource(Network(entry(name).build()).eval(), (3, SIDE, SIDE))


@cache
def steps_of(name: str, engine: str) -> tuple[Step, ...]:
    return trace(family(name), engine)


def trace(source: Source, engine: str) -> tuple[Step, ...]:
    return ENGINES[engine].trace(source, noise((1, *source.input_shape)), threads=1, calls=2)


def uncovered(graph: Graph, steps: tuple[Step, ...]) -> list[str]:
    """The operations, views left out, that are not in exactly one step."""
    times = Counter(id(op) for step in steps for op in step.ops)
    views = (kinds.Reshape, kinds.Identity)
    return [
        str(op) for op in graph.ops if times[id(op)] != 1 and not (isinstance(op.kind, views) and not times[id(op)])
    ]


@pytest.mark.parametrize("engine", TRACED)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_operation_is_in_one_step(name: str, engine: str) -> None:
    steps = steps_of(name, engine)
    assert uncovered(family(name).graph, steps) == []
    assert all(0 <= step.seconds < 1 for step in steps)
    assert sum(step.seconds for step in steps) > 0


@pytest.mark.parametrize("engine", [name for name in TRACED if name != "torch"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_holds_one_convolution_and_what_follows_it(name: str, engine: str) -> None:
    weighted = (kinds.Convolution, kinds.Linear)
    for step in steps_of(name, engine):
        assert sum(isinstance(op.kind, weighted) for op in step.ops) <= 1
        for op in step.ops:
            if isinstance(op.kind, kinds.BatchNorm):  # folded, so with its convolution
                assert any(op.inputs[0] in each.outputs for each in step.ops), str(op)


@pytest.mark.parametrize("name", small_networks())
def test_idioms_of_other_peoples_networks(name: str) -> None:
    source = ModuleSource(small_networks()[name], (3, 18, 22))
    for engine in TRACED:
        assert uncovered(source.graph, trace(source, engine)) == [], engine


@pytest.mark.parametrize("engine", [name for name in TRACED if name != "torch"])
def test_a_file_whose_nodes_have_no_names(tmp_path: Path, engine: str) -> None:
    model = onnx.load_model_from_string(family("mobilenet_v3_small").to_onnx(1))
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, tmp_path / "net.onnx")
    source = OnnxSource(tmp_path / "net.onnx")
    assert uncovered(source.graph, trace(source, engine)) == []


def test_torch_gives_each_operation_a_step_of_its_own() -> None:
    steps = steps_of("mobilenet_v2", "torch")
    assert [step.kind for step in steps[:3]] == ["conv2d", "batch_norm", "hardtanh"]
    assert [op for step in steps for op in step.ops] == list(family("mobilenet_v2").graph.ops)


def test_torch_does_not_trace_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(family("squeezenet_1_0_complex_bypass").to_onnx(1))
    with pytest.raises(BadInput, match=r"^the engine torch runs torch modules; got .*net\.onnx$"):
        trace(OnnxSource(tmp_path / "net.onnx"), "torch")


class Counting(nn.Module):
    """Another operator at each third call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x.mean((1, 2)) if self.calls % 3 else x.mean((1, 2)).relu()


def test_a_module_that_does_something_else_each_time_cannot_be_traced() -> None:
    source = ModuleSource(Counting(), (3, 4, 4))
    with pytest.raises(RuntimeError, match=r"^the torch module did not call the same operators each time$"):
        ENGINES["torch"].trace(source, noise((1, 3, 4, 4)), threads=1, calls=3)


def chain() -> Graph:
    """A convolution, its batch norm, a ReLU, another convolution, and the sum of both."""
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, 5, 5)))
    weight = builder.constant("w", np.ones((4, 4, 1, 1), np.float32))
    vectors = [builder.constant("v", np.ones(4, np.float32)) for _ in range(4)]
    (conv,) = builder.add(kinds.Convolution(), [x, weight], "conv")
    (norm,) = builder.add(kinds.BatchNorm(), [conv, *vectors], "norm")
    (relu,) = builder.add(kinds.Activation("relu"), [norm], "relu")
    (again,) = builder.add(kinds.Convolution(), [relu, weight], "again")
    return builder.graph(builder.add(kinds.Add(), [again, relu], "sum"))


def covered(*results: str) -> list[list[str]]:
    return [[op.outputs[0] for op in ops] for ops in cover(chain(), [each.split() for each in results])]


def test_a_step_computes_what_its_tensor_needs() -> None:
    assert covered("relu", "sum") == [["conv", "norm", "relu"], ["again", "sum"]]


def test_what_nobody_names_goes_to_the_step_before_it() -> None:
    assert covered("norm", "again") == [["conv", "norm", "relu"], ["again", "sum"]]
    assert covered("conv", "again", "sum") == [["conv", "norm", "relu"], ["again"], ["sum"]]


def test_a_step_that_gives_nothing_new_computes_nothing() -> None:
    assert covered("relu", "", "relu", "elsewhere", "sum") == [["conv", "norm", "relu"], [], [], [], ["again", "sum"]]
