"""What is computed of each element by itself: functions, arithmetic, batch norm, quantisation; operands broadcast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, fill, load, multiply_add, spread, store, times
from featherlight.compiler.kernels.activation import apply
from featherlight.compiler.kernels.dense.lanes import along, root
from featherlight.compiler.kernels.dense.quantise import quantise
from featherlight.compiler.kernels.dense.walk import Shape, Walk, broadcast, dense, rows, walk
from featherlight.graph import kinds


@dataclass(frozen=True)
class ElementWise:
    """Pointers: the operands, the result. The walk's last strides are the result's."""

    kind: kinds.Kind
    places: Walk

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "element_wise", len(self.places.strides), lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: tuple[Value, ...]) -> None:
        thread, threads, *pointers = given
        *steps, written = self.places.steps
        with rows(b, self.places, thread, threads, pointers) as ((*operands, result), start, stop):
            whole_row = [load(b, p, FLOAT) if step == 0 else None for p, step in zip(operands, steps, strict=True)]

            def some(index: Value, kind: ir.Type) -> None:
                values = [
                    load(b, p, kind, times(b, index, 4 * step)) if same is None else spread(b, same, kind)
                    for p, step, same in zip(operands, steps, whole_row, strict=True)
                ]
                value = FUNCTIONS[type(self.kind)](b, self.kind, *values)
                store(b, value, result, times(b, index, 4 * written))

            along(b, code.vectors, start, stop, some)


def element_wise(kind: kinds.Kind, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> ElementWise:
    """The kernel of a kind whose operands broadcast to its output."""
    (result,) = outputs
    return ElementWise(kind, walk(result, [*(broadcast(shape, result) for shape in inputs), dense(result)]))


def batch_norm(kind: kinds.BatchNorm, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> ElementWise:
    """The same, where vectors stand along the channels."""
    x, *vectors = inputs
    along_channels = tuple((*shape, *(1,) * (len(x) - 2)) for shape in vectors)
    return element_wise(kind, (x, *along_channels), outputs)


def normalise(
    b: Builder, kind: kinds.BatchNorm, x: Value, weight: Value, bias: Value, mean: Value, variance: Value
) -> Value:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias."""
    deviation = root(b, b.fadd(variance, fill(x.type, kind.epsilon)))
    return multiply_add(b, b.fsub(x, mean), b.fdiv(weight, deviation), bias)


FUNCTIONS: dict[type[kinds.Kind], Callable[..., Value]] = {
    kinds.Activation: lambda b, kind, x: apply(b, kind, x),
    kinds.Clip: lambda b, kind, x: apply(b, kind, x),
    kinds.BatchNorm: normalise,
    kinds.Quantize: quantise,
    kinds.Add: lambda b, kind, left, right: b.fadd(left, right),
    kinds.Subtract: lambda b, kind, left, right: b.fsub(left, right),
    kinds.Multiply: lambda b, kind, left, right: b.fmul(left, right),
    kinds.Divide: lambda b, kind, left, right: b.fdiv(left, right),
}
