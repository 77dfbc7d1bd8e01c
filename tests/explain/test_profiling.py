"""A profile as a whole: timed for a moment, on networks that take no time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

import featherlight as fl
from featherlight.cost import Bandwidth, Ceilings
from featherlight.engines import auto, available
from featherlight.errors import BadInput
from featherlight.explain import Profile, profiling, what_if
from featherlight.graph import from_torch, to_onnx
from featherlight.timing import probe
from small_networks import small_networks

ENGINES = [engine.name for engine in available()]


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    """No probe of the machine, and a moment of timing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "ceilings", lambda threads: Ceilings(50e9, (Bandwidth(1 << 18, 100e9),)))
        patch.setattr(profiling, "SECONDS", 0.02)
        patch.setattr(what_if, "SECONDS", 0.02)
        yield


@dataclass
class Took:
    median: float


def network() -> nn.Module:
    torch.manual_seed(0)
    return fl.create_model("mobilenet_v2", width=0.35, num_classes=10, size=32)


@pytest.fixture(scope="module")
def made() -> Profile:
    return fl.profile(network(), size=16, engine="onnxruntime", what_if=True)


def test_rows_and_remainder_make_the_time_of_a_call(made: Profile) -> None:
    assert sum(row.seconds for row in made.rows) + made.remainder == pytest.approx(made.measurement.median)
    assert made.input_shape == (1, 3, 16, 16)
    assert made.measurement.target.engine == "onnxruntime"
    assert made.bound == pytest.approx(sum(row.bound or 0 for row in made.rows))


def test_findings_come_by_the_time_that_is_spent_there(made: Profile) -> None:
    shares = [made.share(finding) for finding in made.findings]
    assert shares == sorted(shares, reverse=True)
    assert {finding.guideline for finding in made.findings} >= {"G1", "G4"}


def test_mends_are_timed_beside_what_is_there(made: Profile) -> None:
    rebuilt = [change for change in made.what_if if change.comparison]
    assert rebuilt
    for change in rebuilt:
        assert change.before
        assert change.after
        assert change.multiply_adds
        assert change.comparison
        assert 0.1 < change.comparison.ratio < 10
        assert str(change).startswith(f"{change.finding.guideline} at {change.finding.origin}: {change.change}: ")
    for guideline in {change.finding.guideline for change in made.what_if}:
        assert sum(change.finding.guideline == guideline for change in made.what_if) <= what_if.WORST


def test_a_program_reads_the_same(made: Profile) -> None:
    document = json.loads(json.dumps(made.to_json(), allow_nan=False))
    assert document["time"]["median"] == made.measurement.median
    assert document["target"]["engine"] == "onnxruntime"
    assert len(document["rows"]) == len(made.rows)
    named = {document["findings"][at]["origin"] for row in document["rows"] for at in row["findings"]}
    assert named == {finding.origin for row in made.rows for finding in row.findings}
    assert [change["comparison"]["verdict"] for change in document["what_if"] if change["comparison"]]


def test_auto_takes_an_engine_that_can_run_what_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "measure", lambda running, **_: {name: Took(name != "torch") for name in running})
    assert fl.profile(network(), size=16).measurement.target.engine == "torch"
    assert fl.profile(network(), size=16, what_if=True).measurement.target.engine == "onnxruntime"


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_rows_for_the_same_work(engine: str, made: Profile) -> None:
    other = fl.profile(network(), size=16, engine=engine)
    for field in ("multiply_adds", "parameters"):
        assert sum(getattr(row, field) for row in other.rows) == sum(getattr(row, field) for row in made.rows)
    assert other.what_if == ()
    assert other.preparing is None


def test_a_photograph_is_timed_before_the_network(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.jpg")
    onnx.save(to_onnx(from_torch(small_networks()["fire"], (1, 3, 18, 22))), tmp_path / "net.onnx")
    before = fl.profile(tmp_path / "net.onnx", photo=tmp_path / "cat.jpg").preparing
    assert before
    assert all(0 < seconds < 1 for seconds in (before.reading, before.decoding, before.resizing))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"engine": "tensorrt"}, r"^engine must be a known name; got 'tensorrt'"),
        ({"threads": 0}, r"^threads must be a whole number above 0; got 0$"),
        ({"photo": "nowhere.jpg"}, r"^'nowhere.jpg' does not exist$"),
        ({"engine": "torch", "what_if": True}, r"^the engine torch runs torch modules only"),
    ],
)
def test_bad_input_is_a_sentence(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        fl.profile(small_networks()["fire"], input_shape=(3, 18, 22), **arguments)  # type: ignore[arg-type]


def test_a_module_that_is_no_graph_is_refused() -> None:
    class Sorted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sort(1).values.mean((2, 3))

    with pytest.raises(BadInput, match=r"^model must be made of known operators; got aten\.sort"):
        fl.profile(Sorted(), input_shape=(3, 8, 8))
