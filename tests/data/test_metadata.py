from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput


def photos(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(folder / name, format="PNG")


def labels(dataset: Dataset) -> dict[str, str]:
    """The label of each image, by its path below the data's folder."""
    return {
        split.name(index).removeprefix(f"{dataset.source}/"): dataset.label_names[split.labels[index]]
        for split in (dataset.train, dataset.validation, dataset.test)
        for index in range(len(split))
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_labels_of_each_split_come_from_its_metadata(tmp_path: Path, kind: str) -> None:
    wanted: dict[str, str] = {}
    for split, count in (("train", 4), ("val", 2), ("test", 2)):
        rows = [(f"{number}.png", "cat" if number % 2 else "a dog, big") for number in range(count)]
        rows[0] = ("deep/0.png", rows[0][1])
        photos(tmp_path / split, *(name for name, _ in rows))
        if kind == "csv":
            text = "file_name,caption,label\n" + "".join(f'{name},x,"{label}"\n' for name, label in rows)
        else:
            text = "\n".join(json.dumps({"file_name": name, "n": 1, "label": label}) for name, label in rows)
        (tmp_path / split / f"metadata.{kind}").write_text(text)
        wanted |= {f"{split}/{name}": label for name, label in rows}
    dataset = open_dataset(tmp_path)
    assert dataset.label_names == ("a dog, big", "cat")
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [4, 2, 2]
    assert labels(dataset) == wanted


def test_one_folder_with_metadata_is_split_by_the_seed(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(20)]
    photos(tmp_path, *names)
    (tmp_path / "metadata.csv").write_text("file_name,breed\n" + "".join(f"{n},{int(n[:-4]) % 2}\n" for n in names))
    dataset = open_dataset(tmp_path)
    assert dataset.label_names == ("0", "1")  # the only other column is the label, whatever its name
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [12, 4, 4]
    assert labels(dataset) == {name: str(int(name[:-4]) % 2) for name in names}


def test_metadata_without_labels_leaves_the_folders_to_be_classes(tmp_path: Path) -> None:
    photos(tmp_path, *(f"{label}/{number}.png" for label in ("cat", "dog") for number in range(3)))
    (tmp_path / "metadata.csv").write_text("file_name,width,height\ncat/0.png,4,4\n")
    assert open_dataset(tmp_path).label_names == ("cat", "dog")


def test_a_listed_file_that_is_not_there_is_reported_as_broken(tmp_path: Path) -> None:
    photos(tmp_path, *(f"{number}.png" for number in range(8)))
    rows = "".join(f"{number}.png,{number % 2}\n" for number in range(10))
    (tmp_path / "metadata.csv").write_text("file_name,label\n" + rows)
    dataset = open_dataset(tmp_path)
    assert len(labels(dataset)) == 10
    for split in (dataset.train, dataset.validation, dataset.test):
        split.images(np.arange(len(split)), 4)
    assert len(dataset.broken) == 2
    assert all("does not exist" in sentence for sentence in dataset.broken)


ROWS = "0.png,a\n1.png,b\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,label\n" + ROWS, "must have a column 'file_name'; it has 'name', 'label'"),
        ("file_name,width,height\n0.png,1,1\n", "a column named label or .*; it has 'file_name', 'width', 'height'"),
        ("file_name,label\n0.png,a\n", "must list each image of its folder; it lacks 1, as '1.png'"),
        ("file_name,label\n" + ROWS + "0.png,b\n", "line 4: '0.png' must stand once"),
        ("file_name,label\n" + ROWS + "./0.png,b\n", "line 4: '0.png' must stand once"),
        ("file_name,label\n../secret.png,a\n" + ROWS, r"line 2: file_name must lie in the folder; got '\.\./secret"),
        ("file_name,label\nx/../../secret.png,a\n" + ROWS, "line 2: file_name must lie in the folder"),
        ("file_name,label\n/etc/secret.png,a\n" + ROWS, "line 2: file_name must lie in the folder"),
        ("file_name,label\n,a\n" + ROWS, "line 2: file_name must name a file"),
        ("file_name,label\n0.png,\n1.png,b\n", "line 2: the label must be a text or a whole number; got ''"),
        ("file_name,label\n0.png\n1.png,b\n", "line 2: the label must be a text or a whole number; got None"),
        ("file_name,label\n" + ROWS[:8] + "1.png,a\n", "at least two classes; got one, 'a'"),
        ("", "must list each image"),
        ("file_name,label\n0.png," + "x" * 200_000, "is broken: field larger than"),
    ],
)
def test_a_csv_file_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, words: str) -> None:
    photos(tmp_path, "0.png", "1.png")
    (tmp_path / "metadata.csv").write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"file_name": "0.png", "label": "a"}\n{"file_name": "1.p', "is broken: Unterminated string"),
        ('{"file_name": "0.png", "label": "a"}\n\n[1]', "line 3 is no JSON object"),
        ('{"file_name": "0.png", "label": 1.5}', r"line 1: the label must be a text or a whole number; got 1\.5"),
        ('{"file_name": "0.png", "label": true}', "line 1: the label must be a text"),
        ('{"file_name": 3, "label": "a"}', "line 1: file_name must name a file; got 3"),
        ('{"file_name": "a\\u0000b", "label": "a"}', "line 1: file_name must name a file"),
        ("[" * 100_000, "is broken"),
    ],
)
def test_a_jsonl_file_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, words: str) -> None:
    photos(tmp_path, "0.png", "1.png")
    (tmp_path / "metadata.jsonl").write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)
