from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from featherlight.cli.app import _app


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for label in ("dark", "bright"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(8):
            pixels = random.integers(0, 100, (36, 36, 3)) + 150 * (label == "bright")
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


def arguments(photos: Path, *more: str) -> list[str]:
    return ["train", "shufflenet_v2", str(photos), "--out", str(photos.parent / "net"), "--width", "0.5",
            "--size", "32", "--scratch", "--threads", "1", *more]  # fmt: skip


def test_a_person_reads_how_good_it_is_and_where(photos: Path) -> None:
    done = CliRunner().invoke(_app(), arguments(photos, "--epochs", "1"), catch_exceptions=False)
    assert done.exit_code == 0
    assert "test accuracy" in done.stdout
    assert f"network: {photos.parent / 'net'}" in done.stdout
    assert "training shufflenet_v2 from scratch on 12 images" in done.stderr


def test_a_program_reads_one_document(photos: Path) -> None:
    recipe = photos.parent / "recipe.json"
    recipe.write_text(json.dumps({"learning_rate": 0.1, "batch": 8}))
    more = ("--epochs", "1", "--recipe", str(recipe), "--batch", "4", "--set", "mirror=false", "--json")
    done = CliRunner().invoke(_app(), arguments(photos, *more), catch_exceptions=False)
    document = json.loads(done.stdout)
    assert document["plan"]["recipe"]["learning_rate"] == pytest.approx(0.05)
    assert document["plan"]["recipe"]["batch"] == 4
    assert document["plan"]["recipe"]["mirror"] is False
    assert document == json.loads((photos.parent / "net" / "train.json").read_bytes())
