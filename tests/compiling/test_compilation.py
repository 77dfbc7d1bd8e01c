"""`fl.compile`: what it takes, what comes of it, and what it refuses in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import nn

import featherlight as fl
import featherlight_runtime
from featherlight.compiling.compilation import compile_program, prepare, write
from featherlight.errors import BadInput
from featherlight.graph import from_torch, to_onnx
from featherlight.pretrained import save

SHAPE = (1, 3, 16, 16)


def module(channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(channels, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
    )
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)).eval()


def images(batch: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((batch, *SHAPE[1:]), np.float32)


def scores(network: nn.Module, given: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        found: NDArray[np.float32] = network(torch.from_numpy(given)).numpy()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved network for two classes of 32x32 images."""
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("saved") / "result"
    model = fl.create_model("mobilenet_v1", width=0.25, num_classes=2, size=32).eval()
    save(home, model, label_names=["cat", "dog"], preprocessing={"input_size": [3, 32, 32], "crop_pct": 1.0})
    return home


def test_a_module_and_its_graph_and_its_file(tmp_path: Path) -> None:
    torch_module = module()
    graph = from_torch(torch_module, SHAPE)
    (tmp_path / "net.onnx").write_bytes(to_onnx(graph).SerializeToString())
    expected = scores(torch_module, images())
    for source in (torch_module, graph, tmp_path / "net.onnx", str(tmp_path / "net.onnx")):
        with fl.compile(source, size=16) as network:
            np.testing.assert_allclose(network(images()), expected, atol=1e-5)


def test_the_same_bits_on_any_number_of_threads_for_several_images_at_once() -> None:
    torch_module = module()
    found = [fl.compile(torch_module, size=16, batch=3, threads=threads)(images(3)) for threads in (1, 2, 5)]
    np.testing.assert_allclose(found[0], scores(torch_module, images(3)), atol=1e-5)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize("channels", [1, 4])
def test_a_module_has_the_channels_of_its_first_convolution(channels: int) -> None:
    torch_module = module(channels)
    given = np.random.default_rng(1).standard_normal((1, channels, 16, 16), np.float32)
    with fl.compile(torch_module, size=16) as network:
        np.testing.assert_allclose(network(given), scores(torch_module, given), atol=1e-5)


def test_a_module_that_fits_one_shape_alone_is_given_that() -> None:
    torch_module = nn.Sequential(nn.Flatten(), nn.Linear(2 * 7 * 5, 3)).eval()
    given = np.random.default_rng(1).standard_normal((2, 2, 7, 5), np.float32)
    with fl.compile(torch_module, input_shape=(2, 7, 5), batch=2) as network:
        np.testing.assert_allclose(network(given), scores(torch_module, given), atol=1e-5)
    with pytest.raises(
        BadInput, match=r"of shape \(1, 3, 224, 224\) \(another one is given by input_shape\); got: "
    ) as told:
        fl.compile(torch_module)
    assert "\n" not in str(told.value)


def test_a_folder_brings_what_a_photograph_needs(folder: Path, tmp_path: Path) -> None:
    classifier, photo = fl.load(folder), np.random.default_rng(2).integers(0, 256, (40, 50, 3), np.uint8)
    expected = classifier.scores([photo])
    for form in ("float32", "uint8"):
        fl.compile(folder, images=form, out=tmp_path / "net.flight")
        compiled = fl.load(tmp_path / "net.flight", threads=2)
        assert compiled.label_names == ("cat", "dog")
        assert compiled.preprocessing == classifier.preprocessing
        assert compiled.prepare([photo]).dtype == form
        np.testing.assert_allclose(compiled.scores([photo] * 3), expected.repeat(3, 0), rtol=1e-4, atol=1e-5)
        assert [best.label for best in compiled.predict(photo)] == [best.label for best in classifier.predict(photo)]


def test_pixels_need_no_preparing(folder: Path) -> None:
    classifier = fl.load(folder)
    photo = np.random.default_rng(3).integers(0, 256, (1, 32, 32, 3), np.uint8)
    with fl.compile(folder, images="uint8") as network:
        np.testing.assert_allclose(network(photo), classifier.scores([photo[0]]), rtol=1e-4, atol=1e-5)


def test_the_file_gives_the_same_bits(tmp_path: Path) -> None:
    with fl.compile(module(), size=16, out=tmp_path / "net.flight") as network:
        expected = network(images())
    with featherlight_runtime.load(tmp_path / "net.flight", threads=2) as network:
        assert np.array_equal(network(images()), expected)


def test_a_file_of_a_bare_network_is_no_classifier(tmp_path: Path) -> None:
    fl.compile(module(), size=16, out=tmp_path / "net.flight")
    with pytest.raises(BadInput, match=r"net\.flight does not say what becomes of a photograph"):
        fl.load(tmp_path / "net.flight")


def test_code_for_another_processor_is_refused_by_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(compile_program(prepare(module(), size=16, instructions="avx512")), tmp_path / "net.flight")
    monkeypatch.setattr("featherlight_runtime.cpu.flags", lambda: frozenset({"sse2"}))
    with pytest.raises(BadInput, match=r"^the processor must have the instruction sets .* it lacks avx2, fma, avx512f"):
        fl.load(tmp_path / "net.flight")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda content: content[:-100], "must be whole"),
        (lambda content: content[:2000] + bytes([content[2000] ^ 1]) + content[2001:], "was altered"),
        (lambda content: b"PK" + content[2:], "is something else"),
        (lambda content: b"", "is something else"),
    ],
    ids=["truncated", "altered", "other", "empty"],
)
def test_a_broken_file_is_a_sentence(harm: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    fl.compile(module(), size=16, out=path)
    path.write_bytes(harm(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BadInput, match=words) as told:
        fl.load(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        (nn.ReLU(), {"threads": 0}, "^threads must be a whole number above 0; got 0"),
        (nn.ReLU(), {"threads": 10**6}, "^threads must be a whole number from 1 to"),
        (nn.ReLU(), {"batch": 0}, "^batch must be a whole number above 0"),
        (nn.ReLU(), {"size": 0}, "^size must be a whole number above 0"),
        (nn.ReLU(), {"precision": "int8"}, "^precision must be 'float32'.*; got 'int8'"),
        (nn.ReLU(), {"images": "int8"}, "^images must be 'float32' or 'uint8'; got 'int8'"),
        (nn.ReLU(), {"images": "uint8"}, "^images can be 'uint8' only where the network says how"),
        (nn.ReLU(), {"out": "."}, "^out must be the name of a file"),
        (nn.ReLU(), {"input_shape": (3, 8, 9)}, "^input_shape holds height and width already; got size 4 as well"),
        (nn.ReLU(), {"size": None, "input_shape": (3, 8)}, "^input_shape must be channels, height and width, each"),
        ("mobilenet_v2", {"size": None, "input_shape": (3, 8, 9)}, "^input_shape goes with a torch module"),
        (3, {}, "^what is compiled must be a torch module, .*; got 3"),
        ("nowhere/net.onnx", {}, "cannot be read"),
        ("net.flight", {}, "is compiled already"),
        ("mobilnet_v2", {}, r"'mobilnet_v2' matches no network \(nearest: mobilenet_v2"),
    ],
)
def test_what_cannot_be_compiled_is_a_sentence(source: object, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as told:
        fl.compile(source, **{"size": 4, **arguments})  # type: ignore[arg-type]
    assert "\n" not in str(told.value)


def test_a_broken_onnx_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x09garbage")
    with pytest.raises(BadInput, match=r"net\.onnx is not an ONNX model"):
        fl.compile(tmp_path / "net.onnx")
    graph = from_torch(module(), SHAPE)
    (tmp_path / "net.onnx").write_bytes(to_onnx(graph).SerializeToString())
    with pytest.raises(BadInput, match=r"net\.onnx takes images of 16x16; got size 32"):
        fl.compile(tmp_path / "net.onnx", size=32)


def test_an_operation_that_cannot_be_compiled_is_named(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2]) for name in ("images", "scores")]
    node = helper.make_node("Quadruple", ["images"], ["scores"])
    onnx.save(helper.make_model(helper.make_graph([node], "one", values[:1], values[1:])), tmp_path / "net.onnx")
    with pytest.raises(BadInput, match=r"got Quadruple$"):
        fl.compile(tmp_path / "net.onnx")


def test_a_call_with_something_else_is_a_sentence() -> None:
    network = fl.compile(module(), size=16)
    for wrong in (images(2), images().astype(np.float64), "cat.jpg"):
        with pytest.raises(ValueError, match=r"^an image must be a NumPy array of float32 \(1, 3, 16, 16\); got "):
            network(wrong)  # type: ignore[arg-type]


def test_a_file_needs_no_torch_to_be_compiled(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(to_onnx(from_torch(module(), SHAPE)).SerializeToString())
    code = "import sys, featherlight as fl; fl.compile(sys.argv[1]); print(*sys.modules)"
    run = [sys.executable, "-c", code, str(tmp_path / "net.onnx")]
    assert "torch" not in subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
