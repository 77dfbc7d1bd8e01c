"""A fit for a device that is not at hand: nothing is timed, and every time says that it was predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherlight.engines import ModuleSource
from featherlight.errors import BadInput
from featherlight.fitting import fit
from featherlight.fitting.candidates import Candidate
from latency_tables import made_up, write

SIZE = 32
CANDIDATES = tuple(Candidate("squeezenet_1_1", width, SIZE) for width in (0.25, 0.35, 0.5))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that differ in colour: 20 pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0)
    for label, colour in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
        (root / label).mkdir()
        for number in range(20):
            pixels = noise.normal(colour, 40, (SIZE, SIZE, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the thinnest and the widest candidate, for another number of classes."""
    graphs = {
        candidate.name: ModuleSource(candidate.network(10, 3).eval(), (3, SIZE, SIZE)).graph
        for candidate in (CANDIDATES[0], CANDIDATES[2])
    }
    return write(tmp_path_factory.mktemp("table") / "pi.json", made_up(graphs, sizes=[SIZE]))


@pytest.fixture(autouse=True)
def _three_candidates_and_no_stopwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.job.candidates", lambda size: {"squeezenet_1_1": CANDIDATES})
    monkeypatch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", -1e9)
    monkeypatch.setattr("featherlight.fitting.rungs.WIDTHS_EACH", 3)
    monkeypatch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 400.0)
    monkeypatch.setattr("featherlight.fitting.place.add_to_fit", lambda *_: None)
    monkeypatch.setattr("featherlight.fitting.bench.measure", lambda *_, **__: pytest.fail("something was timed"))


def test_times_are_the_tables_and_say_so_everywhere(pictures: Path, table: Path, tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "result"
    fitted = fit(pictures, "10s", out=out, size=SIZE, minutes=0.01, target=table, say=said.append)
    assert fitted.label == "predicted for Raspberry Pi 9, between bounds that are assumed"
    assert fitted.verdict == "fits"
    assert fitted.measurement.target.machine.cpu == "Raspberry Pi 9"
    document = json.loads((out / "fit.json").read_text())
    assert document["times"] == "predicted for Raspberry Pi 9, between bounds that are assumed"
    assert document["target"]["threads"] == 2
    assert all(each["predicted"] and each["runs"] == 0 for each in document["candidates"])
    card = (out / "README.md").read_text()
    assert "predicted for Raspberry Pi 9, between bounds that are assumed: " in card
    assert "not measured" in card
    assert any(
        sentence.startswith("predicted for Raspberry Pi 9") and "squeezenet_1_1 0.25x at 32 " in sentence
        for sentence in said
    )
    assert any("were not timed on the device; others of their kind tell of them" in sentence for sentence in said)
    assert any(
        sentence.startswith("predicted for Raspberry Pi 9, between bounds that are assumed: ") for sentence in said
    )


def test_the_upper_bound_must_keep_the_budget(pictures: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"as predicted for Raspberry Pi 9, .* assumed: the nearest, .* takes .* at most"
    ):
        fit(pictures, "1us", out=tmp_path / "result", size=SIZE, minutes=0.01, target=table)
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"engine": "openvino"}, "the latency table is of onnxruntime; got engine 'openvino': leave it out"),
        ({"threads": 4}, r"the latency table is of 2 thread\(s\); got threads 4"),
        ({"size": 96}, "the latency table is of images of 32 pixels; got 96"),
        ({"size": None}, "the latency table is of images of 32 pixels; got 160, 96"),
        ({"target": "nowhere.json"}, r"nowhere\.json cannot be read"),
    ],
)
def test_what_the_table_cannot_tell_is_refused(
    pictures: Path, table: Path, tmp_path: Path, argument: dict[str, object], sentence: str
) -> None:
    arguments: dict[str, object] = {"budget": "10s", "size": SIZE, "target": table, "out": tmp_path / "result"}
    with pytest.raises(BadInput, match=sentence):
        fit(pictures, **(arguments | argument))  # type: ignore[arg-type]
    assert not (tmp_path / "result").exists()
