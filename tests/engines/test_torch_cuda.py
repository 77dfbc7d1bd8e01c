"""The GPU's engine: refused in a sentence where there is none; its code run on the CPU, which torch treats alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.engines import ENGINES, ModuleSource, available, find
from featherlight.engines.agreement import check
from featherlight.engines.torch_cuda import on_device
from featherlight.errors import BadInput


def source() -> ModuleSource:
    torch.manual_seed(0)
    return ModuleSource(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5)), (3, 8, 8))


def test_without_a_gpu_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BadInput, match=r"^the engine torch-cuda needs an NVIDIA GPU and a PyTorch built for CUDA; "):
        find("torch-cuda")


def test_it_is_never_tried_unasked() -> None:
    assert ENGINES["torch-cuda"] not in available()


def test_its_time_is_for_a_device_and_its_scores_are_the_networks() -> None:
    network = source()
    with on_device(network, "cpu", "a device", threads=1, batch=2) as running:
        check(running, network)
        assert (running.target.engine, running.target.device) == ("torch-cuda", "a device")
        images = np.ones((2, 3, 8, 8), np.float32)
        first = running(images)
        assert np.array_equal(images, np.ones_like(images))
        assert np.array_equal(running(images), first)
