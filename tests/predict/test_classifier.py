from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import sklearn
import torch
from PIL import Image

from featherlight.data import Preprocessing
from featherlight.errors import BadInput
from featherlight.predict import Classifier, Prediction, load
from featherlight.pretrained import create_model

SKIMAGE = Path(skimage.__file__).parent / "data"
SKLEARN = Path(sklearn.__file__).parent / "datasets" / "images"

# What torchvision's weights say of real photographs, recorded beforehand: the three most likely classes.
PHOTOGRAPHS = {
    SKIMAGE / "chelsea.png": {"Egyptian cat": 0.717, "tiger cat": 0.147, "tabby": 0.130},
    SKIMAGE / "coffee.png": {"espresso": 0.992, "consomme": 0.004, "cup": 0.001},
    SKIMAGE / "camera.png": {"tripod": 0.978, "binoculars": 0.013, "harmonica": 0.004},
    SKIMAGE / "motorcycle_left.png": {"moped": 0.687, "motor scooter": 0.231, "disk brake": 0.080},
    SKIMAGE / "rocket.jpg": {"drilling platform": 0.295, "space shuttle": 0.152, "missile": 0.139},
    SKLEARN / "china.jpg": {"palace": 0.735, "monastery": 0.126, "bell cote": 0.031},
    SKLEARN / "flower.jpg": {"honeycomb": 0.408, "mushroom": 0.202, "matchstick": 0.057},
}


@pytest.fixture(scope="module")
def mobilenet() -> Classifier:
    return load("mobilenet_v2")


@pytest.mark.parametrize("photo", PHOTOGRAPHS, ids=lambda photo: photo.name)
def test_real_photographs_are_named_by_real_weights(mobilenet: Classifier, photo: Path) -> None:
    found = mobilenet.predict(photo, top=3)
    assert {best.label: best.probability for best in found} == pytest.approx(PHOTOGRAPHS[photo], abs=0.005)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """A small network with weights at random, for grey images of 28 pixels."""
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=4, in_chans=1, size=28).eval()
    with torch.no_grad():
        for parameter in model.get_classifier().parameters():
            parameter.normal_(std=0.05)
    return Classifier(model, ("a", "b", "c", "d"), Preprocessing(28, (0.5,), (0.25,), 1.0))


PIXELS = list(np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8))


def test_one_photograph_or_several_in_any_form_give_the_same(classifier: Classifier, tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, pixels in zip(paths, PIXELS, strict=True):
        Image.fromarray(pixels).save(path)
    expected = classifier.predict(paths)
    for path, several in zip(paths, expected, strict=True):
        alone = classifier.predict(path)
        assert [best.label for best in alone] == [best.label for best in several]
        # A batch may be summed in another order than one image.
        assert [best.probability for best in alone] == pytest.approx([best.probability for best in several], abs=1e-5)
    assert classifier.predict([str(path) for path in paths]) == expected
    assert classifier.predict([Image.open(path) for path in paths]) == expected
    assert classifier.predict(PIXELS) == expected
    stacked: Any = np.stack(PIXELS)
    assert classifier.predict(stacked) == expected
    assert classifier.predict([]) == []


def test_grey_pixels_may_have_a_channel_or_none(classifier: Classifier) -> None:
    grey = PIXELS[0][..., 0]
    assert classifier.predict(grey) == classifier.predict(grey[..., None]) == classifier.predict(Image.fromarray(grey))


def test_predictions_are_the_softmax_of_the_scores_best_first(classifier: Classifier) -> None:
    scores = classifier.scores(PIXELS)
    assert scores.shape == (3, 4)
    assert scores.dtype == np.float32
    shares = torch.from_numpy(scores).double().softmax(1).numpy()
    for row, predictions in zip(shares, classifier.predict(PIXELS, top=4), strict=True):
        assert [best.index for best in predictions] == np.argsort(-row).tolist()
        assert [best.label for best in predictions] == [classifier.label_names[best.index] for best in predictions]
        assert sum(best.probability for best in predictions) == pytest.approx(1)
        assert max(abs(best.probability - row[best.index]) for best in predictions) < 1e-6
    assert [len(best) for best in classifier.predict(PIXELS, top=2)] == [2, 2, 2]
    assert len(classifier.predict(PIXELS[0], top=9)) == 4


def test_many_photographs_are_taken_in_batches(classifier: Classifier) -> None:
    many = [PIXELS[index % 3] for index in range(70)]
    assert np.allclose(classifier.scores(many), classifier.scores(PIXELS)[np.arange(70) % 3], atol=1e-5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("nowhere.jpg", "'nowhere.jpg' does not exist"),
        (np.zeros((4, 4, 3), np.float32), r"image must be uint8 of shape \(H, W, 3\).*float32 of shape \(4, 4, 3\)"),
        (np.zeros((4, 4, 2), np.uint8), r"image must be uint8 .* of shape \(4, 4, 2\)"),
        (np.zeros(4, np.uint8), r"image must be uint8"),
        (None, "image must be a path, a Pillow image or an array; got 'NoneType'"),
    ],
)
def test_what_is_no_photograph_is_refused(classifier: Classifier, image: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        classifier.predict(image)
    with pytest.raises(BadInput, match=words):
        classifier.predict([PIXELS[0], image])


def test_top_must_be_a_number_of_classes(classifier: Classifier) -> None:
    with pytest.raises(BadInput, match="top must be a whole number of at least 1; got 0"):
        classifier.predict(PIXELS[0], top=0)


def test_a_prediction_is_a_record() -> None:
    with pytest.raises(FrozenInstanceError):
        Prediction("cat", 0, 0.5).label = "dog"  # type: ignore[misc]
