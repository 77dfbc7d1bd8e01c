"""The papers' formulas for single layers, in their letters where those are short.

Maps keep their size (stride 1, padding), as the papers assume; `hw` is the number of a map's places, height times
width. A multiplication with its addition is one multiply-add. Biases are left out.
"""

from __future__ import annotations

import math


def convolution(kernel: int, c1: int, c2: int, hw: int) -> int:
    """Multiply-adds of a normal convolution: K K M N F F (Howard et al. 2017, equation 2)."""
    return kernel * kernel * c1 * c2 * hw


def depthwise(kernel: int, channels: int, hw: int) -> int:
    """Multiply-adds of a depthwise convolution: K K M F F (Howard et al. 2017, equation 4)."""
    return kernel * kernel * channels * hw


def pointwise(c1: int, c2: int, hw: int) -> int:
    """Multiply-adds of a 1x1 convolution: M N F F (Howard et al. 2017, equation 5, second term)."""
    return c1 * c2 * hw


def separable_ratio(kernel: int, c2: int) -> float:
    """Multiply-adds of depthwise and pointwise, as a share of the normal convolution: 1/N + 1/K^2.

    Howard et al. 2017, section 3.1: for 3x3 kernels some 8 to 9 times less work.
    """
    return 1 / c2 + 1 / kernel**2


def grouped_convolution(kernel: int, c1: int, c2: int, hw: int, groups: int) -> int:
    """Multiply-adds in `groups` groups, a g-th of the normal convolution's (Zhang et al. 2018, section 3.1)."""
    return convolution(kernel, c1, c2, hw) // groups


def shuffle_unit(channels: int, middle: int, hw: int, groups: int) -> int:
    """Multiply-adds of ShuffleNet v1's unit at stride 1: hw(2cm/g + 9m) (Zhang et al. 2018, section 3.2)."""
    return hw * (2 * channels * middle // groups + 9 * middle)


def memory_access(c1: int, c2: int, hw: int, groups: int = 1) -> int:
    """Elements that a 1x1 convolution reads and writes: hw(c1 + c2) + c1 c2 / g (Ma et al. 2018, equations 1 and 2)."""
    return hw * (c1 + c2) + c1 * c2 // groups


def least_memory_access(multiply_adds: float, hw: int, groups: int = 1) -> float:
    """The least that a 1x1 convolution of B multiply-adds reads and writes: 2 sqrt(hw g B) + B / hw.

    Ma et al. 2018, equation 1 (there g = 1), guideline G1: reached exactly where c1 = c2.
    """
    return 2 * math.sqrt(hw * groups * multiply_adds) + multiply_adds / hw


def grouped_memory_access(c1: int, multiply_adds: float, hw: int, groups: int) -> float:
    """Elements that a grouped 1x1 convolution of `c1` channels and B multiply-adds reads and writes.

    hw c1 + B g / c1 + B / hw (Ma et al. 2018, equation 2, guideline G2): at equal input and work it grows with g.
    """
    return hw * c1 + multiply_adds * groups / c1 + multiply_adds / hw


def fire_saving(c1: int, squeeze: int, expand1: int, expand3: int) -> float:
    """How many times fewer weights a Fire module has than the 3x3 convolution with its channels in and out.

    9 c1 (e1 + e3) / (s c1 + s e1 + 9 s e3): Iandola et al. 2016, section 3.1, strategies 1 (1x1 in place of 3x3) and 2
    (fewer channels into the 3x3).
    """
    return 9 * c1 * (expand1 + expand3) / (squeeze * (c1 + expand1 + 9 * expand3))
