"""The engine native: what it says of itself, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from featherlight.engines import GraphSource, ModuleSource, find, native
from featherlight.engines.agreement import noise
from featherlight.errors import BadInput
from featherlight.graph import kinds

SHAPE = (6, 9, 9)


@pytest.fixture(scope="module")
def source() -> ModuleSource:
    torch.manual_seed(0)
    return ModuleSource(
        nn.Sequential(
            *(nn.Conv2d(6, 12, 3, 2, 1, groups=3), nn.BatchNorm2d(12), nn.ReLU(), nn.ChannelShuffle(2)),
            *(nn.Conv2d(12, 8, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
        ).eval(),
        SHAPE,
    )


def test_a_processor_that_no_code_is_made_for_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight_runtime.cpu.flags", lambda: frozenset({"neon"}))
    with pytest.raises(BadInput, match=r"^the engine native is not for this machine: .*x86-64 processors on Linux"):
        find("native")


def test_without_llvmlite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.engines.library.find_spec", lambda package: None)
    assert (
        native.missing()
        == "the engine native needs llvmlite, which is not installed; install it with: pip install llvmlite"
    )


def test_a_graph_is_all_it_needs(source: ModuleSource) -> None:
    graph = GraphSource(source.graph)
    assert native.build(graph, threads=2, batch=2)(noise((2, *SHAPE))).shape == (2, 5)


def test_threads_beyond_all_bounds_are_refused(source: ModuleSource) -> None:
    with pytest.raises(
        BadInput, match=r"^the compiler cannot run the torch module: threads must be a whole number from"
    ):
        native.build(source, threads=10**6)


def test_a_convolution_in_groups_is_one_step(source: ModuleSource) -> None:
    steps = native.trace(source, noise((1, *SHAPE)), threads=1, calls=2)
    grouped = [
        step for step in steps if any(isinstance(op.kind, kinds.Convolution) and op.kind.groups == 3 for op in step.ops)
    ]
    assert len(grouped) == 1
    assert [step.name for step in steps].count(grouped[0].name) == 1
    assert [type(op.kind) for op in grouped[0].ops][:1] == [kinds.Convolution]
    assert all(step.seconds > 0 for step in steps)
    names = [op for step in steps for op in step.ops]
    assert len(names) == len({id(op) for op in names})


def test_what_makes_ready_for_an_operation_is_one_step_with_it() -> None:
    """Winograd's frame and transforms have no results of the graph; the copy for the caller is nobody's."""
    network = nn.Sequential(nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 16, 3, padding=1)).eval()
    source = ModuleSource(network, (16, 24, 24))
    first, second, copy = native.trace(source, noise((1, 16, 24, 24)), threads=1, calls=2)
    assert "gather gemm" in second.kind
    assert ([len(step.ops) for step in (first, second, copy)]) == [2, 1, 0]
