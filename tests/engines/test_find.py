from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from featherlight.engines import ENGINES, available, find
from featherlight.errors import BadInput


def test_engines_are_found_by_name() -> None:
    assert list(ENGINES) == ["torch", "onnxruntime", "openvino", "native", "torch-compile", "torch-cuda"]
    assert find("torch") in available()
    assert find("onnxruntime").name == "onnxruntime"


def test_an_unknown_engine_answers_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"^engine must be a known name; got 'onnx' \(nearest: onnxruntime"):
        find("onnx")


@pytest.mark.parametrize("name", ["torch", "onnxruntime", "openvino"])
def test_an_engine_that_is_not_installed_says_how_to_install_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "featherlight.engines.library.find_spec", lambda package: None if package == name else real(package)
    )
    with pytest.raises(
        BadInput, match=f"^the engine {name} is not installed here; install it with: pip install {name}$"
    ):
        find(name)
    assert name not in [engine.name for engine in available()]


def test_asking_what_is_there_loads_no_engine() -> None:
    code = "import sys, featherlight.engines as e; e.available(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "onnx", "onnxruntime", "openvino"} & set(loaded)
