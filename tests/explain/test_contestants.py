"""Which networks the words of a comparison name."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from featherlight.engines import ModuleSource
from featherlight.errors import BadInput
from featherlight.explain.contestants import contestants
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.pretrained import save
from rivals import write_convolutions


def test_a_pattern_names_registered_networks_at_their_published_size() -> None:
    found = contestants(["shufflenet_v2*", "alexnet"], None, None)
    assert [each.name for each in found] == [
        *("shufflenet_v2", "shufflenet_v2_residual", "shufflenet_v2_se", "shufflenet_v2_se_residual", "alexnet"),
    ]
    assert [each.source.input_shape for each in found] == [(3, 224, 224)] * 5


def test_accuracy_stands_beside_what_the_paper_printed_it_for() -> None:
    (published,) = contestants(["shufflenet_v2"], None, None)
    assert (published.accuracy, published.paper) == (0.694, entry("shufflenet_v2").paper)
    (half,) = contestants(["shufflenet_v2"], 0.5, None)
    assert (half.name, half.width, half.accuracy) == ("shufflenet_v2 0.5x", 0.5, 0.603)
    (smaller,) = contestants(["mobilenet_v1"], None, 160)
    assert (smaller.source.input_shape, smaller.accuracy) == ((3, 160, 160), 0.672)
    (unknown,) = contestants(["shufflenet_v2"], 0.5, 160)
    assert (unknown.accuracy, unknown.paper) == (None, None)
    (stand_in,) = contestants(["shufflenet_v2_se"], None, None)
    assert stand_in.accuracy is None


def test_no_pattern_is_every_light_weight_network() -> None:
    names = [each.name for each in contestants([], None, None)]
    assert {"mobilenet_v1", "mobilenet_v3_small", "shufflenet_v1_g3", "squeezenet_1_1"} <= set(names)
    assert not {"alexnet", "resnet18", "shufflenet_v1_g8", "shufflenet_v2_se"} & set(names)


def test_small_images_meet_the_network_that_fit_would_train() -> None:
    (small,) = contestants(["mobilenet_v2"], None, 28)
    assert isinstance(small.source, ModuleSource)
    assert isinstance(small.source.module, Network)
    assert small.source.module.spec != entry("mobilenet_v2").build()


def test_folders_and_files_are_named_by_their_paths(tmp_path: Path) -> None:
    network = Network(entry("shufflenet_v2").build(width=0.25), 2)
    save(tmp_path / "net", network, label_names=["a", "b"], preprocessing={"input_size": [3, 48, 48]})
    file = write_convolutions(tmp_path / "net.onnx", 1).path
    folder, of_file = contestants([str(tmp_path / "net"), str(file)], None, None)
    assert (folder.name, folder.source.input_shape) == (str(tmp_path / "net"), (3, 48, 48))
    assert (of_file.name, of_file.source.input_shape) == (str(file), (3, 48, 48))
    assert of_file.accuracy is None


def test_a_file_of_operators_that_are_not_known_has_no_counts(tmp_path: Path) -> None:
    path = write_convolutions(tmp_path / "net.onnx", 1).path
    model = onnx.load(path)
    model.graph.node[1].op_type = "Sin"
    onnx.save(model, path)
    (network,) = contestants([str(path)], None, None)
    assert network.count() is None


@pytest.mark.parametrize(
    ("pattern", "width", "sentence"),
    [
        ("mobilnet*", None, r"^'mobilnet\*' matches no network \(nearest: mobilenet_v2.*`featherlight models` lists"),
        ("nothing/", None, r"^'nothing/' matches no network and is no folder or file here"),
        (".", None, r"^\. holds no network, for it has no config\.json: name a folder that `featherlight fit`"),
        ("resnet18", 0.5, r"^resnet18 has no argument width"),
        ("mobilenet_v2", -1.0, r"^width must be "),
        ("absent.onnx", None, r"absent\.onnx cannot be read: No such file"),
    ],
)
def test_words_that_name_nothing_are_refused(
    pattern: str, width: float | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=sentence):
        contestants([pattern], width, None)
