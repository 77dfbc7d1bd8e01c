"""Fits of several stages by a made-up latency table: nothing is timed; what is better is made so."""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pytest

import featherlight as fl
import search_given
import small_shrink
from featherlight.errors import BadInput
from featherlight.fitting import Fitted, finished, fit
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.judge import judge
from featherlight.fitting.place import replace_network
from featherlight.graph import Graph, from_spec
from featherlight.journal import Journal
from featherlight.latency import pieces, read_table
from featherlight.layers import Network
from featherlight.pretrained import save
from featherlight.searching import job as searching
from featherlight.searching import random_genes
from featherlight.spec import Spec, widen
from featherlight.training import train_network
from latency_tables import made_up, write

SIZE = 32
CANDIDATES = tuple(Candidate("squeezenet_1_1", width, SIZE) for width in (0.5, 1.0, 2.0))


class Given(NamedTuple):
    photos: Path
    table: Path
    space: Path
    budget: float


def spec(candidate: Candidate) -> Spec:
    """Three rows stand for the network, so that nothing takes long."""
    return widen(small_shrink.SPEC, candidate.width)


def graph(spec: Spec) -> Graph:
    return from_spec(spec, (1, 3, SIZE, SIZE), 2)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """A budget that all candidates but the widest one keep."""
    folder = tmp_path_factory.mktemp("given")
    graphs = {each.name: graph(spec(each)) for each in CANDIDATES}
    random, space = np.random.default_rng(0), search_given.space(folder / "small.py")
    for number in range(12):
        drawn = space.spec(random_genes(space, random))
        assert drawn is not None
        graphs[f"{number}x"] = graph(drawn)
    table = write(folder / "pi.json", made_up(graphs, sizes=[SIZE]))
    middle, widest = (read_table(table).predict(pieces(graph(spec(each)))) for each in CANDIDATES[1:])
    assert middle.high < widest.seconds
    return Given(small_shrink.photographs(folder / "photos"), table, folder / "small.py", 1.01 * middle.high)


def small(patch: pytest.MonkeyPatch) -> None:
    """Three candidates stand for all, and nothing is timed."""
    patch.setattr(Candidate, "spec", property(spec))
    # The table knows the candidates whole, and is less sure of what is cut out of them.
    patch.setattr("featherlight.fitting.stages.SPARE", 0.9)
    few = {"squeezenet_1_1": CANDIDATES}
    for room in ("job", "wider"):
        patch.setattr(f"featherlight.fitting.{room}.candidates", lambda size: few)
    for rate in ("fitting.rates", "shrinking.plan", "searching.finals"):
        patch.setattr(f"featherlight.{rate}.fastest_threads", lambda *_, **__: 1)
        patch.setattr(f"featherlight.{rate}.images_per_second", lambda *_, **__: 300.0)
    patch.setattr("featherlight.fitting.place.add_to_fit", lambda *_: None)
    patch.setattr("featherlight.fitting.bench.measure", lambda *_, **__: pytest.fail("something was timed"))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a later stage makes is right more often than is possible, and so takes its place."""
    above = itertools.count(2)
    monkeypatch.setattr("featherlight.fitting.judge.evaluate", lambda *_, **__: float(next(above)))


@pytest.fixture
def worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.judge.evaluate", lambda *_, **__: 0.0)


def run(given: Given, out: Path, **changes: Any) -> Fitted:
    asked: dict[str, Any] = {"size": SIZE, "minutes": 0.02, "target": given.table, "effort": "normal", "out": out}
    return fit(given.photos, given.budget, **asked | changes)


@pytest.fixture(scope="module")
def chosen(given: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of each effort, stopped when its first stage was over: what all of them begin with is done once."""

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    folder = tmp_path_factory.mktemp("chosen")
    for effort in ("normal", "thorough"):
        with pytest.MonkeyPatch.context() as patch:
            small(patch)
            patch.setattr("featherlight.fitting.job.improve", stop)
            with pytest.raises(KeyboardInterrupt):
                run(given, folder / effort, effort=effort)
    return folder


def go_on(given: Given, chosen: Path, out: Path, effort: str = "normal", **changes: Any) -> Fitted:
    """The stages after the first."""
    shutil.copytree(chosen / effort, out)
    return run(given, out, effort=effort, resume=True, **changes)


def same_network(one: Path, other: Path) -> bool:
    weights = [(folder / "model.safetensors").read_bytes() for folder in (one, other)]
    return fl.load(one).model.spec == fl.load(other).model.spec and weights[0] == weights[1]


@pytest.mark.usefixtures("better")
def test_a_wider_network_shrunk_to_the_budget_takes_the_place_of_the_one_chosen(given: Given, tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "result"
    fitted = run(given, out, say=said.append)
    assert fitted.name == "squeezenet_1_1 2x at 32, shrunk"
    assert fitted.verdict == "fits"
    assert fitted.measurement.p90 <= given.budget
    assert same_network(out, out / "stages" / "shrunk")
    assert fitted.classifier().model.spec not in [each.spec for each in CANDIDATES]
    predicted = read_table(given.table).predict(pieces(graph(fl.load(out).model.spec)))
    assert fitted.measurement.median == pytest.approx(predicted.seconds)
    assert (out / "model.onnx").read_bytes() == (out / "stages" / "shrunk" / "model.onnx").read_bytes()

    document = json.loads((out / "fit.json").read_text())
    assert document == json.loads(json.dumps(fitted.to_json()))
    assert (document["effort"], document["network"], document["width"]) == ("normal", fitted.name, None)
    first, second = document["stages"]
    assert [(first["name"], first["kept"]), (second["name"], second["kept"])] == [("choose", True), ("shrink", True)]
    assert first["network"] == fitted.candidate.name == document["training"]["name"]
    assert second["seconds"] == pytest.approx(0.65 * 0.02 * 60)
    assert all(width["after"] < width["before"] for width in second["table"])
    assert second["table"]
    card = (out / "README.md").read_text()
    assert "# result\n" in card
    assert "Chosen by `featherlight fit --effort normal`" in card
    assert fitted.name in card
    assert {path.name for path in (out / "stages").iterdir()} == {"wider", "shrunk"}
    assert not (out / "candidates").exists()
    assert len(fl.load(out).predict(given.photos / "blue" / "1.png")) == 2
    assert run(given, out, resume=True).to_json() == fitted.to_json()
    with pytest.raises(BadInput, match="effort was 'normal' and is 'thorough'"):
        run(given, out, effort="thorough", resume=True)


@pytest.mark.usefixtures("worse")
def test_one_that_is_not_more_often_right_does_not(given: Given, chosen: Path, tmp_path: Path) -> None:
    out = tmp_path / "result"
    fitted = go_on(given, chosen, out)
    assert fitted.name == fitted.candidate.name
    assert fl.load(out).model.spec == fitted.candidate.spec
    document = json.loads((out / "fit.json").read_text())
    assert (document["network"], document["width"]) == (fitted.name, fitted.candidate.width)
    assert [stage["kept"] for stage in document["stages"]] == [True, False]
    assert document["stages"][1]["note"] == "it is not more often right on the validation images"
    assert fl.load(out / "stages" / "shrunk").model.spec != fitted.candidate.spec  # it is there to be looked at


@pytest.fixture
def nothing_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.wider.legal", lambda *_: ())


def finds(candidate: Candidate) -> Callable[..., None]:
    """A search that finds a network of these widths."""

    def search(*_: Any, out: Path, **__: Any) -> None:
        preprocessing = {"input_size": [3, SIZE, SIZE], "mean": [0.5] * 3, "std": [0.25] * 3, "crop_pct": 1.0}
        save(out, Network(spec(candidate), 2), label_names=["blue", "red"],
             preprocessing=preprocessing | {"interpolation": "bilinear"})  # fmt: skip
        (out / "search.json").write_text(json.dumps({"space": {"name": "made up"}, "table": [{"kind": "Fire"}]}))

    return search


@pytest.mark.usefixtures("better", "nothing_to_cut")
def test_one_that_breaks_a_limit_does_not(
    given: Given, chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherlight.fitting.judge.broken_limit", lambda *_: ("too large", 9))
    monkeypatch.setattr("featherlight.fitting.stages.search", finds(CANDIDATES[0]))
    fitted = go_on(given, chosen, tmp_path / "result", "thorough")
    assert [stage.kept for stage in fitted.stages] == [True, False, False, False]
    assert fitted.stages[2].note == "it is too large"
    assert "already" in fitted.stages[3].note


@pytest.mark.usefixtures("better", "nothing_to_cut")
def test_what_was_found_above_the_budget_is_shrunk_to_it(
    given: Given, chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherlight.fitting.stages.search", finds(CANDIDATES[2]))
    out = tmp_path / "result"
    fitted = go_on(given, chosen, out, "thorough")
    assert [stage.note for stage in fitted.stages[2:]] == ["it is too slow", ""]
    assert fitted.name == "found in the space made up at 32, shrunk"
    assert fitted.measurement.p90 <= given.budget
    assert same_network(out, out / "stages" / "found_shrunk")


@pytest.mark.usefixtures("nothing_to_cut")
def test_a_stage_that_cannot_be_done_is_told_of_and_the_fit_goes_on(
    given: Given, chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any, **__: Any) -> None:
        raise BadInput("no network of the space keeps it")

    monkeypatch.setattr("featherlight.fitting.stages.search", nothing)
    said: list[str] = []
    fitted = go_on(given, chosen, tmp_path / "result", "thorough", say=said.append)
    notes = [stage.note for stage in fitted.stages]
    assert notes == ["", "squeezenet_1_1 has no channels that can be cut by themselves",
                     "no network of the space keeps it", "nothing was found"]  # fmt: skip
    assert any(sentence.startswith(f"no shrink: {notes[1]}") for sentence in said)
    document = json.loads((tmp_path / "result" / "fit.json").read_text())
    assert [stage["network"] for stage in document["stages"]] == [fitted.name, None, None, None]
    assert [stage["seconds"] for stage in document["stages"][1:]] == [0.0, 0.0, 0.0]


def stopping(number: int, honest: Callable[..., Any]) -> Callable[..., Any]:
    """Ctrl-C at the call of that number."""
    calls = itertools.count(1)

    def stops(*given: Any, **named: Any) -> Any:
        if next(calls) == number:
            raise KeyboardInterrupt
        return honest(*given, **named)

    return stops


def half_placed(source: Path, folder: Path) -> None:
    """Ctrl-C when two of the files have been replaced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("featherlight.files.os.replace", stopping(3, os.replace))
        replace_network(source, folder)


@pytest.mark.usefixtures("better")
@pytest.mark.parametrize(
    ("where", "stop"),
    [
        ("shrinking.trials.train_network", stopping(2, train_network)),
        ("fitting.stages.judge", stopping(1, judge)),
        ("fitting.place.replace_network", half_placed),
    ],
)
def test_stopped_in_any_stage_it_goes_on_there(
    where: str, stop: Callable[..., Any], given: Given, chosen: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    out = tmp_path / "result"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"featherlight.{where}", stop)
        with pytest.raises(KeyboardInterrupt):
            go_on(given, chosen, out, say=said.append)
    assert said[-1].startswith("stopped; what was timed and trained is in")
    before = Journal(out / "journal.jsonl").read()
    if stop is half_placed:
        with pytest.raises(BadInput, match=r"config\.json does not exist"):
            fl.load(out)
    else:
        assert fl.load(out).model.spec in [each.spec for each in CANDIDATES]
    assert finished(out) is None
    with pytest.raises(BadInput, match="holds a fit that did not end; go on with --resume"):
        run(given, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("featherlight.fitting.heats.train_network", lambda *_, **__: pytest.fail("trained twice"))
        fitted = run(given, out, resume=True)
    assert fitted.name.endswith(", shrunk")
    assert same_network(out, out / "stages" / "shrunk")
    events = Journal(out / "journal.jsonl").read()
    assert events[: len(before)] == before
    assert [(event["event"], event["name"]) for event in events if event["event"] in ("stage", "placed")] == [
        ("stage", "choose"), ("placed", "choose"), ("stage", "shrink"), ("placed", "shrink"),
    ]  # fmt: skip
    document = finished(out)
    assert document is not None
    assert document["network"] == fitted.name


@pytest.mark.usefixtures("better")
def test_the_whole_way_with_a_search_and_what_it_found_shrunk(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = functools.partial(searching.search, space=str(given.space), trials=6)
    monkeypatch.setattr("featherlight.fitting.stages.search", small)
    for name, few in (("POOL", 12), ("DRAWN", 4), ("KEPT", 2)):
        monkeypatch.setattr(f"featherlight.searching.explore.{name}", few)
    out = tmp_path / "result"
    fitted = run(given, out, effort="thorough", minutes=0.05)
    names = [stage.name for stage in fitted.stages]
    assert names == ["choose", "shrink", "search", "shrink what was found"]
    found = fitted.stages[2]
    assert found.judged is not None
    assert found.judged.entrant.name == "found in the space small at 32"
    assert found.kept == (found.judged.measurement.p90 <= given.budget)  # it may take a quarter more, to be shrunk
    last = max(index for index, stage in enumerate(fitted.stages) if stage.kept)
    assert same_network(out, out / "stages" / ("", "shrunk", "found", "found_shrunk")[last])
    document = json.loads((out / "fit.json").read_text())
    assert document["network"] == fitted.name
    assert document["stages"][2]["table"]
