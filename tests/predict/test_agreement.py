from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from featherlight.data import Preprocessing
from featherlight.errors import BadInput, Failure
from featherlight.predict import Classifier, check_export, export
from featherlight.pretrained import create_model

IMAGES = np.random.default_rng(0).standard_normal((5, 1, 28, 28), np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classifier, Path]:
    """A small network with scores that differ, and its export."""
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=4, in_chans=1, size=28)
    for parameter in model.get_classifier().parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    classifier = Classifier(model.eval(), ("a", "b", "c", "d"), Preprocessing(28, (0.5,), (0.25,), 1.0))
    path = tmp_path_factory.mktemp("exported") / "net.onnx"
    export(classifier, path, IMAGES)
    return classifier, path


def test_an_export_agrees_on_every_image(exported: tuple[Classifier, Path]) -> None:
    classifier, path = exported
    agreement = check_export(classifier.model, path, IMAGES)
    assert (agreement.images, agreement.same_class, agreement.tolerance) == (5, 5, 1e-4)
    assert agreement.difference < 1e-5


def test_the_model_keeps_its_mode(exported: tuple[Classifier, Path]) -> None:
    classifier, path = exported
    try:
        check_export(classifier.model.train(), path, IMAGES)
        assert classifier.model.training
    finally:
        classifier.model.eval()


def changed(path: Path, to: Path, by: float) -> Path:
    """The exported network with the classifier's bias moved."""
    model = onnx.load(path)
    (bias,) = [tensor for tensor in model.graph.initializer if tensor.name == "head.classifier.bias"]
    values = numpy_helper.to_array(bias).copy()
    values[0] += by
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))
    onnx.save(model, to)
    return to


def test_a_network_that_says_something_else_fails_with_the_figures(
    exported: tuple[Classifier, Path], tmp_path: Path
) -> None:
    classifier, path = exported
    with pytest.raises(Failure, match=r"to 1e-04 of the scores' norm; on 5 images they differ by up to .*on 5"):
        check_export(classifier.model, changed(path, tmp_path / "a.onnx", 0.01), IMAGES)
    with pytest.raises(Failure, match=r"put the same class first on 0$"):
        check_export(classifier.model, changed(path, tmp_path / "b.onnx", -100), IMAGES)
    assert check_export(classifier.model, tmp_path / "a.onnx", IMAGES, tolerance=0.1).difference > 1e-4


def test_scores_that_are_not_finite_fail(exported: tuple[Classifier, Path], tmp_path: Path) -> None:
    classifier, path = exported
    with pytest.raises(Failure, match="not finite"):
        check_export(classifier.model, changed(path, tmp_path / "c.onnx", float("inf")), IMAGES)


def test_no_image_is_no_check(exported: tuple[Classifier, Path]) -> None:
    classifier, path = exported
    with pytest.raises(BadInput, match="at least one image"):
        check_export(classifier.model, path, IMAGES[:0])


def test_the_metadata_says_what_the_network_expects_and_means(exported: tuple[Classifier, Path]) -> None:
    classifier, path = exported
    metadata = {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}
    assert Preprocessing.from_config(metadata["preprocessing"]) == classifier.preprocessing
    assert metadata["label_names"] == ["a", "b", "c", "d"]
    assert metadata["architecture"] == "shufflenet_v2"
