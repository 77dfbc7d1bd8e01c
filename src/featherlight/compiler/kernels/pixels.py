"""A caller's pixels as a network takes them: bytes, channel beside channel, become floats, plane by plane, scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, multiply_add, share, store, times
from featherlight.compiler.control import i64, loop

_BYTE, _I32 = ir.IntType(8), ir.IntType(32)
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Planes:
    """Pointers: uint8 (images, height, width, channels), float32 (images, channels, height, width).

    The result is `(x * scale + shift).transpose(0, 3, 1, 2)`, with a scale and a shift for each channel.
    """

    images: int
    height: int
    width: int
    scale: tuple[float, ...]
    shift: tuple[float, ...]

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "planes", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, result = given
        channels, plane = len(self.scale), FLOAT_BYTES * self.height * self.width
        vectors = self.width // code.vectors.lanes * code.vectors.lanes
        with loop(b, *share(b, thread, threads, self.images * self.height), name="line") as line:
            image, y = b.udiv(line, i64(self.height)), b.urem(line, i64(self.height))
            pixels = at(b, source, times(b, line, self.width * channels))
            floats = at(b, at(b, result, times(b, image, channels * plane)), times(b, y, FLOAT_BYTES * self.width))
            for low, high, lanes in ((0, vectors, code.vectors.lanes), (vectors, self.width, 1)):
                if low < high:
                    with loop(b, i64(low), i64(high), lanes, "pixel") as x:
                        self._pixels(b, pixels, floats, x, lanes, plane)

    def _pixels(self, b: Builder, pixels: Value, floats: Value, x: Value, lanes: int, plane: int) -> None:
        """That many pixels side by side, from the x-th on."""
        channels = len(self.scale)
        taken = b.load(at(b, pixels, times(b, x, channels)), align=1, typ=ir.VectorType(_BYTE, lanes * channels))
        kind = ir.VectorType(FLOAT, lanes)
        for channel, (scale, shift) in enumerate(zip(self.scale, self.shift, strict=True)):
            places = ir.Constant(ir.VectorType(_I32, lanes), [channel + channels * lane for lane in range(lanes)])
            value = b.uitofp(b.shuffle_vector(taken, taken, places), kind)
            value = multiply_add(b, value, fill(kind, scale), fill(kind, shift))
            store(b, value, at(b, floats, channel * plane), times(b, x, FLOAT_BYTES))
