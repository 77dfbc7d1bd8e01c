from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from featherlight.data import Preprocessing, Split, prepare, read_photo
from featherlight.data.pictures import Array, Files
from featherlight.errors import BadInput
from featherlight.training import correct, evaluate, scores

GREY = Preprocessing(4, (0.0,), (1.0,), 1.0)


class Brightness(nn.Module):
    """Says class 1 for an image brighter than half, class 0 for the others."""

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean((1, 2, 3))
        return torch.stack([1 - bright, bright], 1)


def of_grey(*values: int, labels: list[int]) -> Split:
    pixels = np.array(values, np.uint8)[:, None, None] * np.ones((4, 4), np.uint8)
    return Split(Array("grey", pixels), np.array(labels, np.int64), channels=1)


def test_the_accuracy_is_the_share_of_right_first_answers() -> None:
    split = of_grey(0, 50, 200, 255, labels=[0, 1, 1, 1])
    assert evaluate(Brightness(), split, GREY) == 0.75
    assert correct(Brightness(), split, GREY).tolist() == [True, False, True, True]


def test_more_images_than_a_batch_keep_their_order() -> None:
    values = np.random.default_rng(0).integers(0, 256, 700)
    split = of_grey(*values.tolist(), labels=[0] * 700)
    assert np.allclose(scores(Brightness(), split, GREY)[:, 1], values / 255, atol=1e-6)


def test_images_are_prepared_just_as_for_prediction(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1200, 3), np.uint8)  # large enough to be drafted
    Image.fromarray(noise).save(tmp_path / "0.jpg")
    preprocessing = Preprocessing(32, crop_pct=0.7, interpolation="bicubic")
    split = Split(Files(tmp_path, ["0.jpg"]), np.zeros(1, np.int64), channels=3)
    seen = scores(nn.Flatten(), split, preprocessing)
    assert np.array_equal(seen[0], prepare(read_photo(tmp_path / "0.jpg"), preprocessing).ravel())


def test_broken_images_do_not_count(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 255).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("broken")
    split = Split(Files(tmp_path, ["0.png", "1.png"]), np.array([1, 1]), channels=1)
    assert evaluate(Brightness(), split, GREY) == 1.0
    with pytest.raises(BadInput, match="none of the images can be read"):
        evaluate(Brightness(), Split(Files(tmp_path, ["1.png"]), np.array([1]), channels=1), GREY)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_is_left_as_it_was(training: bool) -> None:
    model = nn.Sequential(nn.Dropout(0.5), Brightness()).train(training)
    assert evaluate(model, of_grey(0, 255, labels=[0, 1]), GREY) == 1.0
    assert model.training == training
