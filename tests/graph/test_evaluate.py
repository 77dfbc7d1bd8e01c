from __future__ import annotations

import numpy as np
import pytest
import torch

from featherlight.errors import BadInput
from featherlight.graph import check, evaluate, from_torch
from small_networks import small_networks


@pytest.mark.parametrize("name", small_networks())
def test_a_traced_network_means_the_same_as_the_module(name: str) -> None:
    model = small_networks()[name]
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 18, 22)).astype(np.float32))
    graph = check(from_torch(model, tuple(x.shape)))
    with torch.no_grad():
        np.testing.assert_allclose(evaluate(graph, x.numpy())[0], model(x), rtol=1e-5, atol=1e-5)


def test_inputs_of_another_shape_or_number_are_refused() -> None:
    graph = from_torch(torch.nn.ReLU(), (1, 2))
    with pytest.raises(BadInput, match=r"input \w+ must be of shape \(1, 2\); got \(2, 1\)"):
        evaluate(graph, np.ones((2, 1)))
    with pytest.raises(BadInput, match="number of inputs must be 1; got 2"):
        evaluate(graph, np.ones((1, 2)), np.ones((1, 2)))
