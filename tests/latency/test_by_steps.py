"""The engine native's latency table: the steps of its plans, timed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compiler.one_kernel import BEST
from featherlight.compiler.build import plan
from featherlight.engines import native
from featherlight.errors import BadInput, DiskFull
from featherlight.graph import canonical, from_spec
from featherlight.latency import LatencyTable, Member, read_table, time_networks
from featherlight.latency.by_steps import time_steps
from featherlight.latency.steps import steps
from featherlight.spec import Convolution, Head, InvertedResidual, ShuffleUnit2, Spec, SqueezeExcite
from full_disk import no_room
from latency_tables import signed, write

pytestmark = pytest.mark.skipif(native.missing() is not None, reason=f"{native.missing()}")

SHAPE = (1, 3, 20, 20)
SPECS = (
    Spec((Convolution(16, 3, 2), InvertedResidual(16, 32, squeeze_excite=SqueezeExcite(8)))),
    Spec((Convolution(16, 3, 2), ShuffleUnit2(32, 16, stride=2), ShuffleUnit2(32, 16)), Head("convolution")),
)
MEMBERS = [
    Member(f"net {at}", f"family {at}", from_spec(spec, SHAPE, 7), timed=at == 0) for at, spec in enumerate(SPECS)
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table") / "here.json"
    time_steps(MEMBERS, out, rounds=2, sizes=[20])
    return out


@pytest.fixture(scope="module")
def table(path: Path) -> LatencyTable:
    return read_table(path)


def test_a_table_holds_each_step_once_and_the_call(table: LatencyTable, path: Path) -> None:
    own = {piece.key for member in MEMBERS for piece in steps(canonical(member.graph), BEST)}
    assert {piece.key for piece in table.pieces} == own
    assert "call" in own
    assert table.target.engine == "native"
    assert table.sizes == (20,)
    assert [network.name for network in table.networks] == ["net 0"]
    assert all(len(each.seconds) == 2 and min(each.seconds) > 0 for each in table.pieces)
    assert list(path.parent.iterdir()) == [path]


def test_a_network_is_predicted_by_the_steps_of_its_plan(table: LatencyTable) -> None:
    for spec, member in zip(SPECS, MEMBERS, strict=True):
        own = table.cut(member.graph)
        assert [piece.key for piece in table.cut_spec(spec, SHAPE, 7)] == [piece.key for piece in own]
        assert len(own) == 1 + len(plan(member.graph, BEST).steps)
        prediction = table.predict(own)
        assert prediction.missing == ()
        assert prediction.seconds > 0


def test_all_multiply_adds_are_some_steps(table: LatencyTable) -> None:
    from featherlight.cost import count

    for member in MEMBERS:
        assert sum(piece.multiply_adds for piece in table.cut(member.graph)) == count(member.graph).multiply_adds
        assert all(piece.bytes_moved > 0 for piece in table.cut(member.graph)[1:])


def test_steps_that_were_never_timed_are_told_by_others(table: LatencyTable) -> None:
    other = Spec((Convolution(16, 3, 2), InvertedResidual(16, 48)))
    prediction = table.predict(table.cut_spec(other, SHAPE, 7))
    assert prediction.missing
    assert 0 < prediction.low < prediction.seconds < prediction.high


def test_what_was_timed_before_a_stop_is_not_timed_again(path: Path, tmp_path: Path) -> None:
    from featherlight.latency import by_steps

    stopped = tmp_path / "here.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("featherlight.latency.device.write_table", _stop)
        with pytest.raises(KeyboardInterrupt):
            time_steps(MEMBERS, stopped, rounds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_steps, "_whole", lambda *_: pytest.fail("timed again"))
        patch.setattr(by_steps, "_seconds", lambda *_: pytest.fail("timed again"))
        assert len(time_steps(MEMBERS, stopped, rounds=1).pieces) == len(read_table(path).pieces)
        assert time_networks(MEMBERS, stopped, engine="native") == read_table(stopped)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_cannot_be_used_is_a_sentence(path: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="networks of a latency table must be one or more; got 'none'"):
        time_steps([], tmp_path / "here.json")
    with pytest.raises(BadInput, match=r"the folder .*gone does not exist"):
        time_steps(MEMBERS, tmp_path / "gone" / "here.json")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"the folder .*file does not exist"):
        time_networks(MEMBERS, tmp_path / "file" / "here.json", engine="native")
    (tmp_path / "here.json.part").mkdir()
    with pytest.raises(BadInput, match=r"the latency table .*here.json cannot be made: .*Is a directory"):
        time_steps(MEMBERS, tmp_path / "here.json")
    document = json.loads(path.read_text())
    document["about"]["instructions"] = "neon"
    other = write(tmp_path / "other.json", signed(document))
    with pytest.raises(BadInput, match="does not say for which instructions its pieces were compiled"):
        read_table(other)


def test_a_table_is_for_the_instructions_that_it_was_timed_with(path: Path, tmp_path: Path) -> None:
    document = json.loads(path.read_text())
    document["about"]["instructions"] = "sse2"
    other = read_table(write(tmp_path / "other.json", signed(document)))
    keys = [piece.key for piece in other.cut(MEMBERS[0].graph)]
    assert keys != [piece.key for piece in steps(canonical(MEMBERS[0].graph), BEST)] or BEST.name == "sse2"


def test_on_a_full_disk_what_was_timed_is_kept(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "here.json"
    with monkeypatch.context() as until_then:
        until_then.setattr("featherlight.latency.device.json.dump", no_room)
        with pytest.raises(DiskFull) as told:
            time_steps(MEMBERS, out, rounds=1)
    assert str(told.value) == (
        f"{out} cannot be written: No space left on device; free some room: what was timed is kept"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["here.json.part"]
    monkeypatch.setattr("featherlight.latency.by_steps._seconds", lambda *_: pytest.fail("timed again"))
    assert len(time_steps(MEMBERS, out, rounds=1).pieces) == len(read_table(path).pieces)


@pytest.mark.parametrize("made_by", [{"compiler": "0" * 64}, {}], ids=["another compiler", "one that does not say"])
def test_a_table_of_another_compiler_is_refused_or_timed_anew(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_by: dict[str, str]
) -> None:
    document = json.loads(path.read_text())
    document["about"] = {name: value for name, value in document["about"].items() if name != "compiler"} | made_by
    document["pieces"] = [piece | {"key": f"Old{piece['key']}"} for piece in document["pieces"]]
    old = write(tmp_path / "here.json", signed(document))
    with pytest.raises(BadInput, match=r"timed with another compiler .*: time again with this one on the device, "):
        read_table(old).check(None, 1)
    monkeypatch.setattr("featherlight.latency.device.ROUNDS", 1)
    anew = time_networks(MEMBERS, old, engine="native")
    assert anew == read_table(old)
    assert anew.predict(anew.cut(MEMBERS[0].graph)).missing == ()
    anew.check(None, 1)


def test_the_folder_of_a_table_is_made(tmp_path: Path) -> None:
    out = tmp_path / "new" / "table.json"
    assert time_networks(MEMBERS[:1], out, engine="native") == read_table(out)
