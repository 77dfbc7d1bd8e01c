"""A search as JSON, and a worker that knows nothing but images and the study, with real training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from featherlight.data import Preprocessing, open_dataset
from featherlight.errors import BadInput
from featherlight.latency import read_table
from featherlight.searching import SPACES, read_space
from featherlight.searching.clock import clock_by
from featherlight.searching.study import Search, create_study, found, join_study, judge_of, work, worker, workers
from featherlight.searching.study.attempts import finished
from featherlight.searching.study.search import search_from_json, space_from_json, space_to_json
from featherlight.spec import Spec
from featherlight.training import Recipe
from small_search import SPACE, begin, search, table
from small_shrink import photographs

RGB = Preprocessing(12, (0.5,) * 3, (0.25,) * 3, 1.0)


@pytest.mark.parametrize("name", sorted(SPACES))
@pytest.mark.parametrize("size", [28, 224])
def test_a_space_comes_back(name: str, size: int) -> None:
    space = read_space(name, size)
    again = space_from_json(space_to_json(space))
    assert again == space
    assert again.digest == space.digest


def test_a_study_of_another_search_names_each_difference(tmp_path: Path) -> None:
    url = str(tmp_path / "study.journal")
    begin(url, tmp_path)
    begin(url, tmp_path)
    with pytest.raises(BadInput, match=r"budget: 0.06 then, 0.01 now; .*recipe.batch: 20 then, 30 now.*seed: 1 then"):
        begin(url, tmp_path, budget=0.01, seed=9, recipe=Recipe(batch=30))
    with pytest.raises(BadInput, match=r"space: small .* then, other "):
        begin(url, tmp_path, space=dataclasses.replace(SPACE, name="other", stem=(4, 8, 16)))


def test_a_worker_learns_all_from_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, url = photographs(tmp_path / "photos"), f"sqlite:///{tmp_path}/study.db"
    dataset = open_dataset(images)
    known = read_table(table(tmp_path))
    asked = Search(
        SPACE, dataset, RGB, Recipe(batch=8), 1.0, clock_by(known, (3, 12, 12), 2, 1.0), 48, sampler="random"
    )
    study = create_study(url, asked, tmp_path / "latency.json")
    monkeypatch.setattr(workers, "work", lambda study, search, **given: work(study, search, trials=2, stream=0))
    said: list[str] = []
    worker(images, url, say=said.append)
    assert said == [f"helping with {url}: 1 s, 48 images a network", f"nothing is left to judge in {url}"]
    assert len(finished(study.trials)) == 2
    judged = found(study, SPACE)
    assert judged
    spec = SPACE.spec(judged[0].genes)
    assert isinstance(spec, Spec)
    assert judged[0].accuracy == judge_of(asked)(spec, lambda images, accuracy: None), "the same weights each time"
    assert judged[0].seconds == asked.clock(spec)
    (images / "red" / "0.png").unlink()
    with pytest.raises(BadInput, match="over other images"):
        worker(images, url)
    about = {**join_study(url).about["search"], "featherlight": "0.0"}
    with pytest.raises(BadInput, match=r"begun by featherlight 0\.0"):
        search_from_json(about, dataset, known)
    native = dataclasses.replace(known, target=dataclasses.replace(known.target, engine="native"))
    with pytest.raises(BadInput, match="timed with another compiler"):
        search_from_json(join_study(url).about["search"], dataset, native)


def test_what_makes_no_search() -> None:
    for changes, sentence in (
        ({"budget": 0}, "budget must be"), ({"images": 0}, "images must be"), ({"rungs": (0.5, 0.2)}, "rungs must be"),
        ({"sampler": "best"}, "sampler must be"), ({"threads": 0}, "threads must be"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=sentence):
            search(**changes)
