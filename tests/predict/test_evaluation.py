from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from torch import Tensor, nn

import brightness
import featherlight as fl
from featherlight.data import Preprocessing, open_dataset
from featherlight.engines import available
from featherlight.errors import BadInput, Failure
from featherlight.predict import Classifier, Evaluation, compiled_classifier, evaluate
from featherlight.pretrained import create_model, save
from featherlight.training import evaluate as accuracy
from featherlight_runtime import FlightError, Network
from featherlight_runtime import load as load_network

ENGINES = [engine.name for engine in available()]

# Six images, of which the second and the last are not what they are labelled: nearest to dim, and to bright.
VALUES = [0, 100, 120, 130, 250, 255]
TRUE = [0, 0, 1, 1, 2, 1]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch", [1, 4, 6, 32])
def test_what_is_known_of_each_answer_is_what_is_counted(engine: str, batch: int) -> None:
    found = evaluate(brightness.classifier(), brightness.dataset(VALUES, TRUE), engine=engine, batch=batch, threads=1)
    assert (found.source, found.data, found.split, found.seed) == ("a classifier", "greys", "test", 0)
    assert (found.images, found.top1, found.top5) == pytest.approx((6, 4 / 6, 1))
    assert found.interval == pytest.approx((0.300, 0.903), abs=5e-4)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    assert found.confused(5) == [("dark", "dim", 1), ("dim", "bright", 1)]
    assert found.confused(1) == [("dark", "dim", 1)]
    assert [(each.label, each.images) for each in found.classes] == [("dark", 2), ("dim", 3), ("bright", 1)]
    assert [each.recall for each in found.classes] == pytest.approx([1 / 2, 2 / 3, 1])
    assert [each.precision for each in found.classes] == pytest.approx([1, 2 / 3, 1 / 2])
    assert sum(each.images for each in found.calibration.bins) == 6
    # At brightness b the odds of dark, dim and bright are 1 : exp(40 b - 10) : exp(80 b - 40).
    surest, other = found.worst
    assert (surest.image, surest.label, surest.predicted) == ("grey 5", "dim", "bright")
    assert surest.probability == pytest.approx(1 / (1 + np.exp(-10)), abs=1e-6)
    assert (other.image, other.label, other.predicted) == ("grey 1", "dark", "dim")
    assert other.probability == pytest.approx(1 / (1 + np.exp(10 - 40 * 100 / 255)), abs=1e-5)
    assert (found.target.engine, found.target.threads) == (engine, 1)
    assert found.target.batch == min(batch, 6)
    assert found.images_per_second > 0
    assert found.broken == ()


@pytest.mark.parametrize("images", ["float32", "uint8"])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_flight_file_is_evaluated_as_what_it_was_compiled_from(
    images: Literal["float32", "uint8"], batch: int, tmp_path: Path
) -> None:
    path = tmp_path / "net.flight"
    fl.compile(brightness.classifier(), images=images, batch=batch, out=path).close()
    found = evaluate(path, brightness.dataset(VALUES, TRUE), threads=1)
    expected = evaluate(brightness.classifier(), brightness.dataset(VALUES, TRUE), threads=1)
    assert found.source == str(path)
    assert found.confusion.tolist() == expected.confusion.tolist()
    assert [each.probability for each in found.worst] == pytest.approx([each.probability for each in expected.worst])
    assert (found.target.engine, found.target.threads, found.target.batch) == ("native", 1, batch)
    with fl.load(path, threads=2).network as network:
        assert network.threads == evaluate(fl.load(path, threads=2), brightness.dataset(VALUES, TRUE)).target.threads
    with pytest.raises(BadInput, match="is compiled, which the engine native alone runs; got engine 'torch'"):
        evaluate(path, brightness.dataset(VALUES, TRUE), engine="torch")


def test_a_flight_file_is_closed_again_and_a_classifier_that_was_given_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remembered(*given: Any) -> Network:
        opened.append(load_network(*given))
        return opened[-1]

    opened, path = list[Network](), tmp_path / "net.flight"
    fl.compile(brightness.classifier(), out=path).close()
    monkeypatch.setattr(compiled_classifier, "load_network", remembered)
    evaluate(path, brightness.dataset(VALUES, TRUE), threads=1)
    with pytest.raises(BadInput, match="there is nothing at"):
        evaluate(path, tmp_path / "nowhere", threads=1)
    fl.compile(brightness.classifier().model, input_shape=(1, 4, 4), out=path).close()
    with pytest.raises(BadInput, match="does not say what becomes of a photograph"):
        evaluate(path, brightness.dataset(VALUES, TRUE), threads=1)
    assert len(opened) == 3
    for network in opened:
        with pytest.raises(FlightError, match="closed"):
            network(np.zeros(network.program.inputs[0].shape, np.float32))
    fl.compile(brightness.classifier(), out=path).close()
    given = fl.load(path)
    evaluate(given, brightness.dataset(VALUES, TRUE))
    assert len(given.predict(np.zeros((4, 4, 3), np.uint8))) == 3


def test_the_surest_20_mistakes_are_listed_in_order() -> None:
    values = list(range(0, 50))
    found = evaluate(brightness.classifier(), brightness.dataset(values, [2] * 50), threads=1)
    assert found.top1 == 0
    assert [mistake.image for mistake in found.worst] == [f"grey {index}" for index in range(20)]


def test_the_document_is_json_and_has_every_figure() -> None:
    found = evaluate(brightness.classifier(), brightness.dataset(VALUES[:5], TRUE[:5]), threads=1)
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document.keys() == Evaluation.__dataclass_fields__.keys()
    assert document["confusion"] == {"dark": {"dark": 1, "dim": 1}, "dim": {"dim": 2}, "bright": {"bright": 1}}
    assert document["classes"][1] == {"label": "dim", "images": 2, "precision": pytest.approx(2 / 3), "recall": 1.0}
    assert document["worst"][0]["image"] == "grey 1"
    assert len(document["calibration"]["bins"]) == 15
    assert document["target"]["engine"] == "torch"


def test_classes_in_another_order_are_matched_by_name() -> None:
    straight = evaluate(brightness.classifier(), brightness.dataset(VALUES, TRUE), threads=1)
    turned = brightness.dataset(VALUES, [2 - label for label in TRUE], label_names=brightness.LABELS[::-1])
    found = evaluate(brightness.classifier(), turned, threads=1)
    assert found.label_names == brightness.LABELS
    assert np.array_equal(found.confusion, straight.confusion)
    assert found.worst == straight.worst


def test_other_classes_are_refused_before_any_image_is_read() -> None:
    data = brightness.dataset(VALUES, TRUE, label_names=("dark", "dim", "black"))
    with pytest.raises(BadInput, match="they lack 'bright' and have 'black', unknown to it"):
        evaluate(brightness.classifier(), data)


def test_on_a_part_of_its_classes_a_network_may_still_name_the_others() -> None:
    data = brightness.dataset([0, 120, 250], [0, 0, 1], label_names=("dark", "bright"))
    with pytest.raises(BadInput, match="they lack 'dim'; where a part of its classes is meant"):
        evaluate(brightness.classifier(), data)
    found = evaluate(brightness.classifier(), data, subset=True, threads=1)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert found.classes[1].recall is None
    json.dumps(found.to_json(), allow_nan=False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three splits: 2, 1 and 3 images of each class; in the test split a dark one is broken."""
    home = tmp_path_factory.mktemp("photos") / "photos"
    for split, count in {"train": 2, "val": 1, "test": 3}.items():
        brightness.write_photos(home / split, {"bright": [255] * count, "dark": [0] * count, "dim": [128] * count})
    (home / "test" / "dark" / "1.png").write_bytes(b"not an image")
    return home


@pytest.mark.parametrize(
    ("split", "images", "broken"), [("train", 6, 0), ("validation", 3, 0), ("test", 8, 1), ("all", 17, 1)]
)
def test_every_image_of_a_split_is_counted_or_named_as_broken(
    photos: Path, split: str, images: int, broken: int
) -> None:
    # A network for grey images sees the photographs in grey.
    found = evaluate(brightness.classifier(), photos, split=split, batch=4, threads=1)
    assert (found.images, found.top1, len(found.broken)) == (images, 1.0, broken)
    assert found.confusion.sum() == sum(bin.images for bin in found.calibration.bins) == images
    assert all(str(photos / "test" / "dark" / "1.png") in sentence for sentence in found.broken)


def test_a_mistake_has_the_path_of_its_photograph(tmp_path: Path) -> None:
    home = brightness.write_photos(tmp_path / "photos", {"bright": [255, 0, 255], "dark": [0] * 3, "dim": [128] * 3})
    found = evaluate(brightness.classifier(), home, split="all", threads=1)
    assert [(each.image, each.label, each.predicted) for each in found.worst] == [
        (str(home / "bright" / "1.png"), "bright", "dark")
    ]


def test_without_a_sound_image_there_is_nothing_to_say(tmp_path: Path) -> None:
    home = tmp_path / "photos"
    for split, count in {"train": 2, "test": 1}.items():
        brightness.write_photos(home / split, {"bright": [255] * count, "dark": [0] * count, "dim": [128] * count})
    for photo in (home / "test").rglob("*.png"):
        photo.write_text("not an image")
    with pytest.raises(
        BadInput, match=r"none of the images can be read; for one, '\S*test/bright/0.png' is not an image"
    ):
        evaluate(brightness.classifier(), home, threads=1)


def test_a_split_without_images_is_refused() -> None:
    with pytest.raises(BadInput, match="the test split of greys has no images"):
        evaluate(brightness.classifier(), brightness.dataset([], []), threads=1)


class Strange(nn.Module):
    """Scores that are none: not a number for bright images, or too few."""

    architecture = "strange"

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean([1, 2, 3])
        return torch.where(bright > 0.9, torch.nan, bright)[:, None].repeat(1, self.classes)


def test_scores_that_are_none_are_refused() -> None:
    good = brightness.classifier()
    data = brightness.dataset(VALUES, TRUE)
    for classes, error, sentence in (
        (3, Failure, "strange gives scores that are not finite, for one for grey 4"),
        (2, BadInput, r"strange must give one score a class; it names 3 classes and its scores have the shape \(2,\)"),
    ):
        bad = Classifier(Strange(classes), good.label_names, good.preprocessing)  # type: ignore[arg-type]
        with pytest.raises(error, match=sentence):
            evaluate(bad, data, threads=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "tset"}, "split must be one of train, validation, test, all; got 'tset'"),
        ({"engine": "tensorrt"}, "engine must be a known name; got 'tensorrt'"),
        ({"threads": 0}, "threads must be a whole number above 0; got 0"),
        ({"batch": 0}, "batch must be a whole number above 0; got 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        evaluate(brightness.classifier(), brightness.dataset(VALUES, TRUE), **options)  # type: ignore[arg-type]


def test_progress_is_told_of_every_batch() -> None:
    told: list[tuple[int, int | None]] = []
    evaluate(
        brightness.classifier(),
        brightness.dataset(VALUES, TRUE),
        batch=4,
        threads=1,
        progress=lambda *state: told.append(state),
    )
    assert told == [(4, 6), (6, 6)]


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("noise") / "photos"
    random = np.random.default_rng(0)
    for label in "abc":
        (home / label).mkdir(parents=True)
        for number in range(20):
            low, high = sorted(random.integers(0, 256, 2))
            pixels = random.integers(low, high + 1, (40, 50, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(home / label / f"{number}.png")
    return home


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, noise: Path) -> Path:
    """A saved network with weights at random, and its export beside it."""
    home = tmp_path_factory.mktemp("saved") / "result"
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=3, size=32).eval()
    preprocessing = Preprocessing(32, crop_pct=0.9)
    scores = Classifier(model, ("a", "b", "c"), preprocessing).scores(sorted(noise.rglob("*.png")))
    last = model.get_classifier()
    with torch.no_grad():  # scores about 0 with a spread of 1, so that it names one class as often as another
        scale = 1 / scores.std(0).mean()
        last.weight.mul_(scale)  # type: ignore[operator]
        last.bias.sub_(torch.from_numpy(scores.mean(0))).mul_(scale)  # type: ignore[operator]
    save(home, model, label_names=["a", "b", "c"], preprocessing=preprocessing.to_config())
    fl.export(home, home / "model.onnx", noise)
    return home


def test_all_engines_and_the_export_say_the_same_of_a_real_network(result: Path, noise: Path) -> None:
    found = [evaluate(result, noise, split="all", engine=engine, batch=8, threads=1) for engine in ENGINES]
    found.append(evaluate(result / "model.onnx", noise, split="all", batch=8, threads=1))
    first, *others = found
    assert [each.target.engine for each in found] == [*ENGINES, "onnxruntime"]
    assert first.images == 60
    assert len(set(np.nonzero(first.confusion)[1])) > 1  # it tells some images apart
    for other in others:
        assert np.array_equal(other.confusion, first.confusion)
        assert other.classes == first.classes
        assert other.calibration.error == pytest.approx(first.calibration.error, abs=1e-4)
        assert [each.image for each in other.worst] == [each.image for each in first.worst]
        assert [each.probability for each in other.worst] == pytest.approx(
            [each.probability for each in first.worst], abs=1e-4
        )


def test_the_accuracy_is_the_one_that_training_reports(result: Path, noise: Path) -> None:
    classifier = fl.load(result)
    expected = accuracy(classifier.model, open_dataset(noise).train, classifier.preprocessing)
    assert fl.evaluate(result, noise, split="train", threads=1).top1 == expected


def test_images_held_out_are_those_of_the_networks_own_seed(result: Path, noise: Path) -> None:
    for path in (result, result / "model.onnx"):
        assert evaluate(path, noise, threads=1).seed == 0
        (result / "fit.json").write_text(json.dumps({"data": "elsewhere", "seed": 5}))
        found = evaluate(path, noise, threads=1)
        assert found.seed == 5
        test = open_dataset(noise, 5).test
        assert {each.image for each in found.worst} <= {test.name(index) for index in range(len(test))}
        assert evaluate(path, noise, seed=1, threads=1).seed == 1
        (result / "fit.json").unlink()


def test_a_public_network_by_name_on_photographs_of_some_of_its_classes(tmp_path: Path) -> None:
    for label, photo in {"Egyptian cat": "chelsea.png", "espresso": "coffee.png"}.items():
        (tmp_path / label).mkdir()
        for number in range(3):
            shutil.copy(Path(skimage.__file__).parent / "data" / photo, tmp_path / label / f"{number}.png")
    with pytest.raises(BadInput, match=r"they lack 'tench', 'goldfish', .* and 988 more; where a part"):
        evaluate("mobilenet_v2", tmp_path)
    found = evaluate("mobilenet_v2", tmp_path, split="all", subset=True, threads=1)
    assert (found.source, found.images, found.top1, found.worst) == ("mobilenet_v2", 6, 1.0, ())
    assert found.confusion.shape == (1000, 1000)
    assert found.to_json()["confusion"] == {"Egyptian cat": {"Egyptian cat": 3}, "espresso": {"espresso": 3}}
