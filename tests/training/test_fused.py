"""The fused kernel against PyTorch's own operations, in float64 and step by step."""

from __future__ import annotations

import copy
import functools
import pickle
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from featherlight import create_model
from featherlight.compiler.training import batch_norm
from featherlight.layers.channel_shuffle import ChannelShuffle, halving
from featherlight.layers.convolution import conv_norm
from featherlight.layers.convolution import in_turn as in_order
from featherlight.training.fused import batch_norm as module
from featherlight.training.fused import depthwise, fused, halves
from featherlight.training.fused.batch_norm import batch_norm_activation
from featherlight.training.fused.depthwise import convolve

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "hard_swish": nn.Hardswish}
CHANNELS = st.sampled_from([1, 7, 8, 9, 15, 16, 17, 31, 33, 58, 116])
SIDES = st.integers(1, 9)


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def kernels_only() -> Iterator[None]:
    """Within the block batch norm of PyTorch's is an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "batch_norm", never)
        yield


def never(*_: object) -> None:
    raise AssertionError("this is not the way to take")


def a_norm(channels: int, momentum: float | None = 0.1) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=momentum)
    for tensor in norm.parameters():
        nn.init.normal_(tensor, 0.5)
    return norm


def maps(*shape: int) -> Tensor:
    return (2 * torch.randn(shape) + 1).contiguous(memory_format=torch.channels_last)


def outcome(
    run: Callable[[Tensor, nn.Module, nn.Module], Tensor], x: Tensor, dy: Tensor, norm: nn.Module, activation: nn.Module
) -> list[Tensor]:
    """The map, the gradients of x, weight and bias, and the buffers afterwards."""
    x = x.clone().requires_grad_()
    y = run(x, norm, activation)
    gradients = torch.autograd.grad(y, [x, *norm.parameters()], dy)
    return [y.detach(), *gradients, *(buffer.clone() for buffer in norm.buffers())]


def in_turn(x: Tensor, norm: nn.Module, activation: nn.Module) -> Tensor:
    y: Tensor = activation(norm(x))
    return y


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(st.integers(1, 5), CHANNELS, SIDES, SIDES, st.sampled_from([1, 2]), st.sampled_from([0.1, 0.003, None]))
def test_it_equals_batch_norm_and_activation_in_float64(
    activation: str, batch: int, channels: int, height: int, width: int, count: int, momentum: float | None
) -> None:
    if batch * height * width < 4:  # of fewer the gradient is rounding alone
        return
    torch.manual_seed(channels)
    norm, x = a_norm(channels, momentum), maps(batch, channels, height, width)
    double = copy.deepcopy(norm).double()
    act = ACTIVATIONS[activation]()
    with torch.no_grad():  # where rounding decides on which side of a kink a value lies, no gradient comes
        z = double(x.double())
        kinks = torch.stack([(z - kink).abs() for kink in (-3, 0, 3, 6)]).amin(0)
        double = copy.deepcopy(norm).double()
    dy = torch.randn(x.shape).masked_fill(kinks < 1e-4, 0).contiguous(memory_format=torch.channels_last)
    exact = outcome(in_turn, x.double(), dy.double(), double, act)
    with threads(count), kernels_only():
        got = outcome(batch_norm_activation, x, dy, norm, act)
    for one, other in zip(got, exact, strict=True):
        scale = 1 + other.abs().max()
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=float(3e-5 * scale))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_repeated_runs_are_equal_bit_by_bit(count: int) -> None:
    x, dy, norm = maps(16, 58, 14, 14), maps(16, 58, 14, 14), a_norm(58)
    with threads(count):
        runs = [outcome(batch_norm_activation, x, dy, copy.deepcopy(norm), nn.ReLU6()) for _ in range(5)]
    for run in runs[1:]:
        assert all(map(torch.equal, run, runs[0]))


def test_a_mean_far_from_zero_costs_no_variance() -> None:
    x = (maps(32, 8, 7, 7) + 3000.0).contiguous(memory_format=torch.channels_last)
    norm = nn.BatchNorm2d(8, momentum=1.0)
    batch_norm_activation(x, norm, nn.Identity())
    exact = x.double().var((0, 2, 3))
    torch.testing.assert_close(norm.running_var, exact.float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_comes_through(activation: str, bad: float) -> None:
    x, dy, norm, act = maps(2, 9, 4, 4), maps(2, 9, 4, 4), a_norm(9), ACTIVATIONS[activation]()
    x[1, 3, 2, 2] = bad
    dy[0, 5, 1, 1] = bad
    # The gradient that is not finite must meet an activation that lets it pass.
    with torch.no_grad():
        norm.weight[5], norm.bias[5] = 0.0, 1.0
    expected = outcome(in_turn, x, dy, copy.deepcopy(norm), act)
    got = outcome(batch_norm_activation, x, dy, norm, act)
    for one, other in zip(got, expected, strict=True):
        assert torch.equal(one.isfinite(), other.isfinite())
        assert torch.equal(one.isnan(), other.isnan())


def test_a_gradient_in_another_layout_is_taken() -> None:
    x, norm = maps(4, 8, 5, 5), a_norm(8)
    dy = maps(4, 8, 5, 5)
    one = outcome(batch_norm_activation, x, dy, copy.deepcopy(norm), nn.ReLU())
    other = outcome(batch_norm_activation, x, dy.contiguous(), copy.deepcopy(norm), nn.ReLU())
    assert all(map(torch.equal, one, other))


FALLS_BACK: dict[str, Callable[[], tuple[Tensor, nn.Module, nn.Module]]] = {
    "evaluation": lambda: (maps(2, 4, 3, 3), a_norm(4).eval(), nn.ReLU()),
    "channels first": lambda: (torch.randn(2, 4, 3, 3), a_norm(4), nn.ReLU()),
    "float64": lambda: (maps(2, 4, 3, 3).double(), a_norm(4).double(), nn.ReLU()),
    "no norm": lambda: (maps(2, 4, 3, 3), nn.Identity(), nn.ReLU()),
    "no weights": lambda: (maps(2, 4, 3, 3), nn.BatchNorm2d(4, affine=False), nn.ReLU()),
    "another activation": lambda: (maps(2, 4, 3, 3), a_norm(4), nn.SiLU()),
}


@pytest.mark.parametrize("case", FALLS_BACK)
def test_elsewhere_pytorch_does_the_work(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, norm, activation = FALLS_BACK[case]()
    expected = in_turn(x, copy.deepcopy(norm), activation)
    monkeypatch.setattr(module, "_BatchNormActivation", never)
    assert torch.equal(batch_norm_activation(x, norm, activation), expected)


def test_under_autocast_pytorch_chooses_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BatchNormActivation", never)
    monkeypatch.setattr(depthwise, "_Depthwise", never)
    with torch.autocast("cpu", torch.bfloat16):
        y = convolve(a_depthwise(4), maps(2, 4, 3, 3))
        assert batch_norm_activation(y, a_norm(4), nn.ReLU()).dtype == torch.bfloat16


def test_hooks_are_called() -> None:
    norm, seen = a_norm(4), []
    norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    batch_norm_activation(maps(2, 4, 3, 3), norm, nn.ReLU())
    assert len(seen) == 1


def test_a_single_value_a_channel_has_no_variance() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        batch_norm_activation(maps(1, 4, 1, 1), a_norm(4), nn.ReLU())


def test_where_nothing_can_be_compiled_pytorch_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no such target")

    monkeypatch.setattr(batch_norm, "kernels", fails)
    monkeypatch.setattr(module, "_kernels", functools.cache(module._kernels.__wrapped__))
    x, norm = maps(2, 4, 3, 3), a_norm(4)
    assert torch.equal(batch_norm_activation(x, copy.deepcopy(norm), nn.ReLU()), in_turn(x, norm, nn.ReLU()))


def a_depthwise(channels: int, side: int = 3, stride: int = 1, **arguments: Any) -> nn.Conv2d:
    arguments = {"padding": side // 2, "bias": False, "groups": channels, **arguments}
    return nn.Conv2d(channels, channels, side, stride, **arguments)


@given(
    st.integers(1, 3),
    st.integers(2, 20) | st.sampled_from([24, 58]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([3, 5]),
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2, 3]),
)
def test_depthwise_convolution_equals_pytorchs_in_float64(
    batch: int, channels: int, height: int, width: int, side: int, stride: int, count: int
) -> None:
    torch.manual_seed(0)
    convolution, x = a_depthwise(channels, side, stride), maps(batch, channels, height, width).requires_grad_()
    double = copy.deepcopy(convolution).double()
    exact = double(x.double())
    dy = torch.randn(exact.shape)
    with threads(count), pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Conv2d, "forward", never)
        y = convolve(convolution, x)
        got = y, *torch.autograd.grad(y, [x, convolution.weight], dy, retain_graph=True)
        again = torch.autograd.grad(y, [x, convolution.weight], dy)
    assert all(map(torch.equal, got[1:], again))
    true = exact, *torch.autograd.grad(exact, [x, double.weight], dy.double())
    for one, other in zip(got, true, strict=True):
        size = other.detach().abs().max().item()
        torch.testing.assert_close(one.detach().double(), other.detach().double(), rtol=0, atol=1e-5 * (1 + size))


def test_what_is_not_finite_stays_within_a_convolutions_reach() -> None:
    convolution, x = a_depthwise(8), maps(1, 8, 6, 6)
    x[0, 3, 0, 0] = float("inf")
    y = convolve(convolution, x)
    assert torch.equal(y.isfinite(), convolution(x).isfinite())
    assert torch.equal(y.isnan(), convolution(x).isnan())


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(8, 8, 3, padding=1),
        a_depthwise(8, padding=0),
        a_depthwise(8, bias=True),
        a_depthwise(8, padding=2, dilation=2),
        a_depthwise(8, padding_mode="circular"),
        a_depthwise(8, 7),
        a_depthwise(8).eval(),
    ],
)
def test_other_convolutions_are_pytorchs(convolution: nn.Conv2d, monkeypatch: pytest.MonkeyPatch) -> None:
    x = maps(2, 8, 7, 7)
    expected = convolution(x)
    monkeypatch.setattr(depthwise, "_Depthwise", never)
    assert torch.equal(convolve(convolution, x), expected)


@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 2, 3]))
def test_halves_are_split_and_shuffled_as_pytorch_does(
    batch: int, half: int, height: int, width: int, count: int
) -> None:
    x, dy = maps(batch, 2 * half, height, width).requires_grad_(), maps(batch, 2 * half, height, width)
    results = []
    for way in (halving.get(), halves.HALVING):
        with threads(count):
            left, right = way.split(x)
            y = way.shuffle(2 * left, right, ChannelShuffle(2))
            results.append((left, right, y, *torch.autograd.grad(y, x, dy)))
    assert all(map(torch.equal, *results))


def test_halves_in_another_layout_go_pytorchs_way() -> None:
    x = torch.randn(2, 6, 3, 3, requires_grad=True)
    left, right = halves.split(x)
    assert left.data_ptr() == x.data_ptr()  # a view
    y = halves.shuffle(left, right, ChannelShuffle(3))
    assert torch.equal(y, ChannelShuffle(3)(x))


def step(model: nn.Module, x: Tensor) -> list[Tensor]:
    loss = F.cross_entropy(model(x), torch.arange(len(x)) % 10)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return [loss.detach(), *gradients, *(buffer.clone() for buffer in model.buffers())]


@pytest.mark.parametrize("name", ["shufflenet_v2", "mobilenet_v2", "mobilenet_v3_small"])
def test_a_step_of_a_network_is_the_same_up_to_rounding(name: str) -> None:
    torch.manual_seed(0)
    width = 0.35 if name == "mobilenet_v2" else 0.5
    model = create_model(name, width=width, size=28, in_chans=1, num_classes=10).train()
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = maps(16, 1, 28, 28)
    exact = step(copy.deepcopy(model).double(), x.double())
    plain = step(copy.deepcopy(model), x)
    with fused():
        got = step(model, x)
    errors, others = (
        [
            float((one.double() - true.double()).norm() / (true.double().norm() + 1e-3))
            for one, true in zip(each, exact, strict=True)
        ]
        for each in (got, plain)
    )
    assert statistics.median(errors) <= statistics.median(others)
    # Rounding decides on which side of a kink a value lies, for PyTorch as for the kernel: some are off by percents.
    assert max(errors) <= max(0.03, 3 * max(others))


def test_a_model_stays_what_it_was() -> None:
    model = create_model("shufflenet_v2", width=0.5, size=28, in_chans=1, num_classes=10).train()
    names = list(model.state_dict())
    with fused():
        model(maps(4, 1, 28, 28))
        assert list(model.state_dict()) == names
        assert list(pickle.loads(pickle.dumps(model)).state_dict()) == names
        assert conv_norm.get() is not in_order
        assert halving.get() is halves.HALVING
    assert halving.get() is not halves.HALVING
    assert conv_norm.get() is in_order
