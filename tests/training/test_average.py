from __future__ import annotations

import torch
from torch import nn

from featherlight.training.average import Average


def test_it_follows_weights_and_statistics_slowly_and_first_fast() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(model, 0.9)
    expected = {name: tensor.clone().double() for name, tensor in model.state_dict().items()}
    for step in range(1, 200):
        with torch.no_grad():
            for tensor in model.state_dict().values():
                tensor.add_(1)
        average.update(model, step)
        kept = min(0.9, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            expected[name] = kept * expected[name] + (1 - kept) * tensor.double()
    for name, tensor in average.model.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-4, atol=1e-4)
        else:
            assert torch.equal(tensor, model.state_dict()[name])
    assert not average.model.training
