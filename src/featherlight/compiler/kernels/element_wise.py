"""Functions of each element of maps whose channels lie side by side, alone or of two maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, load, share, store, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply

Operator = Literal["add", "subtract", "multiply", "divide"]

_OPERATORS: dict[Operator, Callable[[Builder, Value, Value], Value]] = {
    "add": lambda b, left, right: b.fadd(left, right),
    "subtract": lambda b, left, right: b.fsub(left, right),
    "multiply": lambda b, left, right: b.fmul(left, right),
    "divide": lambda b, left, right: b.fdiv(left, right),
}


@dataclass(frozen=True)
class Pixels:
    """A map as operand: bytes from an image and from a pixel to the next; a pixel is 0 where one stands for all."""

    image: int
    pixel: int


@dataclass(frozen=True)
class Combine:
    """Pointers: each operand, the result. A function of one operand, or of what an operator makes of two."""

    images: int
    pixels: int
    columns: int
    operands: tuple[Pixels, ...]
    result: Pixels
    operator: Operator | None = None
    activation: ElementWise | None = None

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "combine", len(self.operands) + 1, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, *pointers = given
        with loop(b, *share(b, thread, threads, self.images * self.pixels), name="pixel") as index:
            image, pixel = b.udiv(index, i64(self.pixels)), b.urem(index, i64(self.pixels))
            *operands, result = (
                at(b, at(b, pointer, times(b, image, by.image)), times(b, pixel, by.pixel))
                for pointer, by in zip(pointers, (*self.operands, self.result), strict=True)
            )
            with loop(b, i64(0), i64(self.columns), name="column") as column:
                offset = times(b, column, code.vectors.bytes)
                value, *other = (load(b, operand, code.vectors.type, offset) for operand in operands)
                if self.operator is not None:
                    value = _OPERATORS[self.operator](b, value, *other)
                if self.activation is not None:
                    value = apply(b, self.activation, value)
                store(b, value, result, offset)
