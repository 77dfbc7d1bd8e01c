"""What a shrink asks of a network before it trains: cuts that are legal, and a clock that tells their times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.errors import BadInput, Failure
from featherlight.graph import from_spec
from featherlight.latency import LatencyTable, Member, here, read_table
from featherlight.layers import Network
from featherlight.shrinking import carve, clock, magnitude, proposals, uniform, widths
from featherlight.shrinking.clock import TIMED_WHOLE, table_clock, time_cuts
from featherlight.shrinking.one_shot import thinned
from featherlight.shrinking.proposals import least
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Row,
    ShuffleUnit2,
    Spec,
    out_channels,
    walk,
)
from latency_tables import made_up, write

CLASSES = 3
IMAGE = (3, 16, 16)
STEM = Convolution(8, 3, 2)
BYPASSED = (STEM, Pool(3, 2, padding=1), Fire(2, 4, 4, bypass="simple"), InvertedResidual(8, 24))


@st.composite
def mixed(draw: st.DrawFn) -> Spec:
    """A network as the spaces of search have them, every third row a fire with bypass or so."""
    rows: list[Row] = [draw(st.sampled_from([STEM, Convolution(16, 3)]))]
    channels = out_channels(rows[0], 0)
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(1, channels - 1))
        wide = st.sampled_from([8, 12, 16, 24])
        row: Row = draw(
            st.just(Fire(4, first, channels - first, "simple"))
            | st.builds(Fire, st.just(4), wide, wide)
            | st.just(ShuffleUnit2(channels, 8) if channels % 2 == 0 else STEM)
            | st.builds(InvertedResidual, st.sampled_from([channels, 16]), wide, stride=st.sampled_from([1, 2]))
            | st.builds(DepthwiseSeparable, wide)
            | st.just(Pool(3, 2, padding=1))
        )
        rows.append(row)
        channels = out_channels(row, channels)
    return Spec(tuple(rows), draw(st.sampled_from([Head(), Head(hidden=(16,)), Head("convolution")])))


def channels(spec: Spec) -> float:
    """A clock by which every cut gains something."""
    return sum(entering + getattr(row, "squeeze", 0) for _, row, entering in walk(spec)) + out_channels(
        spec.rows[-1], 9
    )


@settings(max_examples=25)
@given(spec=mixed())
def test_every_cut_of_a_network_of_mixed_rows_is_legal(spec: Spec) -> None:
    weights = dict(Network(spec, CLASSES).state_dict())
    for width in widths(spec):
        assert width.channels >= 1
    for proposal in proposals(spec, channels, channels(spec) - 1, CLASSES, 3):
        Network(proposal.spec, CLASSES).load_state_dict(carve(weights, spec, proposal.spec))
    assert len(widths(least(spec, CLASSES, 3))) == len(widths(spec))
    for share in TIMED_WHOLE:
        assert [type(row) for row in thinned(spec, share).rows] == [type(row) for row in spec.rows]
    goal = 0.7 * channels(spec)
    assert reaches(goal, lambda: uniform(spec, channels, goal))
    assert reaches(goal, lambda: magnitude(spec, weights, channels, goal, CLASSES, 3))


def reaches(goal: float, thinner: Callable[[], Spec]) -> bool:
    """Or says that none does: whatever else it says is a cut that should not have been tried."""
    try:
        return channels(thinner()) <= goal
    except BadInput as refused:
        return "no network of this kind takes" in str(refused)


@pytest.mark.parametrize(
    "rows",
    [
        (Convolution(2, 3),),
        (STEM, InvertedResidual(8, 16), InvertedResidual(8, 8)),
        (STEM, Fire(2, 3, 5, bypass="simple")),
        BYPASSED,
    ],
)
def test_a_clock_tells_of_every_cut_however_small_the_network(
    rows: tuple[Row, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_formula(members: Iterable[Member], out: Path, **_: Any) -> LatencyTable:
        return read_table(write(out, made_up({member.name: member.graph for member in members})))

    monkeypatch.setattr(clock, "time_networks", by_formula)
    spec = Spec(rows)
    seconds = table_clock(time_cuts(spec, IMAGE, CLASSES, tmp_path, engine="onnxruntime", threads=1), IMAGE, CLASSES)
    thinner = least(spec, CLASSES, 3)
    while found := proposals(spec, seconds, 0.999 * seconds(spec), CLASSES, 3):
        spec = found[-1].spec
        assert seconds(spec) > 0
    assert seconds(thinner) > 0


def test_pieces_that_were_packed_are_not_packed_again_and_those_that_were_timed_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(spec: Spec) -> LatencyTable:
        return time_cuts(spec, IMAGE, CLASSES, tmp_path, engine="onnxruntime", threads=1)

    def stopped(bundle: Path, *_: Any, **__: Any) -> LatencyTable:
        packed.append(bundle.read_bytes())
        raise Failure("stopped")

    def finished(bundle: Path, out: Path, **_: Any) -> LatencyTable:
        packed.append(bundle.read_bytes())
        return read_table(write(out, made_up({"whole": from_spec(spec, (1, *IMAGE), CLASSES)})))

    spec, packed = Spec((STEM,)), list[bytes]()
    monkeypatch.setattr(here, "time_here", stopped)
    with pytest.raises(Failure, match="stopped"):
        timed(spec)
    monkeypatch.setattr(here, "pack", lambda *_, **__: pytest.fail("packed again"))
    monkeypatch.setattr(here, "time_here", finished)
    first = timed(spec)
    assert packed[0] == packed[1] == (tmp_path / "pieces.zip").read_bytes()
    monkeypatch.setattr(here, "time_here", lambda *_, **__: pytest.fail("timed again"))
    assert timed(spec) == first


def test_a_bundle_that_was_damaged_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "pieces.zip"
    bundle.write_bytes(b"no archive")
    with pytest.raises(Failure, match=r"the pieces cannot be timed: .*pieces\.zip is not a whole bundle"):
        time_cuts(Spec((STEM,)), IMAGE, CLASSES, tmp_path, engine="onnxruntime", threads=1)
    assert list(tmp_path.iterdir()) == [bundle]
    assert bundle.read_bytes() == b"no archive"
