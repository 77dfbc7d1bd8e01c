"""Engines that do not say what the network says are found out when they are built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.engines import GraphSource, ModuleSource, OnnxSource, Running, Source, find
from featherlight.engines.agreement import checked, distance, own_scores
from featherlight.engines.running import Array
from featherlight.errors import Failure
from featherlight.timing import Target, this_machine

SHAPE = (3, 8, 8)


class Counted(nn.Module):
    """Tells how often it was asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.asked = network, [0]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.asked[0] += 1
        scores: torch.Tensor = self.network(images)
        return scores

    def __deepcopy__(self, memo: object) -> Counted:
        twin = Counted(self.network)
        twin.asked = self.asked  # copies count as well
        return twin


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5)).eval()


def sources(folder: Path) -> dict[str, Source]:
    """The same network in each form that an engine may be given."""
    module = ModuleSource(network(), SHAPE)
    (folder / "net.onnx").write_bytes(module.to_onnx(1))
    return {"module": module, "onnx": OnnxSource(folder / "net.onnx"), "graph": GraphSource(module.graph)}


def engine(wrong: Callable[[Array], Array]) -> Callable[..., Running]:
    """The `build` of an engine that gives the right scores, made wrong."""

    @checked
    def build(source: Source, *, threads: int, batch: int = 1) -> Running:
        target = Target("liar", "0", threads, "f32", batch, this_machine())
        return Running(target, (batch, *source.input_shape), lambda images: wrong(own_scores(source, images)))

    return build


@pytest.mark.parametrize("form", ["module", "onnx", "graph"])
@pytest.mark.parametrize(
    "wrong",
    [lambda scores: scores * 1.001, lambda scores: scores[:, ::-1], lambda scores: scores * np.float32(np.nan)],
    ids=["a thousandth", "order", "not a number"],
)
def test_a_wrong_engine_is_named_with_its_distance(tmp_path: Path, form: str, wrong: Callable[[Array], Array]) -> None:
    with pytest.raises(Failure, match=r"^liar must agree with .* to 1e-04 of the scores' norm; they differ by "):
        engine(wrong)(sources(tmp_path)[form], threads=1)


def test_scores_of_another_shape_are_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"^liar must give scores of shape \(1, 5\), as the torch module does"):
        engine(lambda scores: scores[:, :4])(sources(tmp_path)["module"], threads=1)


def test_one_wrong_image_of_a_batch_is_enough(tmp_path: Path) -> None:
    def wrong(scores: Array) -> Array:
        return np.concatenate([scores[:2], scores[:1]])

    with pytest.raises(Failure, match=r"^liar must agree"):
        engine(wrong)(sources(tmp_path)["module"], threads=1, batch=3)


@pytest.mark.parametrize("form", ["module", "onnx", "graph"])
def test_rounding_is_no_disagreement(tmp_path: Path, form: str) -> None:
    engine(lambda scores: (scores * (1 + 1e-6)).astype(np.float32))(sources(tmp_path)[form], threads=1)


def test_a_network_that_magnifies_rounding_may_be_rounded_otherwise() -> None:
    class Difference(nn.Module):
        """What is left of two large numbers that are nearly the same."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            mean = images.mean((2, 3))
            return (mean + 300) - 300

    def otherwise(scores: Array) -> Array:
        return (scores * (1 + 2e-4)).astype(np.float32)

    engine(otherwise)(ModuleSource(Difference(), SHAPE), threads=1)


def test_the_network_is_asked_once_for_all_engines() -> None:
    module = Counted(network())
    source = ModuleSource(module, SHAPE)
    assert source.graph.ops  # tracing asks it, too
    asked = module.asked[0]
    for name in ("onnxruntime", "openvino", "onnxruntime"):
        if find(name).missing() is None:
            find(name).build(source, threads=1).close()
    assert module.asked[0] == asked + 1


def test_a_network_without_finite_scores_can_still_be_timed() -> None:
    module = network()
    nn.init.constant_(module.get_parameter("3.bias"), torch.nan)
    find("onnxruntime").build(ModuleSource(module, SHAPE), threads=1).close()


def test_distance_is_the_worst_images_share_of_its_norm() -> None:
    expected = np.array([[3.0, 4.0], [30.0, 40.0]])
    assert distance(expected + np.array([[0.5, 0.0], [0.0, 1.0]]), expected) == pytest.approx(0.1)
    assert distance(np.zeros((1, 2)), np.zeros((1, 2))) == 0
