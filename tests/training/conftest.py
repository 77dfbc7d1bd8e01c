from __future__ import annotations

import pytest
from torch import nn

from featherlight.data import Dataset
from small_run import data
from small_run import network as small_network


@pytest.fixture
def dataset() -> Dataset:
    return data()


@pytest.fixture
def network() -> nn.Module:
    return small_network()
