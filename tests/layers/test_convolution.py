from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.layers import ConvNorm
from featherlight.spec import Style


@settings(max_examples=50)
@given(size=st.integers(1, 20), kernel=st.sampled_from([1, 3, 5, 7]), stride=st.integers(1, 3), depthwise=st.booleans())
def test_same_padding_gives_ceil_of_size_over_stride_and_puts_the_odd_pixel_last(
    size: int, kernel: int, stride: int, depthwise: bool
) -> None:
    layer = ConvNorm(
        2, 2, kernel, Style(padding="same", norm="none"), stride=stride, groups=2 if depthwise else 1
    ).eval()
    torch.nn.init.ones_(layer.conv.weight)
    torch.nn.init.zeros_(layer.conv.bias)  # type: ignore[arg-type]
    x = torch.arange(2.0 * size * size).reshape(1, 2, size, size)
    y = layer(x)
    out = -(-size // stride)
    assert y.shape == (1, 2, out, out)
    # TensorFlow's rule: the first window starts this far outside.
    before = max((out - 1) * stride + kernel - size, 0) // 2
    window = x[:, :, : max(kernel - before, 0), : max(kernel - before, 0)]
    expected = window.sum((2, 3)) if depthwise else window.sum().expand(1, 2)
    torch.testing.assert_close(y[:, :, 0, 0], expected)


def test_a_style_without_norm_has_a_bias_and_one_with_norm_has_none() -> None:
    assert ConvNorm(1, 1, 1, Style(norm="none")).conv.bias is not None
    assert ConvNorm(1, 1, 1, Style(norm="batch")).conv.bias is None
