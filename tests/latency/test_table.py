"""Tables read back, predictions from them, and files that are no tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from featherlight.errors import BadInput
from featherlight.graph import Graph, from_torch
from featherlight.latency import pieces, read_table
from latency_tables import made_up, seconds_of, signed, write
from small_networks import small_networks

NAMES = ("depthwise separable", "residual", "shuffle unit", "squeeze-excite", "fire")


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    networks = small_networks()
    return {name: from_torch(networks[name], (1, 3, 18, 22)) for name in NAMES}


@pytest.fixture
def document(graphs: dict[str, Graph]) -> dict[str, Any]:
    return made_up(graphs, sizes=[18])


def total(graph: Graph) -> float:
    return sum(seconds_of(piece.key, piece.multiply_adds, piece.bytes_moved) for piece in pieces(graph))


def test_a_network_whose_pieces_are_known_is_predicted(
    graphs: dict[str, Graph], document: dict[str, Any], tmp_path: Path
) -> None:
    table = read_table(write(tmp_path / "pi.json", document))
    prediction = table.predict(pieces(graphs["residual"]))
    assert prediction.seconds == pytest.approx(1.1 * total(graphs["residual"]))
    assert prediction.low <= prediction.seconds <= prediction.high
    assert prediction.missing == ()
    assert prediction.label == "predicted for Raspberry Pi 9"
    assert (table.target.engine, table.target.threads, table.target.machine.cores) == ("onnxruntime", 2, 4)
    assert table.noise == pytest.approx(0.32)  # of rounds of 1 and 1.5: 0.8 x 0.5 / 1.25


def test_what_was_never_timed_is_told_by_others_named_and_less_sure(
    graphs: dict[str, Graph], document: dict[str, Any], tmp_path: Path
) -> None:
    table = read_table(write(tmp_path / "pi.json", document))
    other = from_torch(small_networks()["residual"], (1, 3, 20, 20))
    prediction = table.predict(pieces(other))
    assert set(prediction.missing) == {piece.key for piece in pieces(other)} - {each.key for each in table.pieces}
    assert prediction.missing
    assert prediction.seconds == pytest.approx(1.1 * total(other), rel=0.5)
    known = table.predict(pieces(graphs["residual"]))
    assert prediction.high / prediction.seconds > known.high / known.seconds


def test_leaving_a_family_out_leaves_its_pieces(document: dict[str, Any], tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "pi.json", document))
    without = table.without("residual")
    assert {each.family for each in table.networks} - {each.family for each in without.networks} == {"residual"}
    assert without.pieces == table.pieces


def test_sizes_that_it_was_packed_for(graphs: dict[str, Graph], tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "pi.json", made_up(graphs, sizes=[96, 160])))
    assert table.known_sizes([224, 160, 96]) == (160, 96)
    with pytest.raises(BadInput, match=r"of images of 96, 160 pixels; got 224, 64: .*--pack pieces\.zip --size 224`"):
        table.known_sizes([224, 64])
    with pytest.raises(BadInput, match="is of images of no pixels; got 96: "):
        read_table(write(tmp_path / "pi.json", made_up(graphs))).known_sizes([96])


def altered(document: dict[str, Any], **changed: Any) -> str:
    return json.dumps(document | changed)


def test_files_that_are_no_table_get_a_sentence(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "pi.json"
    whole = json.dumps(document)
    quicker = whole.replace('"steps": 1', '"steps": 0', 1)
    for text, sentence in [
        ("", "it is no JSON, or cut short"),
        (whole[: len(whole) // 2], "it is no JSON, or cut short"),
        ("[" * 100_000, "it is no JSON, or cut short"),
        (whole.replace("1.1", "NaN").replace('"steps": 1', '"steps": NaN'), "it is no JSON, or cut short"),
        ("[1]", "is not a latency table; `featherlight latency` writes one"),
        ("{}", "is not a latency table; `featherlight latency` writes one"),
        (altered(document, version=2), "of version 2, and version 1 is known here; pack the pieces and measure again"),
        (quicker, "was altered since it was measured; copy it again"),
        (altered(document, digest="0" * 64), "was altered since it was measured"),
        (json.dumps(signed(document | {"pieces": []})), "is not a whole latency table"),
        (json.dumps(signed(document | {"pieces": [], "networks": []})), "holds no pieces"),
        (json.dumps(signed(document | {"target": None})), "is not a whole latency table"),
        (json.dumps(signed({k: v for k, v in document.items() if k != "networks"})), "is not a whole latency table"),
    ]:
        path.write_text(text)
        with pytest.raises(BadInput, match=sentence) as caught:
            read_table(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [("seconds", [-1.0]), ("seconds", []), ("seconds", ["x"]), ("steps", -1), ("steps", 1.5)]
)
def test_impossible_pieces_are_refused(document: dict[str, Any], tmp_path: Path, field: str, value: object) -> None:
    document["pieces"][0][field] = value
    with pytest.raises(BadInput, match="is not a whole latency table"):
        read_table(write(tmp_path / "pi.json", signed(document)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"pi\.json cannot be read: No such file"):
        read_table(tmp_path / "pi.json")
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_table(tmp_path)
