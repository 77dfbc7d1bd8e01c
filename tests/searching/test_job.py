"""A search from photographs to a folder, by a made-up latency table: nothing is timed, so its choices are the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

import featherlight as fl
import search_given
import small_shrink
from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.graph import from_spec
from featherlight.latency import pieces, read_table
from featherlight.searching import explore, finals, front, job, study
from featherlight.searching import given as opening
from featherlight.searching.job import search
from featherlight.searching.pipeline import search_then_shrink
from featherlight.searching.result import Searched
from featherlight.searching.times import Times
from featherlight.spec import Spec, from_json
from featherlight.timing import Measurement, this_machine
from featherlight.training import train_network
from full_disk import no_room

BUDGET = 1.5e-3


class Given(NamedTuple):
    photos: Path
    space: Path
    table: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    networks = search_given.space(folder / "small.py")
    return Given(
        small_shrink.photographs(folder / "photos"),
        folder / "small.py",
        search_given.table(folder / "pi.json", networks),
    )


def quick(patch: pytest.MonkeyPatch) -> None:
    """A rate of training that is not measured, few patterns, and a supernet of few networks."""
    patch.setattr(finals, "images_per_second", lambda *_, **__: 300.0)
    patch.setattr(finals, "fastest_threads", lambda *_, **__: 1)
    patch.setattr(explore, "POOL", 12)
    patch.setattr(explore, "DRAWN", 4)
    patch.setattr(explore, "KEPT", 2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


@pytest.fixture(scope="module")
def ended(given: Given, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A search that has ended, and its folder."""
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        return search(given.photos, BUDGET, **arguments(given, tmp_path_factory.mktemp("ended") / "found"))


def arguments(given: Given, out: Path, **changes: Any) -> dict[str, Any]:
    return {
        "out": out,
        "space": str(given.space),
        "target": given.table,
        "size": 32,
        "minutes": 0.02,
        "trials": 8,
    } | changes


@pytest.mark.parametrize("method", ["evolution", "tpe", "random", "supernet"])
def test_a_search_leaves_a_network_that_keeps_the_budget(
    method: str, ended: Searched, given: Given, tmp_path: Path
) -> None:
    asked = arguments(given, tmp_path / "found", method=method)
    searched = ended if method == "evolution" else search(given.photos, BUDGET, **asked)
    out = searched.folder
    assert searched.verdict == "fits"
    assert searched.predicted.startswith("predicted for Raspberry Pi 9")
    assert len(searched.found) == 8 if method == "supernet" else 0 < len(searched.found) <= 8
    assert all(each.seconds <= BUDGET for each in searched.found)
    assert searched.front == front.front(searched.found)
    best = max(each.accuracy for each in searched.finalists)
    assert searched.finalists[0].accuracy == best
    assert searched.spec == searched.finalists[0].spec
    document = json.loads((out / "search.json").read_text())
    assert document == json.loads(json.dumps(searched.to_json()))
    assert from_json(document["spec"]) == fl.create_model(f"local-dir:{out}", True).spec
    table = read_table(given.table)
    told = table.predict(pieces(from_spec(searched.spec, (1, 3, 32, 32), 2)))
    assert document["time"]["p90"] == told.high <= BUDGET
    assert len(fl.load(out).predict(given.photos / "blue" / "1.png")) == 2
    assert all((out / name).exists() for name in ("model.onnx", "search.png", "README.md"))
    assert not (out / "searching").exists()


@pytest.mark.parametrize("method", ["evolution", "supernet"])
def test_stopped_anywhere_it_goes_on_to_the_same_network(
    method: str, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exploring = explore if method == "supernet" else study.judge

    def same_steps(*given_: Any, seconds: float | None = None, **named: Any) -> Any:
        """Seconds measure the machine; so many steps are the same in both runs."""
        return train_network(*given_, **(named if seconds is None else named | {"steps": 2}))

    monkeypatch.setattr(exploring, "train_network", same_steps)
    whole = search(given.photos, BUDGET, **arguments(given, tmp_path / "whole", method=method))
    calls = 0

    def interrupted(*given_: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:  # more often than a network has trainings, which all are done again
            raise KeyboardInterrupt
        return same_steps(*given_, **named)

    monkeypatch.setattr(exploring, "train_network", interrupted)
    monkeypatch.setattr(finals, "train_network", interrupted)
    out, resumes = tmp_path / "stopped", 0
    while True:
        try:
            stopped = search(given.photos, BUDGET, **arguments(given, out, method=method, resume=resumes > 0))
            break
        except KeyboardInterrupt:
            resumes += 1
    assert resumes > 1
    assert stopped.spec == whole.spec
    assert [each.genes for each in stopped.found] == [each.genes for each in whole.found]
    assert stopped.test_accuracy == whole.test_accuracy
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_the_last_word_on_finalists_is_the_reward_that_was_asked_for(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that seemed best are the slowest when they are timed; at such an exponent no accuracy makes up for that."""
    taken, order = Times.measured, list[Spec]()

    def first_are_slow(times: Times, specs: Sequence[Spec]) -> list[Measurement]:
        order.extend(spec for spec in specs if spec not in order)
        return [replace(taken(times, [spec])[0], p90=BUDGET * 0.9 / 2 ** order.index(spec)) for spec in specs]

    monkeypatch.setattr(Times, "measured", first_are_slow)
    searched = search(given.photos, BUDGET, **arguments(given, tmp_path / "found", exponent=-9.0))
    took = [each.measurement.p90 for each in searched.finalists if each.accuracy > 0]
    assert len(took) > 1
    assert took == sorted(took)


def test_what_was_finished_outlives_a_search_that_cannot_go_on(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = arguments(given, tmp_path / "found", trials=4)

    def refused(*_: object) -> NoReturn:
        raise BadInput("the study's database does not answer")

    def slow(times: Times, specs: Sequence[Spec]) -> list[Measurement]:
        return [replace(taken(times, [spec])[0], p90=2e-3) for spec in specs]

    taken = Times.measured
    with monkeypatch.context() as loaded:
        loaded.setattr(Times, "measured", slow)
        with pytest.raises(Failure, match=r"most promising networks keeps 1\.5 ms .* the nearest takes 2 ms; --resume"):
            search(given.photos, BUDGET, **asked)
    with monkeypatch.context() as away:
        away.setattr(job, "explore", refused)
        with pytest.raises(BadInput, match="does not answer"):
            search(given.photos, BUDGET, **asked, resume=True)
    done = (tmp_path / "found" / "search.jsonl").read_text()
    search(given.photos, BUDGET, **asked, resume=True)
    assert (tmp_path / "found" / "search.jsonl").read_text().startswith(done)


def test_a_full_disk_while_pieces_are_timed_loses_nothing(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "found"
    asked = arguments(given, out, target=None, engine="native")
    monkeypatch.setattr("featherlight.latency.device.Kept.add", no_room)
    with pytest.raises(DiskFull, match=r"latency\.json cannot be written: .*; what was finished is in"):
        search(given.photos, BUDGET, **asked)
    assert (out / "search.jsonl").exists()
    assert (out / "searching" / "latency.json.part").exists()


def test_the_password_of_a_study_is_written_and_said_nowhere(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    url, create = "postgresql://me:secret@elsewhere/studies", study.create_study
    monkeypatch.setattr(study, "create_study", lambda _, *others: create(str(tmp_path / "a.journal"), *others))
    monkeypatch.setattr(study.storage, "open_storage", lambda *_, **__: None)  # there is no such server
    asked = arguments(given, tmp_path / "found", method="random", trials=1, study=url)
    search(given.photos, BUDGET, **asked, say=said.append)
    assert "other workers join by: featherlight search DATA --worker --study postgresql://me@elsewhere/studies" in said
    assert not any("secret" in each for each in said)
    assert "postgresql://me@elsewhere" in (tmp_path / "found" / "search.jsonl").read_text()
    assert "secret" not in (tmp_path / "found" / "search.jsonl").read_text()


def test_a_study_that_cannot_be_reached_is_refused_before_anything_is_timed(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "times_of", lambda _: pytest.fail("the times were asked for"))
    asked = arguments(given, tmp_path / "found", method="random", study="sqlite:////proc/no/study.db")
    with pytest.raises(BadInput, match=r"the study sqlite:////proc/no/study\.db cannot be opened: No such file"):
        search(given.photos, BUDGET, **asked)
    assert not (tmp_path / "found").exists()


def test_what_is_predicted_for_another_device_goes_on_on_any_machine(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = arguments(given, tmp_path / "found", trials=4)
    here = this_machine()

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "explore", stop)
    with pytest.raises(KeyboardInterrupt):
        search(given.photos, BUDGET, **asked)
    monkeypatch.setattr(opening, "this_machine", lambda: replace(here, cpu="another"))
    with pytest.raises(KeyboardInterrupt):  # it had gone on as far as that
        search(given.photos, BUDGET, **asked, resume=True)


def test_a_budget_that_no_network_keeps_names_the_nearest_and_leaves_nothing(given: Given, tmp_path: Path) -> None:
    for method in ("supernet", "random"):
        out = tmp_path / method
        with pytest.raises(BadInput, match=r"keeps 0\.001 ms: the nearest takes"):
            search(given.photos, 1e-6, **arguments(given, out, method=method))
        assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"budget": 0}, "budget must be a time above 0"),
        ({"method": "guess"}, "method must be one of evolution, tpe, random, supernet"),
        ({"minutes": 0}, "minutes must be"),
        ({"trials": 0}, "trials must be"),
        ({"images": 0}, "images must be"),
        ({"images": 90, "method": "supernet"}, "images are those that each network is trained on"),
        ({"exponent": 1.0}, "exponent must be a number below 0"),
        ({"space": "lite"}, "light"),
        ({"size": 64}, "images of 32 pixels"),
        ({"study": "x.journal", "method": "supernet"}, "a study is of networks that are each trained by themselves"),
        ({"engine": "torch"}, "engine must be"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(
    changes: dict[str, Any], sentence: str, given: Given, tmp_path: Path
) -> None:
    asked = arguments(given, tmp_path / "found") | changes
    budget = asked.pop("budget", BUDGET)
    with pytest.raises(BadInput, match=sentence):
        search(given.photos, budget, **asked)
    assert not (tmp_path / "found").exists()


def test_a_supernet_needs_more_than_one_pixel(given: Given, tmp_path: Path) -> None:
    deep, halved = tmp_path / "deep.py", "Stage((8,), (1,), (2,)), "
    deep.write_text(given.space.read_text().replace("stages=(", f"stages=({3 * halved}").replace("e=4,", "e=32,"))
    with pytest.raises(BadInput, match=r"leaves a single pixel of 32, .* above its total_stride, 32"):
        search(given.photos, BUDGET, **arguments(given, tmp_path / "found", space=str(deep), method="supernet"))
    assert not (tmp_path / "found").exists()


def test_a_search_of_something_else_is_not_gone_on_with(ended: Searched, given: Given, tmp_path: Path) -> None:
    out = tmp_path / "found"
    shutil.copytree(ended.folder, out)
    with pytest.raises(BadInput, match="holds a result already"):
        search(given.photos, BUDGET, **arguments(given, out))
    with pytest.raises(BadInput, match="trials was 8 and is 5"):
        search(given.photos, BUDGET, **arguments(given, out, trials=5, resume=True))
    said: list[str] = []
    again = search(f"{given.photos}/", BUDGET, **arguments(given, out, resume=True, say=said.append))
    assert said == [f"the search in {out} has ended already"]
    assert replace(again, folder=ended.folder) == ended
    (out / "search.json").unlink()
    with pytest.raises(BadInput, match="holds a search that did not end"):
        search(given.photos, BUDGET, **arguments(given, out))
    with pytest.raises(BadInput, match="trials was 8 and is 5"):
        search(given.photos, BUDGET, **arguments(given, out, trials=5, resume=True))


@pytest.mark.parametrize("budget", [4e-4, BUDGET])
def test_a_search_and_then_netadapt(budget: float, given: Given, tmp_path: Path) -> None:
    asked = arguments(given, tmp_path / "both", trials=4, minutes=0.05)
    both = search_then_shrink(given.photos, budget, **asked)
    assert both.found["budget"] == pytest.approx(1.25 * budget)
    assert (both.shrunk is None) == (both.found["time"]["p90"] <= budget)
    if both.shrunk is not None:
        assert both.shrunk["after"]["median"] < both.found["time"]["median"]
    assert fl.load(both.network).predict(given.photos / "red" / "1.png")
    assert search_then_shrink(given.photos, budget, **asked, resume=True) == both
    for changes, difference in (({"budget": 2 * budget}, "budget was"), ({"seed": 1}, "seed was 0 and is 1")):
        with pytest.raises(BadInput, match=difference):
            search_then_shrink(given.photos, **{"budget": budget} | asked | changes, resume=True)


def test_what_a_search_begins_with_is_said(given: Given, tmp_path: Path) -> None:
    said = dict[str, list[str]]()
    for method in ("evolution", "random"):
        asked = arguments(given, tmp_path / method, method=method, trials=1)
        search(given.photos, BUDGET, **asked, say=said.setdefault(method, []).append)
    begins = "no hand-made network has a like in this space within the budget"  # its strides multiply to 4
    assert begins in said["evolution"]
    assert begins not in said["random"]


def test_a_study_with_so_many_trials_and_images_is_the_same_search_again(given: Given, tmp_path: Path) -> None:
    asked = {"trials": 6, "images": 60}
    one, other = (search(given.photos, BUDGET, **arguments(given, tmp_path / name, **asked)) for name in "ab")
    assert [(each.genes, each.accuracy) for each in one.found] == [(each.genes, each.accuracy) for each in other.found]
    assert one.spec == other.spec
