from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        os.close(os.open(folder / name, os.O_CREAT))


def numbered(count: int) -> list[str]:
    return [f"{number}.png" for number in range(count)]


def images(dataset: Dataset) -> list[str]:
    """The paths of all images below the data's folder."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return sorted(os.path.relpath(split.name(i), dataset.source) for split in splits for i in range(len(split)))


def test_a_name_in_two_forms_of_unicode_is_one_class(tmp_path: Path) -> None:
    touch(tmp_path / "train" / DECOMPOSED, *numbered(4))
    touch(tmp_path / "train" / "dog", *numbered(4))
    touch(tmp_path / "val" / COMPOSED, *numbered(4))
    dataset = open_dataset(tmp_path)
    assert dataset.label_names == (COMPOSED, "dog")
    assert dataset.validation.labels.tolist() == [0] * 4
    assert f"train/{DECOMPOSED}/0.png" in images(dataset)  # files keep the names that they have
    touch(tmp_path / "train" / COMPOSED, "more.png")
    assert f"train/{COMPOSED}/more.png" in images(open_dataset(tmp_path))


def test_the_same_images_are_held_out_whatever_the_form_of_their_names(tmp_path: Path) -> None:
    forms: dict[str, Literal["NFC", "NFD"]] = {"linux": "NFC", "macos": "NFD"}
    for home, form in forms.items():
        for label in ("caf\u00e9", "dog"):
            folder = tmp_path / home / unicodedata.normalize(form, label)
            touch(folder, *(unicodedata.normalize(form, f"\u00e9{number}.png") for number in range(40)))
    linux, macos = (open_dataset(tmp_path / home) for home in ("linux", "macos"))
    for one, other in ((linux.train, macos.train), (linux.test, macos.test)):
        names = [os.path.relpath(one.name(i), linux.source) for i in range(len(one))]
        assert names == [
            unicodedata.normalize("NFC", os.path.relpath(other.name(i), macos.source)) for i in range(len(other))
        ]


def test_names_of_every_kind_are_listed_and_read(tmp_path: Path) -> None:
    names = ["-rf.png", "two\nlines.png", "😀.png", f"{COMPOSED}.png", f"{DECOMPOSED}.png", "n" * 251 + ".png"]
    names.append(os.fsdecode(b"\xff.png"))
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for name in names:
            Image.new("RGB", (4, 4), "red").save(tmp_path / label / name)
    dataset = open_dataset(tmp_path)
    assert images(dataset) == sorted(f"{label}/{name}" for label in ("cat", "dog") for name in names)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images(np.arange(len(split)), 4)[:, 0].all()
    assert not dataset.broken


def test_a_class_of_any_name_can_be_printed_and_case_counts(tmp_path: Path) -> None:
    for label in ("Cat", "cat", "two\nlines", "-rf", "😀", os.fsdecode(b"\xff"), "n" * 255):
        touch(tmp_path / label, *numbered(3))
    dataset = open_dataset(tmp_path)
    assert dataset.label_names == ("-rf", "Cat", "\\xff", "cat", "n" * 255, "two\nlines", "😀")
    "".join(dataset.label_names).encode()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(["b", "Z", "\u00e9", "a", "10", "9", "\u03b1"]))
def test_the_order_of_labels_and_images_is_not_that_of_making(
    tmp_path_factory: pytest.TempPathFactory, order: list[str]
) -> None:
    root = tmp_path_factory.mktemp("order")
    for label in order:
        touch(root / label, *(f"{name}.png" for name in order[:3]), "0.png", "1.png", "2.png")
    dataset = open_dataset(root)
    assert dataset.label_names == ("10", "9", "Z", "a", "b", "\u00e9", "\u03b1")
    names = [dataset.train.name(index) for index in range(len(dataset.train))]
    assert names == sorted(names, key=os.fsencode)
    assert dataset.train.labels.tolist() == sorted(dataset.train.labels.tolist())


def test_a_link_to_itself_and_a_link_to_nothing_are_reported_not_dropped(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        touch(tmp_path / label, *numbered(3))
    (tmp_path / "cat" / "self.png").symlink_to("self.png")
    (tmp_path / "cat" / "nothing.png").symlink_to("gone")
    (tmp_path / "cat" / "self").symlink_to("self")
    (tmp_path / "self").symlink_to("self")
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    dataset = open_dataset(tmp_path)
    assert dataset.label_names == ("cat", "dog")
    assert {"cat/self.png", "cat/nothing.png", "dog/pipe.png"} < set(images(dataset))
    for split in (dataset.train, dataset.validation, dataset.test):
        split.images(np.arange(len(split)), 4)
    said = "\n".join(dataset.broken)
    assert len(dataset.broken) == 9  # the others are empty
    assert "self.png' cannot be read: Too many levels" in said
    assert "nothing.png' does not exist" in said
    assert "pipe.png' is not a regular file" in said


@pytest.mark.parametrize(("place", "mode"), [("", 0), ("", 0o400), ("cat", 0), ("cat/deep", 0), ("cat", 0o400)])
def test_a_folder_without_permission_is_refused_by_name(as_nobody: Path, place: str, mode: int) -> None:
    for label in ("cat/deep", "dog"):
        touch(as_nobody / label, *numbered(3))
    (as_nobody / place).chmod(mode)
    with pytest.raises(BadInput, match="cannot be listed: Permission denied") as caught:
        open_dataset(as_nobody)
    assert str(as_nobody / place) in str(caught.value)


def test_the_names_of_many_empty_classes_do_not_fill_an_error(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number:03}").mkdir()
    touch(tmp_path / "000", *numbered(3))
    with pytest.raises(BadInput, match=r"none in '001', .* and 489 more$") as caught:
        open_dataset(tmp_path)
    assert len(str(caught.value)) < 500


def test_ten_thousand_classes_open(tmp_path: Path) -> None:
    touch(tmp_path / "00000", *numbered(2))
    for number in range(10_000):
        os.makedirs(f"{tmp_path}/{number:05}", exist_ok=True)
        os.close(os.open(f"{tmp_path}/{number:05}/2.png", os.O_CREAT))
    dataset = open_dataset(tmp_path)
    assert len(dataset.label_names) == len(dataset.train) == 10_000
    assert np.array_equal(dataset.train.labels, np.arange(10_000))


@pytest.mark.parametrize("labels", [["cat"], ["cat", "dog"]])
def test_one_image_is_not_enough(tmp_path: Path, labels: list[str]) -> None:
    for label in labels:
        touch(tmp_path / label, "0.png")
    with pytest.raises(BadInput, match=r"at least two classes|too few images"):
        open_dataset(tmp_path)
