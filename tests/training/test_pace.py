from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from featherlight.data import Dataset, Preprocessing
from featherlight.training import Recipe, images_per_second
from featherlight.training.batches import Batches
from featherlight.training.pace import Pace, check_steps, measure_pace


@given(st.integers(1, 10_000), st.integers(1, 500))
def test_checks_come_evenly_at_most_ten_and_the_last_at_the_end(steps: int, per_epoch: int) -> None:
    checks = check_steps(steps, per_epoch)
    assert checks[-1] == steps
    assert len(checks) <= min(10, max(1, steps // per_epoch))
    gaps = [after - before for before, after in zip([0, *checks], checks, strict=False)]
    assert max(gaps) - min(gaps) <= 1
    assert min(gaps) >= min(per_epoch, steps)


@given(
    st.floats(1e-4, 2),
    st.floats(0, 5),
    st.floats(0, 0.1),
    st.integers(2, 128),
    st.integers(2, 60_000),
    st.floats(0, 600),
)
def test_the_steps_within_a_time_are_as_many_as_fit(
    step: float, check: float, first_look: float, batch: int, train: int, seconds: float
) -> None:
    pace = Pace(step, check, first_look, min(batch, train), train, validation=train // 5)
    steps = pace.steps_within(seconds)
    assert steps == 1 or pace.seconds(steps) <= seconds
    assert pace.seconds(steps + 1) > seconds


def test_a_time_is_its_steps_checks_and_first_looks() -> None:
    pace = Pace(step=1.0, check=10.0, first_look=0.1, batch=10, train=50, validation=20)
    assert pace.seconds(3) == pytest.approx(3 + 10 + 0.1 * (30 + 20))
    assert pace.seconds(10) == pytest.approx(10 + 2 * 10 + 0.1 * (50 + 20))


def test_measuring_leaves_the_model_as_it_was(network: nn.Module, dataset: Dataset) -> None:
    before = copy.deepcopy(network.state_dict())
    network.eval()
    batches = Batches(dataset.train, Recipe(batch=32), Preprocessing(12, (0.5,), (0.5,), 1.0), seed=0, classes=3)
    pace = measure_pace(network, batches, dataset.validation, seconds=0.01)
    assert images_per_second(network, 12, channels=1, batch=8, seconds=0.01) > 0
    assert not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert (pace.batch, pace.train, pace.validation) == (32, 96, 30)
    assert pace.step > 0
    assert pace.check > 0


def test_a_larger_network_trains_slower() -> None:
    thin, wide = (nn.Sequential(nn.Conv2d(3, width, 7), nn.Flatten(), nn.LazyLinear(2)) for width in (2, 256))
    for network in (thin, wide):
        network(torch.zeros(1, 3, 32, 32))
    assert images_per_second(thin, 32, batch=16, seconds=0.05) > images_per_second(wide, 32, batch=16, seconds=0.05)
