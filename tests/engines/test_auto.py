from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from featherlight.engines import ENGINES, ModuleSource, OnnxSource, available, choose, fastest
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source
from featherlight.errors import BadInput
from featherlight.timing import Target, this_machine


@pytest.fixture
def source() -> ModuleSource:
    torch.manual_seed(0)
    return ModuleSource(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5)), (3, 8, 8))


class Sluggish:
    """An engine that takes its time."""

    name, needs_module = "sluggish", False

    def missing(self) -> str | None:
        return None

    def build(self, source: Source, *, threads: int, batch: int = 1) -> Running:
        def run(images: Array) -> Array:
            sum(range(2_000_000))
            return images[:, 0, 0]

        return Running(Target("sluggish", "0", threads, "f32", batch, this_machine()), (batch, 3, 8, 8), run)


def test_the_fastest_is_chosen(source: ModuleSource, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = ENGINES["onnxruntime"]
    for order in ([Sluggish(), quick], [quick, Sluggish()]):
        monkeypatch.setattr("featherlight.engines.auto.available", lambda order=order: order)
        assert fastest(source, threads=1) is quick
        assert choose("auto", source, threads=1) is quick


def test_a_name_is_that_engine(source: ModuleSource) -> None:
    assert choose("torch", source, threads=1).name == "torch"
    with pytest.raises(BadInput, match=r"^engine must be a known name; got 'fastest'"):
        choose("fastest", source, threads=1)


def graph(path: Path, operator: str) -> OnnxSource:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2]) for name in ("images", "scores")]
    node = helper.make_node(operator, ["images"], ["scores"])
    model = helper.make_graph([node], "one", values[:1], values[1:])
    onnx.save(helper.make_model(model, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return OnnxSource(path)


def test_those_that_cannot_run_it_do_not_count(tmp_path: Path) -> None:
    assert fastest(graph(tmp_path / "net.onnx", "Relu"), threads=1) in available()  # torch runs no files


def test_where_none_can_run_it_one_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot run .*Quadruple"):
        fastest(graph(tmp_path / "net.onnx", "Quadruple"), threads=1)
