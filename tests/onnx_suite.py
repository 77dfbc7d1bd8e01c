"""The backend suite of the onnx package against whatever computes a graph: computed, unsupported and failed apart.

`python tests/onnx_suite.py` prints the counts of the reference executor, with --native those of compiled networks and,
with --all, each case that is not computed.

A graph is fixed while it is read, so what a case gives as an input though a classifier holds it as a constant (a shape,
a scale, the limits of a clip) becomes a constant of the model. Values are compared and not their dtypes: the executor
computes in float64 and a compiled network in float32 whatever the model says, and what is expected is rounded to that.
The suite's own runner counts a refusal as passed; here none ever is.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, TensorProto, numpy_helper

import compiled_here
from featherlight.errors import BadInput
from featherlight.graph import check, evaluate, from_onnx
from featherlight.graph.onnx_ops import OPERATORS

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"

Compute: TypeAlias = Callable[..., Sequence[npt.NDArray[Any]]]  # a graph and its inputs: the outputs
Result = Literal["computed", "unsupported", "failed"]
Group = Literal["node", "pytorch-converted", "pytorch-operator", "simple", "light"]
GROUPS: tuple[Group, ...] = ("node", "pytorch-converted", "pytorch-operator", "simple", "light")

# The operators whose node cases measure the front end from one version to the next.
MEASURED = {
    *(
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "BatchNormalization",
        "Gemm",
        "Add",
        "Mul",
    ),
    *(
        "Relu",
        "Clip",
        "HardSwish",
        "HardSigmoid",
        "Sigmoid",
        "Concat",
        "Split",
        "Reshape",
        "Transpose",
        "Softmax",
        "Pad",
    ),
    *("QuantizeLinear", "DequantizeLinear", "QLinearConv"),
}

# Operators whose inputs after the first are settings; and those that are only ever computed of constants.
SETTINGS = {
    *(
        "Reshape",
        "Split",
        "Pad",
        "Slice",
        "Squeeze",
        "Unsqueeze",
        "Clip",
        "ReduceMean",
        "ReduceSum",
        "Dropout",
        "Gather",
    ),
    *("Expand", "Pow", "CastLike", "QuantizeLinear", "DequantizeLinear", "QLinearConv"),
}
CONSTANT = {
    *("Abs", "And", "Ceil", "ConstantOfShape", "Equal", "Exp", "Floor", "Greater", "Less", "Log", "Mod", "Not", "Or"),
    *("Range", "Reciprocal", "ReduceProd", "Sqrt", "Where"),
}

EPSILON = {"bfloat16": 2**-8}  # of types coarser than the suite's tolerance


@dataclass(frozen=True)
class Case:
    """A model, what it is given, and what must come out."""

    group: Group
    name: str
    model: ModelProto
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    rtol: float
    atol: float

    @property
    def operators(self) -> set[str]:
        return {node.op_type for node in self.model.graph.node}


def cases(group: Group) -> Iterator[Case]:
    """Every case of pytorch and of the light networks; of the others those made of operators that we know at all."""
    if group == "light":
        yield from map(light, sorted(path.stem for path in (DATA / "light").glob("*.onnx")))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite overflows while it makes its cases
        from onnx.backend.test.loader import load_model_tests

        found = load_model_tests(kind=group)
    for each in found:
        model = each.model or onnx.load(str(Path(str(each.model_dir)) / "model.onnx"))
        operators = {node.op_type for node in model.graph.node}
        ours = operators <= OPERATORS.keys() | MEASURED and not each.name.partition("_expanded")[1]
        if ours or group.startswith("pytorch"):
            # The cases of a file hold several sets; the first is as good as the others.
            inputs, outputs = each.data_sets[0] if each.data_sets else _stored(Path(str(each.model_dir)))
            yield Case(group, each.name, model, _arrays(inputs), _arrays(outputs), each.rtol, each.atol)


def light(name: str) -> Case:
    """A real network whose weights are one number throughout, on a ramp of an image."""
    model = onnx.load(DATA / "light" / f"{name}.onnx")
    constants = {constant.name for constant in model.graph.initializer}
    (image,) = (each for each in model.graph.input if each.name not in constants)
    shape = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
    ramp = (np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)).astype(np.float32)
    output = _tensor(DATA / "light" / f"{name}_output_0.pb")
    return Case("light", name, model, [ramp], [output], 1e-3, 1e-7)


def outcome(case: Case, compute: Compute = evaluate) -> tuple[Result, str]:
    """What became of a case, and why."""
    model, inputs = _fixed(case)
    try:
        graph = check(from_onnx(model))
        with np.errstate(all="ignore"):
            results = compute(graph, *inputs)
            for result, expected in zip(results, case.outputs, strict=True):
                assert result.shape == np.shape(expected)
                expected = np.asarray(expected)
                rtol = max(case.rtol, EPSILON.get(expected.dtype.name, 0.0))
                np.testing.assert_allclose(result, expected.astype(result.dtype), rtol, case.atol)
    except BadInput as error:
        return "unsupported", str(error)
    except Exception as error:  # whatever goes wrong is a failure of ours
        return "failed", f"{type(error).__name__}: {error}"
    return "computed", ""


def _fixed(case: Case) -> tuple[ModelProto, list[Any]]:
    """The model with its settings as constants, and what remains to be given."""
    fixed = len(case.inputs)
    if case.group != "light":
        fixed = 0 if case.operators & CONSTANT else 1 if case.operators & SETTINGS else fixed
    model = ModelProto()
    model.CopyFrom(case.model)
    constants = {constant.name for constant in model.graph.initializer}
    names = [each.name for each in model.graph.input if each.name not in constants]
    for name, value in list(zip(names, case.inputs, strict=True))[fixed:]:
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return model, list(case.inputs[:fixed])


def _stored(folder: Path) -> tuple[list[Any], list[Any]]:
    first = folder / "test_data_set_0"
    inputs, outputs = (
        [_tensor(first / f"{what}_{index}.pb") for index in range(len(list(first.glob(f"{what}_*.pb"))))]
        for what in ("input", "output")
    )
    return inputs, outputs


def _tensor(path: Path) -> npt.NDArray[Any]:
    tensor = TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def _arrays(values: Sequence[Any]) -> list[Any]:
    return [numpy_helper.to_array(value) if isinstance(value, TensorProto) else value for value in values]


def main() -> None:
    compute: Compute = compiled_here.run if "--native" in sys.argv else evaluate
    for group in GROUPS:
        counts: Counter[str] = Counter()
        measured: Counter[str] = Counter()
        for case in cases(group):
            result, reason = outcome(case, compute)
            counts[result] += 1
            if group == "node" and case.operators <= MEASURED:
                measured[result] += 1
            if result != "computed" and "--all" in sys.argv:
                print(f"{group} {case.name} {result}: {reason}")
        for name, count in ((group, counts), ("of these, measured operators", measured)):
            if count:
                print(f"{name}: " + ", ".join(f"{count[key]} {key}" for key in ("computed", "unsupported", "failed")))


if __name__ == "__main__":
    main()
