"""Many small cases compiled as one network in this process, and held against the graph's value in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from compiler.one_kernel import BEST, Floats
from featherlight.compiler import build, image, llvm
from featherlight.compiler.emission import emit
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.graph import Builder, Graph, Kind, Tensor, evaluate, kinds
from featherlight_runtime import Array, Network, Program

THREADS = (1, 2, 3)
CLOSE = 1e-5  # of the expected values' norm
PLAIN = kinds.Convolution()
Pair = tuple[int, int]


class Together:
    """A graph in the making, each of whose outputs is a case with a name of its own."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.random = np.random.default_rng(0)
        self.cases: dict[str, str] = {}
        self._made: dict[tuple[str, tuple[int, ...]], str] = {}

    def image(self, *shape: int) -> str:
        """What the caller gives: one for each shape."""
        return self._once("image", shape, lambda: self.builder.input("image", Tensor(shape)))

    def map(self, *shape: int) -> str:
        """A map (N, C, H, W) inside the network: one for each shape."""
        image = self.image(shape[0], 3, *shape[2:])
        return self._once("map", shape, lambda: self.convolution(image, shape[1]))

    def weight(self, *shape: int) -> str:
        """Numbers whose weighted sums are of the size of what they weigh."""
        size = max(1.0, float(np.prod(shape[1:]))) ** -0.5
        return self.builder.constant("weight", (size * self.random.standard_normal(shape)).astype(np.float32))

    def add(self, kind: Kind, *inputs: str) -> str:
        return self.builder.add(kind, inputs, type(kind).__name__.lower())[0]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.builder.tensors[name].shape

    def convolution(self, x: str, outputs: int, kernel: Pair = (1, 1), kind: kinds.Convolution = PLAIN) -> str:
        weight = self.weight(outputs, self.shape(x)[1] // kind.groups, *kernel)
        return self.add(kind, x, weight, self.weight(outputs))

    def depthwise(self, x: str, kernel: int, stride: int = 1) -> str:
        """A square one, whose map stays as large as its stride lets it."""
        channels, half = self.shape(x)[1], kernel // 2
        kind = kinds.Convolution((stride, stride), (half,) * 4, groups=channels)
        return self.convolution(x, channels, (kernel, kernel), kind)

    def case(self, name: str, output: str) -> None:
        assert name not in self.cases, f"two cases are called {name}"
        self.cases[name] = output

    def graph(self) -> Graph:
        return self.builder.graph(list(self.cases.values()))

    def agree(self, instructions: InstructionSet = BEST, *, fuse: bool = True, special: Sequence[float] = ()) -> None:
        """Raises AssertionError where a case differs, for random inputs and again with each `special` among them."""
        graph = self.graph()
        made = program(graph, instructions, fuse=fuse)
        for number in (None, *special):
            inputs = [self._numbers(graph.tensors[name].shape, number) for name in graph.inputs]
            for case, found, expected in zip(self.cases, results(made, inputs), values(graph, inputs), strict=True):
                close(case, found, expected)

    def _numbers(self, shape: tuple[int, ...], special: float | None) -> Floats:
        numbers = self.random.standard_normal(shape).astype(np.float32)
        if special is not None:
            numbers.flat[self.random.integers(0, numbers.size, 1 + numbers.size // 50)] = special
        return numbers

    def _once(self, what: str, shape: tuple[int, ...], make: Callable[[], str]) -> str:
        if (what, shape) not in self._made:
            self._made[what, shape] = make()
        return self._made[what, shape]


def program(graph: Graph, instructions: InstructionSet = BEST, *, fuse: bool = True) -> Program:
    """What `build.compiled` gives, without a process for LLVM, which takes longer to start than to compile a case."""
    plan = build.plan(graph, instructions, fuse=fuse)
    emitted = emit(plan)
    linked = image.link(llvm.object_code(emitted.text, llvm.machine(instructions), llvm.tidy))
    inputs, outputs = (tuple(Array(shape, "float32") for shape in shapes) for shapes in (plan.inputs, plan.outputs))
    steps = tuple(build.label(step) for step in plan.steps)
    return Program(
        linked.code, linked.entries, emitted.weights, emitted.arena, inputs, outputs, instructions.needs, steps
    )


def listing(graph: Graph, instructions: InstructionSet) -> str:
    """The assembly of what `program` runs."""
    return llvm.assembly(emit(build.plan(graph, instructions)).text, llvm.machine(instructions), llvm.tidy)


def results(made: Program, inputs: Sequence[Floats], threads: Sequence[int] = THREADS) -> list[Floats]:
    """What a network gives: the same bits for any number of threads, and whatever was computed before."""
    found: list[list[Floats]] = []
    for number in threads:
        with Network(made, number) as network:
            found.append(_call(network, inputs))
            if number == threads[0]:
                _call(network, [np.full_like(array, np.nan) for array in inputs])  # none of it may stay behind
                found.append(_call(network, inputs))
    for again in found[1:]:
        for one, other in zip(found[0], again, strict=True):
            np.testing.assert_array_equal(one.view(np.int32), other.view(np.int32))
    return found[0]


def values(graph: Graph, inputs: Sequence[Floats]) -> tuple[np.ndarray, ...]:
    """The graph's value in float64."""
    with np.errstate(all="ignore"):
        return evaluate(graph, *inputs)


def close(name: str, made: Floats, expected: np.ndarray, scale: float | None = None) -> None:
    """Raises AssertionError unless they differ by little of the norm, and in nothing that is not finite."""
    assert made.shape == expected.shape, name
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(made[~finite], expected[~finite].astype(np.float32), name)
    assert np.isfinite(made[finite]).all(), f"{name}: not finite"
    difference = float(np.linalg.norm(made[finite] - expected[finite]))
    norm = float(np.linalg.norm(expected[finite])) if scale is None else scale
    assert difference <= CLOSE * norm, f"{name}: {difference / max(norm, 1e-30):.2g} of the norm"


def _call(network: Network, inputs: Sequence[Floats]) -> list[Floats]:
    made = network(*inputs)
    return list(made) if isinstance(made, tuple) else [made]
