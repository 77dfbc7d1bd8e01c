"""What every engine promises, whichever it is. An engine that is not installed here is not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from featherlight.engines import ENGINES, Engine, ModuleSource, Running
from featherlight.errors import BadInput
from featherlight.layers.convolution import ConvNorm
from featherlight.spec import Style

Array = NDArray[np.float32]
SHAPE = (3, 33, 17)  # odd sizes: strided convolutions and pools must agree on the edges


class Small(nn.Module):
    """Depthwise and pointwise convolutions, batch norm, a residual sum and a gate, as the families have them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 8, 3, Style(), stride=2, activation="relu6")
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 5, 1, 2, groups=8), nn.Hardswish())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.last = nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(8, 16, 1), nn.ReLU())
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(16, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)
        y = self.depthwise(x)
        x = x + y * self.gate(y)
        scores: torch.Tensor = self.classifier(self.last(x).mean((2, 3)))
        return scores


@pytest.fixture(scope="module")
def source() -> ModuleSource:
    """A module left in training mode, its running statistics not the fresh ones. Traced once."""
    torch.manual_seed(0)
    module = Small()
    for _ in range(3):
        module(torch.randn(4, *SHAPE) + 0.5)
    return ModuleSource(module, SHAPE)


@pytest.fixture(scope="module")
def build(source: ModuleSource) -> Iterator[Callable[[Engine, int, int], Running]]:
    """Builds each engine once for a number of threads and a batch: one of them compiles for seconds."""
    built: dict[tuple[str, int, int], Running] = {}
    with ExitStack() as stack:

        def build(engine: Engine, threads: int, batch: int) -> Running:
            key = engine.name, threads, batch
            if key not in built:
                built[key] = stack.enter_context(engine.build(source, threads=threads, batch=batch))
            return built[key]

        yield build


def images(batch: int) -> Array:
    return np.random.default_rng(1).standard_normal((batch, *SHAPE), np.float32)


def expected(source: ModuleSource, given: Array) -> Array:
    source.module.eval()
    with torch.inference_mode():
        scores: Array = source.module(torch.from_numpy(given.copy())).numpy()
    source.module.train()
    return scores


def agrees(scores: Array, right: Array) -> bool:
    return scores.shape == right.shape and bool(np.linalg.norm(scores - right) <= 1e-4 * np.linalg.norm(right))


INSTALLED = [engine for engine in ENGINES.values() if engine.missing() is None]


@pytest.mark.parametrize("engine", INSTALLED, ids=lambda engine: engine.name)
class TestEngine:
    @pytest.fixture
    def running(self, engine: Engine, build: Callable[[Engine, int, int], Running]) -> Running:
        return build(engine, 1, 1)

    @pytest.mark.parametrize(("threads", "batch"), [(1, 1), (2, 3)])
    def test_gives_the_scores_of_the_module(
        self,
        engine: Engine,
        source: ModuleSource,
        build: Callable[[Engine, int, int], Running],
        threads: int,
        batch: int,
    ) -> None:
        assert agrees(build(engine, threads, batch)(images(batch)), expected(source, images(batch)))

    def test_takes_images_however_they_lie_in_memory(self, running: Running, source: ModuleSource) -> None:
        plain = images(1)
        backwards = np.ascontiguousarray(plain[..., ::-1])[..., ::-1]
        channels_last = np.ascontiguousarray(plain.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        read_only = plain.copy()
        read_only.flags.writeable = False
        unaligned = np.frombuffer(b"\0" + plain.tobytes(), np.float32, offset=1).reshape(plain.shape)
        for given in (backwards, channels_last, read_only, unaligned):
            assert agrees(running(given), expected(source, plain))

    def test_leaves_images_and_earlier_scores_as_they_were(self, running: Running) -> None:
        given = images(1)
        first = running(given)
        kept = first.copy()
        running(given + 1)
        assert np.array_equal(given, images(1))
        assert np.array_equal(first, kept)
        first[:] = 0  # they are the caller's own
        assert np.array_equal(running(given), kept)

    def test_is_not_reached_by_later_training(self, engine: Engine, source: ModuleSource) -> None:
        before = expected(source, images(1))
        with engine.build(source, threads=1) as running, torch.no_grad():
            source.module.get_parameter("classifier.1.bias").add_(1)
            try:
                assert agrees(running(images(1)), before)
            finally:
                source.module.get_parameter("classifier.1.bias").sub_(1)

    def test_leaves_the_module_and_the_process_as_they_were(self, engine: Engine, source: ModuleSource) -> None:
        threads = torch.get_num_threads()
        with engine.build(source, threads=threads + 1, batch=3) as running:
            running(images(3))
        assert torch.get_num_threads() == threads
        assert source.module.training

    def test_says_what_its_times_are_for(self, engine: Engine, build: Callable[[Engine, int, int], Running]) -> None:
        running = build(engine, 2, 3)
        target = running.target
        assert (target.engine, target.version) == (engine.name, engine.version())
        assert (target.threads, target.batch, target.precision) == (2, 3, "f32")
        assert running.input_shape == (3, *SHAPE)

    def test_closes_once_and_for_all(self, engine: Engine, source: ModuleSource) -> None:
        running = engine.build(source, threads=1)
        running.close()
        running.close()
        with pytest.raises(BadInput, match="was closed"):
            running(images(1))

    @pytest.mark.parametrize(
        "wrong",
        [
            images(2),
            images(1)[0],
            images(1).astype(np.float64),
            images(1).astype(">f4"),
            (images(1) * 255).astype(np.uint8),
            images(1).tolist(),
            torch.from_numpy(images(1)),
        ],
        ids=["batch", "rank", "float64", "big-endian", "uint8", "list", "tensor"],
    )
    def test_refuses_other_images_in_a_sentence(self, running: Running, wrong: Array) -> None:
        with pytest.raises(BadInput, match=r"^images must be a float32 array of shape \(1, 3, 33, 17\); got "):
            running(wrong)

    @pytest.mark.parametrize(("threads", "batch", "named"), [(0, 1, "threads"), (1, 0, "batch"), (1.5, 1, "threads")])
    def test_refuses_senseless_numbers(
        self, engine: Engine, source: ModuleSource, threads: int, batch: int, named: str
    ) -> None:
        with pytest.raises(BadInput, match=f"^{named} must be a whole number above 0"):
            engine.build(source, threads=threads, batch=batch)
