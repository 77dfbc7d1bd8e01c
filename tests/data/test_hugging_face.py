from __future__ import annotations

import builtins
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def quiet(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No bars, and a cache that is thrown away."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def photos(count: int, start: int = 0) -> list[Image.Image]:
    return [
        Image.fromarray(np.random.default_rng(start + number).integers(0, 256, (10, 12, 3), np.uint8))
        for number in range(count)
    ]


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def table(count: int, start: int = 0, **columns: Any) -> Any:
    """Photographs of three classes in turn, labelled by ClassLabel unless `columns` says otherwise."""
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["dog", "cat", "ant"])}
    values = {"image": photos(count, start), "label": [number % 3 for number in range(count)], **columns}
    features = {name: kinds.get(name) if name not in columns else None for name in values}
    given = {name: kind for name, kind in features.items() if kind is not None}
    made = datasets.Dataset.from_dict(values)
    return made.cast(datasets.Features({**made.features, **given}))


def sizes(dataset: Dataset) -> list[int]:
    return [len(split) for split in (dataset.train, dataset.validation, dataset.test)]


def test_a_saved_data_set_opens_with_its_splits_its_labels_and_its_own_pixels(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": table(9), "validation": table(6, 100), "test": table(3, 200)}).save_to_disk(tmp_path)
    dataset = open_dataset(tmp_path)
    assert sizes(dataset) == [9, 6, 3]
    assert dataset.label_names == ("dog", "cat", "ant")  # the data set's own order, not the alphabet's
    assert dataset.train.labels.tolist() == [0, 1, 2] * 3
    seen = dataset.validation.images(np.array([4]), 10)[0]
    assert np.array_equal(seen, np.asarray(photos(6, 100)[4])[:, 1:11].transpose(2, 0, 1))
    assert dataset.validation.name(4) == f"{tmp_path}/validation/4"


@pytest.mark.parametrize("form", ["saved", "parquet", "data/parquet"])
def test_one_table_is_split_by_the_seed(tmp_path: Path, form: str) -> None:
    if form == "saved":
        table(60).save_to_disk(tmp_path)
    else:
        (tmp_path / form).parent.mkdir(exist_ok=True)
        table(60).to_parquet((tmp_path / form).parent / "train-00000-of-00001.parquet")
    first, again, other = (open_dataset(tmp_path, seed) for seed in (0, 0, 1))
    assert sizes(first) == [42, 9, 9]
    for split in (first.train, first.validation, first.test):
        assert np.bincount(split.labels).tolist() == [len(split) // 3] * 3
    names = [[d.test.name(i) for i in range(9)] for d in (first, again, other)]
    assert names[0] == names[1] != names[2]
    every = [split.name(i) for split in (first.train, first.validation, first.test) for i in range(len(split))]
    assert len(set(every)) == 60


def test_texts_and_numbers_are_labels_too(tmp_path: Path) -> None:
    table(40, label=[str(number % 11) for number in range(40)]).save_to_disk(tmp_path / "texts")
    table(40, label=[number % 11 for number in range(40)]).save_to_disk(tmp_path / "numbers")
    ordered = [str(number) for number in range(11)]
    assert open_dataset(tmp_path / "texts").label_names == tuple(sorted(ordered))
    assert open_dataset(tmp_path / "numbers").label_names == tuple(ordered)


def test_a_test_split_without_labels_counts_as_missing(tmp_path: Path) -> None:
    blind = table(5, 100, label=[-1] * 5).cast(table(1).features)
    datasets.DatasetDict({"train": table(30), "test": blind}).save_to_disk(tmp_path)
    dataset = open_dataset(tmp_path)
    assert sizes(dataset) == [18, 6, 6]
    assert "/train/" in dataset.test.name(0)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image": [1] * 6}, r"one column of type Image; it has 'image' \(int64\), 'label' \(ClassLabel\)"),
        ({"label": [0.5] * 6}, r"one column of labels, or one named 'label'; it has .*'label' \(float64\)"),
        ({"label": [None, "a", "b"] * 2}, "each image must have a label; 2 of the 6 in .*train' have none"),
        ({"label": ["a"] * 6}, "at least two classes; got one, 'a'"),
        ({"label": list("abcdef")}, "too few images; some class must have at least 3"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    table(6, **columns).save_to_disk(tmp_path)
    with pytest.raises(BadInput, match=words) as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)


def test_of_several_columns_the_usual_names_are_taken(tmp_path: Path) -> None:
    table(12, fine=list("abcdefabcdef"), caption=["a cat"] * 12).save_to_disk(tmp_path / "usual")
    assert open_dataset(tmp_path / "usual").label_names == ("dog", "cat", "ant")
    two = table(12).rename_column("label", "fine").add_column("coarse", [number % 2 for number in range(12)])
    two = two.cast_column("coarse", datasets.ClassLabel(names=["a", "b"]))
    two.save_to_disk(tmp_path / "two")
    with pytest.raises(BadInput, match=r"'fine' \(ClassLabel\), 'coarse' \(ClassLabel\)"):
        open_dataset(tmp_path / "two")


def test_splits_of_other_names_are_refused_by_name(tmp_path: Path) -> None:
    datasets.DatasetDict({"validation": table(6), "extra": table(6)}).save_to_disk(tmp_path)
    with pytest.raises(BadInput, match="split named 'train'; its splits are 'validation', 'extra'"):
        open_dataset(tmp_path)


def test_a_class_that_training_lacks_is_refused(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": table(6, label=list("abcabc")), "test": table(2, label=["a", "z"])}).save_to_disk(
        tmp_path
    )
    with pytest.raises(BadInput, match=r"each class must have training images.*test' also hold 'z'"):
        open_dataset(tmp_path)


def test_a_broken_saved_data_set_is_one_sentence(tmp_path: Path) -> None:
    table(6).save_to_disk(tmp_path)
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="cannot be read as a Hugging Face data set") as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_broken_parquet_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    table(6).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    (tmp_path / "data" / "test-00000-of-00001.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match=r"cannot be read as a Hugging Face data set: .*[Pp]arquet") as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_format_that_a_saved_data_set_brings_is_not_followed(tmp_path: Path) -> None:
    table(30).with_format("torch").save_to_disk(tmp_path)
    assert open_dataset(tmp_path).train.images(np.array([0]), 8).any()


def test_repeated_images_are_noticed_between_tables(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": table(9), "test": table(6, 5)}).save_to_disk(tmp_path)
    assert len([sentence for sentence in open_dataset(tmp_path).repeated if "(test)" in sentence]) == 4


CODE = """
import json, sys
import numpy as np
from featherlight.data import open_dataset
from featherlight.errors import FeatherlightError

answers = {}
for source in sys.argv[1:]:
    try:
        dataset = open_dataset(source)
        splits = (dataset.train, dataset.validation, dataset.test)
        images = [split.images(np.arange(len(split)), 8) for split in splits]
        assert not dataset.broken, dataset.broken
        answers[source] = [list(dataset.label_names), [len(split) for split in splits], len(dataset.repeated)]
    except FeatherlightError as error:
        answers[source] = [type(error).__name__, str(error)]
print(json.dumps(answers))
"""


def ask(address: str, home: Path, *sources: str, offline: bool = False) -> dict[str, Any]:
    """What a process of its own makes of these sources: the client learns where the hub is when it is imported."""
    home.mkdir(exist_ok=True)
    environment = os.environ | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": str(int(offline)),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    run = subprocess.run(
        [sys.executable, "-c", CODE, *sources], env=environment, capture_output=True, text=True, check=True, cwd=home
    )
    answers: dict[str, Any] = json.loads(run.stdout)
    return answers


def test_data_sets_of_the_hub(hub: tuple[str, Path], tmp_path: Path) -> None:
    address, home = hub
    for name in ("parquet", "folder", "web", "script", "csv", "empty"):
        (home / name).mkdir()
    table(30).to_parquet(home / "parquet" / "train-00000-of-00001.parquet")
    for split, start in (("train", 0), ("validation", 4)):
        for label in ("cat", "dog"):
            (home / "folder" / split / label).mkdir(parents=True)
            for number, photo in enumerate(photos(6, start if label == "cat" else 100 + start)):
                photo.save(home / "folder" / split / label / f"{number}.png")
    with tarfile.open(home / "web" / "train-00.tar", "w") as tar:
        for number in range(12):
            for suffix, content in (("png", png(photos(1, number)[0])), ("cls", b"%d" % (number % 2))):
                member = tarfile.TarInfo(f"{number:02}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    (home / "script" / "script.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    (home / "csv" / "train.csv").write_text("image,label\nx.png,1\n")
    sources = ["parquet", "parquet@main", "parquet@v9", "folder", "web", "script", "csv", "empty", "nothing"]
    said = ask(address, tmp_path, *(f"hf-hub:me/{source}" for source in sources), "hf-hub:me", "hf-hub:a/../b")
    assert said["hf-hub:me/parquet"] == [["dog", "cat", "ant"], [18, 6, 6], 0]
    assert said["hf-hub:me/parquet@main"] == said["hf-hub:me/parquet"]
    assert said["hf-hub:me/folder"] == [["cat", "dog"], [10, 12, 2], 4]
    assert said["hf-hub:me/web"] == [["0", "1"], [8, 2, 2], 0]
    for source, kind, words in (
        ("me/parquet@v9", "BadInput", "no revision v9"),
        ("me/script", "BadInput", "script"),
        ("me/csv", "BadInput", "one of the forms parquet, arrow, imagefolder, webdataset; this one is in csv"),
        ("me/empty", "BadInput", "any data files"),
        ("me/nothing", "BadInput", "does not exist on the hub"),
        ("me", "BadInput", "hf-hub:org/dataset@revision"),
        ("a/../b", "BadInput", "hf-hub:org/dataset@revision"),
    ):
        assert said[f"hf-hub:{source}"][0] == kind, said[f"hf-hub:{source}"]
        assert words in said[f"hf-hub:{source}"][1]
    assert not (tmp_path / "canary").exists()
    again = ask(address, tmp_path, "hf-hub:me/parquet", "hf-hub:me/other", offline=True)
    assert again["hf-hub:me/parquet"] == said["hf-hub:me/parquet"]  # what came once is here
    assert again["hf-hub:me/other"][0] == "Failure"


def test_a_hub_that_does_not_answer_is_a_failure_at_once(tmp_path: Path) -> None:
    kind, sentence = ask("http://127.0.0.1:1", tmp_path, "hf-hub:me/pets")["hf-hub:me/pets"]
    assert kind == "Failure"
    assert re.fullmatch(r"the hub cannot be reached \(.*\), and 'hf-hub:me/pets' has not been .* before", sentence)


def test_a_folder_that_would_hide_the_hubs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "me" / "pets").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="hidden by 'me/pets'"):
        open_dataset("hf-hub:me/pets")


@pytest.mark.parametrize("source", ["hf-hub:me/pets", "saved"])
def test_without_the_extra_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    table(6).save_to_disk(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"`pip install featherlight\[data\]`"):
        open_dataset(source)


def test_importing_the_room_loads_neither_torch_nor_datasets() -> None:
    code = "import sys, featherlight.data; print({'torch', 'datasets', 'pyarrow'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
