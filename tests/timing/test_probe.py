from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from featherlight.cost import Bandwidth, Ceilings
from featherlight.errors import BadInput, Failure
from featherlight.timing import probe, this_machine

CEILINGS = Ceilings(2e10, (Bandwidth(1 << 18, 4e10), Bandwidth(1 << 28, 1e10)))


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The probes made, each on so many threads; they cost nothing here, and the machine is quiet."""
    made: list[int] = []

    def pretend(threads: int) -> Ceilings:
        made.append(threads)
        return CEILINGS

    monkeypatch.setattr(probe, "_in_a_process_of_its_own", pretend)
    monkeypatch.setattr(probe, "noise", lambda: 0.0)
    return made


@pytest.mark.parametrize("threads", [1, 2])
def test_a_small_probe_finds_rates_that_a_machine_has(threads: int) -> None:
    found = probe.probe(threads, side=128, footprints=(1 << 14, 1 << 18), seconds=0.05)
    assert 1e7 < found.multiply_adds_per_second < 1e14
    assert [each.footprint for each in found.bandwidths] == [threads << 14, threads << 18]
    first, second = (each.bytes_per_second for each in found.bandwidths)
    assert 1e13 > first >= second > 1e6


def test_the_ceiling_is_the_loop_in_registers_where_there_is_code_for_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "_in_registers", lambda threads, seconds: 7e9 * threads)
    monkeypatch.setattr(probe, "_product", lambda side, seconds: 3e9)
    assert probe.probe(2, footprints=(1 << 14,), seconds=0.01).multiply_adds_per_second == 14e9
    monkeypatch.setattr("featherlight_runtime.cpu.flags", frozenset)  # as on ARM
    assert probe.probe(2, footprints=(1 << 14,), seconds=0.01).multiply_adds_per_second == 3e9


def test_what_was_measured_in_another_way_is_never_used(tmp_path: Path, probes: list[int]) -> None:
    probe.ceilings(1, folder=tmp_path)
    (kept,) = (tmp_path / "ceilings").iterdir()
    document = json.loads(kept.read_text())
    old = {name: told for name, told in document.items() if name != "version"}  # as version 1 wrote it
    for other in (old, document | {"version": probe.VERSION + 1}):
        kept.write_text(json.dumps(other))
        assert probe.ceilings(1, folder=tmp_path) == CEILINGS
    assert probes == [1, 1, 1]
    assert json.loads(kept.read_text()) == document


def test_it_is_probed_once_and_kept(tmp_path: Path, probes: list[int]) -> None:
    assert probe.ceilings(2, folder=tmp_path) == probe.ceilings(2, folder=tmp_path) == CEILINGS
    assert probes == [2]
    probe.ceilings(1, folder=tmp_path)
    probe.ceilings(2, folder=tmp_path, fresh=True)
    assert probes == [2, 1, 2]


def test_what_another_machine_left_is_never_used(
    tmp_path: Path, probes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.ceilings(1, folder=tmp_path)
    (kept,) = (tmp_path / "ceilings").iterdir()
    other = replace(this_machine(), cpu="Cortex-A76")
    monkeypatch.setattr(probe, "this_machine", lambda: other)
    probe.ceilings(1, folder=tmp_path)
    assert probes == [1, 1]
    theirs = next(path for path in (tmp_path / "ceilings").iterdir() if path != kept)
    theirs.write_bytes(kept.read_bytes())  # copied over by hand: the file's own word counts
    probe.ceilings(1, folder=tmp_path)
    assert probes == [1, 1, 1]


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"machine": 1}', "half"])
def test_a_damaged_file_is_probed_again(tmp_path: Path, probes: list[int], damage: str) -> None:
    probe.ceilings(1, folder=tmp_path)
    (kept,) = (tmp_path / "ceilings").iterdir()
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps(document | {"ceilings": {"bandwidths": 3}}) if damage == "half" else damage)
    assert probe.ceilings(1, folder=tmp_path) == CEILINGS
    assert probes == [1, 1]


def test_a_busy_machines_figures_are_not_kept(
    tmp_path: Path, probes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "noise", lambda: 1.0)
    assert probe.ceilings(1, folder=tmp_path) == replace(CEILINGS, noisy=True)
    assert not list(tmp_path.rglob("*.json"))


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, probes: list[int]) -> None:
    (tmp_path / "ceilings").write_text("a file where the folder should be")
    assert probe.ceilings(1, folder=tmp_path) == CEILINGS


def test_the_whole_way_through_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    found = probe.ceilings(1, folder=tmp_path)
    assert found.multiply_adds_per_second > 1e7
    assert [each.footprint for each in found.bandwidths] == list(probe.FOOTPRINTS)


def test_a_probe_that_breaks_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", -1)
    with pytest.raises(Failure, match=r"probe of this machine's arithmetic and memory broke: .* seconds must be"):
        probe.ceilings(1, folder=tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_threads_are_checked() -> None:
    with pytest.raises(BadInput, match="threads must be a whole number above 0; got 0"):
        probe.ceilings(0)
