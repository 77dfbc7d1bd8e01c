from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherlight.cost import count
from featherlight.errors import BadInput
from featherlight.graph import Graph, check, evaluate, from_torch, kinds
from small_networks import Classified, conv_norm, small_networks

SHAPE = (2, 4, 6, 6)


class Written(nn.Module):
    """A module from a function of its input."""

    def __init__(self, forward: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.written = forward

    def forward(self, x: Tensor) -> object:
        return self.written(x)


def traced(forward: Callable[[Tensor], object], shape: tuple[int, ...] = SHAPE) -> Graph:
    return check(from_torch(Written(forward), shape))


def test_the_model_stays_as_it_was() -> None:
    model = small_networks()["depthwise separable"].train()
    model.get_submodule("body.1").eval()  # a frozen part in a model that is training
    modes = [module.training for module in model.modules()]
    before = copy.deepcopy(model.state_dict())
    from_torch(model, (1, 3, 18, 22))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_modes_come_back_after_a_failure() -> None:
    model = Written(lambda x: x if x.sum() > 0 else -x).train()
    with pytest.raises(
        BadInput, match=r"model must be traceable by torch\.export for an input of shape \(2, 4, 6, 6\)"
    ):
        from_torch(model, SHAPE)
    assert model.training


def test_constants_are_copies_under_the_names_of_the_state_dict() -> None:
    model = Classified(conv_norm(3, 4, 3), 4)
    graph = from_torch(model, (1, 3, 8, 8))
    state = {name: value.clone() for name, value in model.state_dict().items() if "num_batches" not in name}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert graph.constants.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(graph.constants[name], value)


def test_operations_say_which_module_they_come_from() -> None:
    graph = from_torch(Classified(conv_norm(3, 4, 3), 4), (1, 3, 8, 8))
    assert [str(op) for op in graph.ops] == [
        "convolution at body.0",
        "batch norm at body.1",
        "relu6 at body.2",
        "mean at mean",
        "identity at drop",
        "linear at fc",
    ]


def test_a_module_called_twice_keeps_its_path_and_its_one_weight() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(4, 4, 1)
            self.second = nn.Conv2d(4, 4, 1)
            self.second.weight = self.first.weight

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.second(self.first(self.first(x)))
            return y

    model = Twice()
    graph = from_torch(model, SHAPE)
    assert [op.origin for op in graph.ops] == ["first", "first", "second"]
    assert len({op.inputs[1] for op in graph.ops}) == 1
    assert count(graph).parameters == sum(parameter.numel() for parameter in model.parameters())


def test_several_outputs_keep_their_order() -> None:
    graph = traced(lambda x: [x + 1, (x * 2, x)])
    x = np.random.default_rng(0).standard_normal(SHAPE)
    for result, expected in zip(evaluate(graph, x), (x + 1, x * 2, x), strict=True):
        np.testing.assert_array_equal(result, expected)


def overwrite_view(x: Tensor) -> Tensor:
    y = x + 1
    F.relu(y[:, :2], inplace=True)
    return y * 1


def overwrite_base(x: Tensor) -> Tensor:
    y = x + 1
    view = y.reshape(SHAPE[0], -1)
    y.mul_(2)
    return view - 1


def overwrite_again(x: Tensor) -> Tensor:
    y = x + 1
    z = y
    y += x
    y.clamp_(-1, 1)
    return z + y


@pytest.mark.parametrize("forward", [overwrite_base, overwrite_again])
def test_in_place_operators_mean_what_they_mean_in_torch(forward: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(SHAPE, dtype=torch.float64)
    np.testing.assert_allclose(evaluate(traced(forward), x.numpy())[0], forward(x.clone()))


def test_writing_into_part_of_a_tensor_is_refused_rather_than_missed() -> None:
    with pytest.raises(BadInput, match=r"got aten\.slice_scatter"):
        traced(overwrite_view)


def test_all_unknown_operators_are_listed_in_one_sentence() -> None:
    class Strange(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.erfinv(torch.cumsum(torch.relu(x), 1)) + torch.cumsum(x, 2)

    model = nn.Sequential(nn.Conv2d(4, 4, 1), Strange())
    with pytest.raises(BadInput) as error:
        from_torch(model, SHAPE)
    assert str(error.value) == (
        "model must be made of known operators; got aten.cumsum.default at 1, aten.erfinv.default at 1"
    )


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda x: F.softplus(x, threshold=1), "aten.softplus.default with a threshold of 1, below 17"),
        (lambda x: F.celu(x, -0.5), "aten.celu.default with an input scale of -2, below 0"),
        (lambda x: torch.div(x, 2, rounding_mode="floor"), "aten.div.Tensor_mode rounded by floor"),
        (lambda x: x @ x, "aten.matmul.default of two computed tensors"),
        (lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), "aten.pad.default by reflect"),
        (lambda x: F.pad(x, (-1, 0)), "aten.pad.default by less than nothing"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=3), "aten.avg_pool2d.default with a divisor of its own"),
        (lambda x: F.adaptive_max_pool2d(x, 4), "aten.adaptive_max_pool2d.default with unequal cells"),
        (lambda x: x.amax(1), "aten.amax.default over other axes than height and width"),
        (lambda x: torch.clamp(x, min=x * 0), "aten.clamp.Tensor with limits that are tensors"),
        (lambda x: x.half() * 2, "aten.to.dtype from torch.float32 to torch.float16"),
        (lambda x: F.dropout(x, 0.5, training=True), "aten.dropout.default in training"),
        (
            lambda x: F.batch_norm(x, None, None, training=True),
            "aten.batch_norm.default with the statistics of its own",
        ),
    ],
)
def test_arguments_without_a_canonical_kind_are_named(forward: Callable[[Tensor], Tensor], reason: str) -> None:
    with pytest.raises(BadInput) as error:
        traced(forward)
    assert reason in str(error.value)


@pytest.mark.parametrize("shape", [(), (1, 3, 0, 4), (1, -3)])
def test_an_impossible_input_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="input shape must be numbers above 0"):
        from_torch(nn.ReLU(), shape)


@pytest.mark.parametrize(
    ("model", "reason"),
    [(nn.Conv2d(3, 4, 1), "channels"), (nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), r"got \[1, 256\] X \[9, 2\]")],
    ids=["convolution", "linear"],
)
def test_an_input_that_the_model_cannot_take_is_told_in_a_sentence_alone(
    model: nn.Module, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = rf"for an input of shape \(1, 4, 8, 8\) \(another one is given by input_shape\); got: .*{reason}"
    with pytest.raises(BadInput, match=expected):
        from_torch(model, (1, 4, 8, 8))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lambda x: F.adaptive_avg_pool2d(x, 1), [kinds.Mean((2, 3), keep_axes=True)]),
        (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [kinds.AveragePool((2, 3), (2, 3))]),
        (lambda x: F.adaptive_avg_pool2d(x, 6), [kinds.Identity()]),
        (lambda x: F.adaptive_avg_pool2d(x, 4), [kinds.AdaptiveAveragePool((4, 4))]),
        (lambda x: F.adaptive_max_pool2d(x, 1), [kinds.MaxPool((6, 6), (6, 6))]),
        (lambda x: x.amax((2, 3)), [kinds.MaxPool((6, 6), (6, 6)), kinds.Reshape((2, 4))]),
        (lambda x: x.clamp(0, 6), [kinds.Activation("relu6")]),
        (lambda x: F.hardtanh(x, 0.0, 6.0), [kinds.Activation("relu6")]),
        (lambda x: x.clamp(min=0), [kinds.Activation("relu")]),
        (lambda x: x.flatten(1), [kinds.Reshape((2, 144))]),
        (lambda x: x[:, 1:3], [kinds.Slice(1, 1, 3)]),
        (lambda x: x[:, :, ::2], [kinds.Slice(2, 0, 6, 2)]),
    ],
)
def test_one_meaning_has_one_spelling(forward: Callable[[Tensor], Tensor], expected: list[kinds.Kind]) -> None:
    kinds_found = [op.kind for op in traced(forward).ops]
    # Slicing along one axis leaves identities for the others.
    assert [kind for kind in kinds_found if kind != kinds.Identity() or expected == [kinds.Identity()]] == expected


def test_what_is_computed_from_constants_alone_is_a_constant() -> None:
    class Standardised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 4, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight - self.weight.mean((1, 2, 3), keepdim=True))

    model = Standardised()
    graph = check(from_torch(model, SHAPE))
    assert [type(op.kind) for op in graph.ops] == [kinds.Convolution]
    x = torch.randn(SHAPE)
    with torch.no_grad():
        np.testing.assert_allclose(evaluate(graph, x.numpy())[0], model(x), atol=1e-5)
