from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image

from featherlight.data import Split, open_dataset, pictures
from featherlight.data.pictures import Array, Files
from featherlight.data.repeated import find_repeated


def noise(path: Path, seed: int, side: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(path, format="BMP")
    return path


def of_files(folder: Path, *names: str) -> Split:
    return Split(Files(folder, names), np.zeros(len(names), np.int64), channels=3)


def test_the_same_image_in_two_splits_is_one_sentence_with_both_names(tmp_path: Path) -> None:
    for number in range(4):
        noise(tmp_path / "train" / "cat" / f"{number}.bmp", number)
        noise(tmp_path / "train" / "dog" / f"{number}.bmp", 10 + number)
        noise(tmp_path / "val" / "cat" / f"{number}.bmp", 20 + number)
        noise(tmp_path / "test" / "cat" / f"{number}.bmp", 30 + number)
    noise(tmp_path / "val" / "cat" / "again.bmp", 2)
    noise(tmp_path / "test" / "dog" / "other name, other class.bmp", 2)
    noise(tmp_path / "test" / "cat" / "from val.bmp", 21)
    dataset = open_dataset(tmp_path)
    root = str(tmp_path)
    assert dataset.repeated == (
        f"'{root}/val/cat/again.bmp' (validation) is the same image as '{root}/train/cat/2.bmp' (train)",
        f"'{root}/test/cat/from val.bmp' (test) is the same image as '{root}/val/cat/1.bmp' (validation)",
        f"'{root}/test/dog/other name, other class.bmp' (test) is the same image as '{root}/train/cat/2.bmp' (train)",
    )
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [8, 5, 6]  # none dropped


def test_twice_in_one_split_is_no_leak(tmp_path: Path) -> None:
    for name in ("a.bmp", "b.bmp"):
        noise(tmp_path / name, 0)
    noise(tmp_path / "c.bmp", 1)
    assert find_repeated({"train": of_files(tmp_path, "a.bmp", "b.bmp"), "test": of_files(tmp_path, "c.bmp")}) == ()


def test_only_files_of_a_size_found_in_two_splits_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for side in range(2, 12):
        noise(tmp_path / f"{side}.bmp", side, side)
    noise(tmp_path / "twin.bmp", 99, 5)
    read: list[str] = []
    real = pictures.file_digest

    def seen(path: str) -> str | None:
        read.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(pictures, "file_digest", seen)
    train = of_files(tmp_path, *(f"{side}.bmp" for side in range(2, 12)))
    assert find_repeated({"train": train, "test": of_files(tmp_path, "twin.bmp")}) == ()
    assert sorted(read) == ["5.bmp", "twin.bmp"]


def test_what_cannot_be_read_or_is_empty_repeats_nothing(tmp_path: Path) -> None:
    for home in ("train", "test"):
        (tmp_path / home).mkdir()
        (tmp_path / home / "empty.png").touch()
        os.mkfifo(tmp_path / home / "pipe.png")
        (tmp_path / home / "loop.png").symlink_to("loop.png")
    names = ("empty.png", "pipe.png", "loop.png", "gone.png")
    splits = {home: of_files(tmp_path / home, *names) for home in ("train", "test")}
    assert find_repeated(splits) == ()


def test_a_file_that_vanishes_between_two_looks_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Path) -> NoReturn:
        raise FileNotFoundError

    noise(tmp_path / "a.bmp", 0)
    monkeypatch.setattr(pictures, "sha256", gone)
    assert find_repeated({"train": of_files(tmp_path, "a.bmp"), "test": of_files(tmp_path, "a.bmp")}) == ()


def test_arrays_are_compared_by_their_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
    train, test = (
        Split(Array(name, part), np.zeros(3, np.int64), 1) for name, part in (("a", pixels[:3]), ("b", pixels[2:5]))
    )
    assert find_repeated({"train": train, "test": test}) == ("'b 0' (test) is the same image as 'a 2' (train)",)


def test_it_is_looked_for_once_and_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for label in ("cat", "dog"):
        for number in range(4):
            noise(tmp_path / label / f"{number}.bmp", number)
    calls = 0

    def find(_: object) -> tuple[str, ...]:
        nonlocal calls
        calls += 1
        return ("one",)

    monkeypatch.setattr("featherlight.data.dataset.find_repeated", find)
    dataset = open_dataset(tmp_path)
    assert calls == 0
    assert dataset.repeated == dataset.repeated == ("one",)
    assert calls == 1
