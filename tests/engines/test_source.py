"""What engines build from: in particular ONNX files as they may lie on a disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from featherlight.engines import OnnxSource, available, find
from featherlight.errors import BadInput

PIXELS = (1, 2, 2)
ONNX_ENGINES = [engine.name for engine in available() if engine.name != "torch"]


def write(path: Path, sizes: list[int | str], inputs: int = 1) -> Path:
    """A model that doubles its images and gives them as they lie: (batch, 1, 2, 2) to (batch, 4)."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["images", "two"], ["doubled"]), helper.make_node("Flatten", ["doubled"], ["scores"])],
        "double",
        [helper.make_tensor_value_info(f"images{n or ''}", TensorProto.FLOAT, sizes) for n in range(inputs)]
        + [helper.make_tensor_value_info("two", TensorProto.FLOAT, [])],  # files of old list their weights here, too
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [sizes[0], 4])],
        [numpy_helper.from_array(np.array(2, np.float32), "two")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("engine", ONNX_ENGINES)
@pytest.mark.parametrize(("first", "batch"), [(1, 1), (3, 3), ("batch", 1), ("batch", 3), ("", 2)])
def test_a_file_runs_with_the_batch_it_allows(tmp_path: Path, engine: str, first: int | str, batch: int) -> None:
    source = OnnxSource(write(tmp_path / "double.onnx", [first, *PIXELS]))
    images = np.arange(batch * 4, dtype=np.float32).reshape(batch, *PIXELS)
    with find(engine).build(source, threads=1, batch=batch) as running:
        assert running.input_shape == (batch, *PIXELS)
        assert np.array_equal(running(images), 2 * images.reshape(batch, 4))


@pytest.mark.parametrize(
    ("sizes", "inputs", "batch", "sentence"),
    [
        ([1, *PIXELS], 1, 2, r"^\S*double.onnx takes 1 image\(s\) at a time; got batch=2$"),
        ([1, 1, "height", 2], 1, 1, r"^\S*double.onnx leaves open how large its images are: name their size in pixels"),
        (
            [1, "channels", 2, 2],
            1,
            1,
            r"^the input of \S*double.onnx must not leave its channels open: export it for a",
        ),
        ([1, 2, 2], 1, 1, r"^the input of \S*double.onnx must have four dimensions; got 3$"),
        ([1, *PIXELS], 2, 1, r"^\S*double.onnx must have one input and one output; got 2 and 1$"),
    ],
)
def test_a_file_that_does_not_take_these_images_is_refused(
    tmp_path: Path, sizes: list[int | str], inputs: int, batch: int, sentence: str
) -> None:
    source = OnnxSource(write(tmp_path / "double.onnx", sizes, inputs))
    with pytest.raises(BadInput, match=sentence):
        find("onnxruntime").build(source, threads=1, batch=batch)


@pytest.mark.parametrize("engine", ONNX_ENGINES)
@pytest.mark.parametrize("sizes", [["batch", 1, "height", "width"], [1, 1, "", 2], ["batch", 1, "side", "side"]])
def test_a_file_that_leaves_its_images_size_open_is_told_it(
    tmp_path: Path, engine: str, sizes: list[int | str]
) -> None:
    source = OnnxSource(write(tmp_path / "double.onnx", sizes), size=2)
    assert source.input_shape == PIXELS
    images = np.arange(4, dtype=np.float32).reshape(1, *PIXELS)
    with find(engine).build(source, threads=1) as running:
        assert np.array_equal(running(images), 2 * images.reshape(1, 4))


@pytest.mark.parametrize(("sizes", "has"), [([1, *PIXELS], "2x2"), ([1, 1, "height", 2], "anyx2")])
def test_another_size_than_the_files_is_refused(tmp_path: Path, sizes: list[int | str], has: str) -> None:
    source = OnnxSource(write(tmp_path / "double.onnx", sizes), size=3)
    with pytest.raises(BadInput, match=rf"^\S*double.onnx takes images of {has}; got size 3$"):
        find("onnxruntime").build(source, threads=1)


@pytest.mark.parametrize("content", [b"not a model", bytes(100), b"\x08\x08" * 7])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(content)
    with pytest.raises(BadInput, match=r"^\S*broken\.onnx (is not an ONNX model|must have one input and one output)"):
        find("onnxruntime").build(OnnxSource(tmp_path / "broken.onnx"), threads=1)


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(BadInput, match=r"^\S*empty\.onnx is empty: copy or export the model again$"):
        find("onnxruntime").build(OnnxSource(tmp_path / "empty.onnx"), threads=1)


@pytest.mark.parametrize("name", ["absent.onnx", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"^\S+ cannot be read: (No such file|Is a directory)"):
        find("onnxruntime").build(OnnxSource(tmp_path / name), threads=1)


@pytest.mark.parametrize("engine", ONNX_ENGINES)
def test_a_model_with_an_unknown_operator_is_refused(tmp_path: Path, engine: str) -> None:
    path = write(tmp_path / "double.onnx", [1, *PIXELS])
    model = onnx.load(path)
    model.graph.node[0].op_type = "Quadruple"
    onnx.save(model, path)
    with pytest.raises(BadInput, match=r"cannot run .*double\.onnx: .*Quadruple"):
        find(engine).build(OnnxSource(path), threads=1)


def test_the_torch_engine_refuses_a_file(tmp_path: Path) -> None:
    source = OnnxSource(write(tmp_path / "double.onnx", [1, *PIXELS]))
    with pytest.raises(BadInput, match=r"^the engine torch runs torch modules; got .*double\.onnx$"):
        find("torch").build(source, threads=1)


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "double.onnx", [1, *PIXELS])
    assert OnnxSource(path).metadata == {}
    model = onnx.load(path)
    helper.set_model_props(model, {"label_names": '["a"]'})
    onnx.save(model, path)
    assert OnnxSource(path).metadata == {"label_names": '["a"]'}
