"""Whatever a file holds, it becomes a graph or one sentence, soon, and nothing outside its folder is read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from featherlight.errors import BadInput
from featherlight.graph import check, from_onnx

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def node(operator: str, inputs: str, outputs: str = "y", **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def model_of(
    nodes: Sequence[NodeProto],
    constants: dict[str, npt.NDArray[Any]] | None = None,
    *,
    shape: Sequence[int | str] = (1, 4, 5, 5),
    opset: int = 17,
    dtype: int = FLOAT,
) -> ModelProto:
    """A model from "x" to "y"."""
    return helper.make_model(
        helper.make_graph(
            list(nodes),
            "graph",
            [helper.make_tensor_value_info("x", dtype, shape)],
            [helper.make_empty_tensor_value_info("y")],
            [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )


def refused(model: ModelProto | bytes | str | Path, sentence: str) -> None:
    start = time.process_time()
    with pytest.raises(BadInput, match=sentence) as caught:
        from_onnx(model)
    assert time.process_time() - start < 5
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 4000


RELU = model_of([node("Relu", "x")])
NETWORK = model_of(
    [
        node("Conv", "x w b", "c", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Clip", "c low high", "r"),
        node("ReduceMean", "r", "m", axes=[2, 3]),
        node("Reshape", "m shape", "f"),
        node("Gemm", "f v", "y", transB=1),
    ],
    {
        "w": np.ones((6, 4, 3, 3), np.float32),
        "b": np.ones(6, np.float32),
        "low": np.zeros((), np.float32),
        "high": np.full((), 6, np.float32),
        "shape": np.array([1, -1]),
        "v": np.ones((3, 6), np.float32),
    },
)


@given(data=st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(BadInput):
        from_onnx(data)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(part: float, tmp_path: Path) -> None:
    data = NETWORK.SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: int(part * len(data))])
    refused(path, "model")


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_file_with_other_bytes(changes: list[tuple[float, int]]) -> None:
    data = bytearray(NETWORK.SerializeToString())
    for where, value in changes:
        data[int(where * len(data))] = value
    try:
        graph = from_onnx(bytes(data))
    except BadInput:
        return
    check(graph)


def test_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "missing.onnx", "must be a regular file that can be read")
    refused(tmp_path, "must be a regular file")
    refused(str(tmp_path / "a\0b"), "must be a regular file that can be read")
    os.mkfifo(tmp_path / "pipe.onnx")
    refused(tmp_path / "pipe.onnx", "must be a regular file")
    refused("/dev/zero", "must be a regular file")
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2 << 30)
    refused(tmp_path / "large.onnx", "at most 1073741824 bytes")


def edited(change: Callable[[ModelProto], object], model: ModelProto = RELU) -> ModelProto:
    """A copy with something wrong."""
    copy = ModelProto()
    copy.CopyFrom(model)
    change(copy)
    return copy


WRONG = helper.make_tensor_value_info("y", FLOAT, (1, 2))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (model_of([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b")]), "reads 'b', which no input"),
        (model_of([node("Relu", "nothing")]), "Relu at y reads 'nothing', which no input, constant or earlier node"),
        (model_of([node("Relu", "x"), node("Tanh", "x")]), "output of Tanh at y 'y' must have a name of its own"),
        (model_of([node("Relu", "x", "x")]), "'x' must have a name of its own"),
        (model_of([node("Relu", "x", "z")]), "output 'y' must come from"),
        (model_of([]), "output 'y' must come from"),
        (edited(lambda model: model.graph.ClearField("output")), "model must have an output"),
        (edited(lambda model: model.graph.output[0].CopyFrom(WRONG)), "output 'y' must have its declared shape"),
        (edited(lambda model: model.ClearField("opset_import")), "opset of a model must be one from 6 to .*got none"),
        (model_of([node("Relu", "x")], opset=5), "opset of a model must be one from 6 to [0-9]+; got 5"),
        (model_of([node("Relu", "x")], opset=1000), "got 1000"),
        (model_of([node("HardSwish", "x")], opset=13), "got HardSwish in opset 13"),
        (model_of([node("MaxPool", "x", "a i", kernel_shape=[2, 2]), node("Relu", "i")]), "Relu at y of 'i'"),
        (model_of([node("Relu", "x x")]), "Relu at y must have 1 to 1 inputs; got 2"),
        (model_of([node("Relu", "x", alpha=1.0)]), "attribute 'alpha' that its operator does not take"),
        (model_of([node("Conv", "x x", strides=1.5)]), "attribute 'strides' that its operator does not take"),
        (model_of([node("MaxPool", "x")]), "must have the attribute 'kernel_shape'"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_hang_together(model: ModelProto, sentence: str) -> None:
    refused(model, sentence)


def test_each_unknown_operator_is_named_once() -> None:
    nodes = [
        node("NonMaxSuppression", "x", "a"),
        node("Relu", "a", "b"),
        node("NonMaxSuppression", "b", "c"),
        helper.make_node("FusedConv", ["c"], ["d"], domain="com.microsoft"),
        node("Pad", "x p", "e", mode="reflect"),
        node("Add", "d e"),
    ]
    model = model_of(nodes, {"p": np.zeros(8, np.int64)})
    refused(model, "known operators; got NonMaxSuppression, com.microsoft:FusedConv, Pad at e by reflect$")


def nested(depth: int) -> NodeProto:
    inner = node("Relu", "x") if depth == 0 else nested(depth - 1)
    branch = helper.make_graph([inner], "branch", [], [helper.make_empty_tensor_value_info("y")])
    return node("If", "x", then_branch=branch, else_branch=branch)


def test_deep_and_many() -> None:
    refused(model_of([nested(10)]), "got If$")
    refused(model_of([node("Relu", "x", f"y{index}") for index in range(30_001)]), "number of nodes must be at most")
    refused(model_of([node("Concat", "x " * 300_001, axis=1)]), "inputs, outputs and attributes must be at most")
    nodes = [node("Relu", "x" if index == 0 else f"t{index}", f"t{index + 1}") for index in range(29_999)]
    start = time.process_time()
    graph = from_onnx(model_of([*nodes, node("Relu", "t29999")]))
    assert len(graph.ops) == 30_000
    assert time.process_time() - start < 5


def constant(**fields: Any) -> ModelProto:
    """x + w, where w is not what it says."""
    model = model_of([node("Add", "x w")])
    said: dict[str, Any] = {"data_type": FLOAT, "dims": [4, 1, 1]} | fields
    model.graph.initializer.append(TensorProto(name="w", **said))
    return model


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (constant(raw_data=b"\0" * 12), "shape \\(4, 1, 1\\) must hold 16 bytes; got 12"),
        (constant(float_data=[1.0] * 5), "must hold 4 entries; got 5"),
        (constant(raw_data=b"\0" * 16, dims=[2**31, 2**31, 2**62]), "at most [0-9]+ elements"),
        (constant(raw_data=b"", dims=[-1, 0]), "must have sizes from 0"),
        (constant(data_type=TensorProto.STRING, string_data=[b"a"] * 4), "known type; got string"),
        (constant(data_type=TensorProto.FLOAT8E4M3FN, raw_data=b"aaaa"), "known type; got float8e4m3fn"),
        (constant(data_type=TensorProto.UNDEFINED), "known type; got undefined"),
        (model_of([node("Relu", "x")], shape=(1, 0, 5)), "sizes of input 'x' must be above 0"),
        (model_of([node("Relu", "x")], shape=(2**40, 2**40)), "sizes of input 'x' must be above 0 and"),
        (model_of([node("Relu", "x")], dtype=TensorProto.STRING), "input 'x' must be numbers of a known type"),
        (edited(lambda model: model.graph.input[0].type.Clear()), "input 'x' must be numbers of a known type"),
        (edited(lambda model: model.graph.input.append(model.graph.input[0])), "input 'x' must have a name of its own"),
        (edited(lambda model: model.graph.sparse_initializer.add()), "constants of a model must be dense"),
    ],
)  # fmt: skip
def test_tensors_that_are_not_what_they_say(model: ModelProto, sentence: str) -> None:
    refused(model, sentence)


def ints(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def floats(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


KERNEL = {"w": np.ones((4, 4, 3, 3), np.float32)}
QUANTISED = {"q": np.ones(1, np.int8), "s": floats(1), "z": np.ones(1, np.uint8)}
HUGE = {"s": ints(2**20, 2**20), "e": ints(2**27)}


@pytest.mark.parametrize(
    ("nodes", "constants", "sentence"),
    [
        ([node("Conv", "x w", pads=[-1, 0, 0, 0])], KERNEL, "pads must be four numbers, 0 or more"),
        ([node("Conv", "x w", pads=[1])], KERNEL, "pads must be four numbers"),
        ([node("Conv", "x w", strides=[0, 1])], KERNEL, "strides must be two numbers above 0"),
        ([node("Conv", "x w", dilations=[0, 1])], KERNEL, "dilations must be two numbers above 0"),
        ([node("Conv", "x w", group=3)], KERNEL, "groups must be a divisor of 4 input and 4 output channels; got 3"),
        ([node("Conv", "x w", group=0)], KERNEL, "groups must be a divisor"),
        ([node("Conv", "x w", auto_pad="WIDE")], KERNEL, "auto_pad must be NOTSET, VALID"),
        ([node("Conv", "x w", kernel_shape=[5, 5])], KERNEL, "kernel_shape must be the weight's"),
        ([node("Conv", "x w")], {"w": np.ones((4, 4, 7, 7), np.float32)}, "kernel must be at most 5x5"),
        ([node("Conv", "x w")], {"w": np.ones((4, 4), np.float32)}, "must be of 4 dimensions"),
        ([node("MaxPool", "x", kernel_shape=[7, 7])], {}, "kernel must be at most 5x5"),
        ([node("MaxPool", "x", kernel_shape=[2**40, 1], strides=[2**62, 1])], {}, "kernel must be at most"),
        ([node("Reshape", "x s")], {"s": ints(3, -1)}, "shape must be of 100 elements"),
        ([node("Reshape", "x s")], {"s": ints(-1, -1)}, "shape must be of 100 elements"),
        ([node("Reshape", "x s")], {"s": floats(1, 2)}, "must be a list of whole numbers"),
        ([node("Split", "x", "a y", axis=9)], {}, "axes must be different ones of 4 dimensions"),
        ([node("Squeeze", "x s")], {"s": ints(1)}, "axes must be of size 1"),
        ([node("Transpose", "x", perm=[0, 1, 1, 2])], {}, "permutation must be an order of the 4 dimensions"),
        ([node("Pad", "x s")], {"s": ints(1, 2)}, "pads must be 8 numbers; got 2"),
        ([node("Pad", "x s")], {"s": ints(0, 0, 0, 0, 2**40, 0, 0, 0)}, "tensor y must be of at most"),
        ([node("Add", "x w")], {"w": floats(1, 2, 3)}, "operands must be of shapes that broadcast"),
        ([node("Gemm", "x x")], {}, "A and B must be matrices"),
        ([node("LRN", "x", size=0)], {}, "size must be from 1 to 1024"),
        ([node("LRN", "x", size=2**31)], {}, "size must be from 1 to 1024"),
        ([node("ConstantOfShape", "s")], HUGE, "shape must hold at most"),
        ([node("ConstantOfShape", "e", "a"), node("Add", "a a")], HUGE, "constants take at most"),
        ([node("Gather", "x s", axis=1)], {"s": ints(4)}, "indices must be whole numbers from -4 to 3"),
        ([node("Slice", "x s s s s")], {"s": ints(0)}, "no step 0"),
        ([node("Clip", "x s")], {"s": floats(np.nan)}, "limits must be numbers"),
        ([node("BatchNormalization", "x s s s s")], {"s": floats(-1, -1, -1, -1)}, "variance \\+ epsilon must be"),
        ([node("QuantizeLinear", "x s")], {"s": floats(0)}, "scale must be finite numbers above 0"),
        ([node("QuantizeLinear", "x s")], {"s": floats(np.nan)}, "scale must be finite numbers above 0"),
        ([node("QuantizeLinear", "x s")], {"s": floats(1, 2, 3)}, "scale must be one number or 4"),
        ([node("DequantizeLinear", "q s z")], QUANTISED, "zero point must be of the values' type int8"),
    ],
)  # fmt: skip
def test_attributes_that_do_not_fit(
    nodes: list[NodeProto], constants: dict[str, npt.NDArray[Any]], sentence: str
) -> None:
    refused(model_of(nodes, constants), sentence)


def test_a_tensor_that_grows_at_each_node() -> None:
    nodes = [node("Concat", f"t{index} t{index}", f"t{index + 1}", axis=1) for index in range(1, 64)]
    refused(model_of([node("Relu", "x", "t1"), *nodes, node("Relu", "t64")]), "must be of at most [0-9]+ elements")


def outside(folder: Path, location: str, **entries: str) -> Path:
    """A model in `folder` that says its weight lies at `location`."""
    model = constant(data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        model.graph.initializer[0].external_data.add(key=key, value=value)
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder beside a file that is none of its business."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(b"s" * 64)
    (inside / "weights.bin").write_bytes(b"\0" * 16)
    (inside / "out").symlink_to(tmp_path / "secret.bin")
    (inside / "parent").symlink_to(tmp_path)
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "within").symlink_to(inside / "weights.bin")
    os.link(tmp_path / "secret.bin", inside / "hard.bin")
    os.mkfifo(inside / "pipe")
    return inside


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "sub/../../secret.bin",
        "sub\\..\\..\\secret.bin",
        "/dev/zero",
        "out",
        "parent/secret.bin",
        "loop",
        "hard.bin",
        "pipe",
        "sub",
        "missing.bin",
        "",
        "a" * 5000,
    ],
)
def test_data_outside_the_folder(folder: Path, location: str) -> None:
    refused(outside(folder, location), "tensor 'w' must lie in a regular file inside the model's folder")


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"offset": "4"}, "must end within 'weights.bin' of 16 bytes; got 4 \\+ 16"),
        ({"offset": "-4"}, "must have a whole number as offset"),
        ({"offset": "9" * 30}, "must have a whole number as offset"),
        ({"length": "12"}, "must hold 16 bytes; got length 12"),
        ({"__class__": "x"}, "must name a location, an offset and a length"),
    ],
)
def test_data_beyond_the_end(folder: Path, entries: dict[str, str], sentence: str) -> None:
    refused(outside(folder, "weights.bin", **entries), sentence)


def test_data_in_the_folder_is_read_with_a_path_only(folder: Path) -> None:
    for location in ("weights.bin", "within"):
        path = outside(folder, location)
        assert not from_onnx(path).constants["w"].any()
    refused(path.read_bytes(), "the model must be given as a path")
