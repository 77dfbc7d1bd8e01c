"""The bundle on a device: a fresh interpreter that has NumPy and one engine, and neither featherlight nor torch."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.graph import from_torch
from featherlight.latency import (
    LatencyTable,
    Member,
    Packed,
    device,
    expected_minutes,
    here,
    pack,
    pieces,
    read_table,
    time_here,
    time_networks,
)
from featherlight.timing import machine
from full_disk import no_room
from latency_tables import made_up, write
from small_networks import small_networks

NAMES = ("residual", "shuffle unit")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    networks = small_networks()
    members = [Member(name, name, from_torch(networks[name], (1, 3, 18, 22)), timed=True) for name in NAMES]
    return pack(members, tmp_path_factory.mktemp("bundle") / "pieces.zip", sizes=[18])


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds NumPy and ONNX Runtime, and nothing else."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("numpy", "onnxruntime"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        for each in (package, package.with_name(f"{name}.libs")):
            if each.exists():
                (folder / each.name).symlink_to(each)
    return folder


def command(bundle: Path, out: Path, *more: str) -> list[str]:
    # -S: no site-packages, so that what is not in PYTHONPATH cannot be imported
    return [sys.executable, "-S", str(bundle), "--out", str(out), "--rounds", "2", *more]


def run(bare: Path, bundle: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(bare), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command(bundle, out, *more), env=environment, capture_output=True, text=True, check=False)


def test_with_numpy_and_an_engine_alone_it_writes_a_table(packed: Packed, bare: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(bare)}
    for absent in ("featherlight", "torch", "onnx"):
        tried = subprocess.run([sys.executable, "-S", "-c", f"import {absent}"], env=environment, capture_output=True)
        assert tried.returncode == 1
    out = tmp_path / "pi.json"
    done = run(bare, packed.path, out)
    assert done.returncode == 0, done.stderr
    table = read_table(out)
    assert len(table.pieces) == packed.pieces
    assert [each.name for each in table.networks] == list(NAMES)
    assert table.target.engine == "onnxruntime"
    assert set(table.libraries) == {"python", "numpy", "onnxruntime"}
    assert all(len(each.seconds) == 2 for each in table.pieces)
    assert list(tmp_path.iterdir()) == [out]
    prediction = table.predict(pieces(from_torch(small_networks()["residual"], (1, 3, 18, 22))))
    assert prediction.missing == ()
    assert 0 < prediction.seconds < 0.1

    again = run(bare, packed.path, out)
    assert again.returncode == 2
    assert again.stderr == f"Error: {out} exists; name another file with --out\n"


def test_killed_it_keeps_what_was_timed_and_goes_on(packed: Packed, bare: Path, tmp_path: Path) -> None:
    out, part = tmp_path / "pi.json", tmp_path / "pi.json.part"
    process = subprocess.Popen(command(packed.path, out), env={"PYTHONPATH": str(bare)}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not part.exists() or part.read_bytes().count(b"\n") < 6:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    with part.open("ab") as file:
        file.write(b'{"round": 1, "sort": "pie')  # as a power cut in the middle of a line leaves it
    kept = [json.loads(line) for line in part.read_bytes().splitlines()[1:-1]]
    assert kept
    other = run(bare, packed.path, out, "--threads", "2")
    assert other.returncode == 2
    assert "was begun with another bundle, engine or machine" in other.stderr

    assert run(bare, packed.path, out).returncode == 0
    table = read_table(out)
    for event in kept:
        timed = table.pieces[event["at"]] if event["sort"] == "pieces" else table.networks[event["at"]]
        assert timed.seconds[event["round"]] == event["took"]["seconds"]
    assert not part.exists()


def rewritten(path: Path, copy: Path, name: str, change: bytes | None) -> Path:
    """A copy of the archive in which one file is another, or is missing."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as written:
        for each in archive.namelist():
            if each != name:
                written.writestr(each, archive.read(each))
            elif change is not None:
                written.writestr(each, change)
    return copy


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("pieces/0.onnx", b"another model", "was altered: pieces/0.onnx is not what was packed"),
        ("networks/1.onnx", None, "is damaged: networks/1.onnx cannot be read"),
        (device.MANIFEST, b"{}", "was altered: manifest.json is not what was packed"),
        (device.DIGEST, None, "is not a whole bundle"),
        (device.MACHINE, b"# another", "was altered: machine.py is not what was packed"),
    ],
)
def test_an_altered_bundle_is_refused(
    packed: Packed, bare: Path, tmp_path: Path, name: str, change: bytes | None, sentence: str
) -> None:
    done = run(bare, rewritten(packed.path, tmp_path / "altered.zip", name, change), tmp_path / "pi.json")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "pi.json").exists()


def test_a_flipped_bit_is_found(packed: Packed, tmp_path: Path) -> None:
    data = bytearray(packed.path.read_bytes())
    with zipfile.ZipFile(packed.path) as archive:
        info = archive.getinfo("pieces/1.onnx")
    data[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 4
    copy = tmp_path / "flipped.zip"
    copy.write_bytes(bytes(data))
    with pytest.raises(device.Stop, match=r"pieces/1\.onnx (cannot be read|is not what was packed)"):
        device.Bundle(str(copy))


def test_what_is_missing_is_said(packed: Packed, bare: Path, tmp_path: Path) -> None:
    none = subprocess.run(command(packed.path, tmp_path / "a"), env={}, capture_output=True, text=True, check=False)
    assert none.returncode == 2
    assert none.stderr == "Error: NumPy is not installed here; install it with: pip install numpy\n"
    engine = run(bare, packed.path, tmp_path / "a", "--engine", "openvino")
    assert engine.returncode == 2
    assert engine.stderr == (
        "Error: the engine openvino is not installed here; install it with: pip install openvino\n"
    )
    assert run(bare, packed.path, tmp_path / "a", "--rounds", "0").returncode == 2
    nowhere = run(bare, packed.path, tmp_path / "nowhere" / "a")
    assert nowhere.returncode == 2
    assert nowhere.stderr == (
        f"Error: the folder {tmp_path / 'nowhere'} does not exist; make it, or name another file with --out\n"
    )


def test_on_this_machine_it_is_one_call(packed: Packed, tmp_path: Path) -> None:
    out = tmp_path / "here.json"
    assert time_here(packed.path, out, engine="onnxruntime", rounds=1).pieces == read_table(out).pieces
    with pytest.raises(BadInput, match=r"here\.json exists; name another file with --out"):
        time_here(packed.path, out)


def test_on_a_full_disk_the_script_says_what_is_kept(
    packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pi.json"
    monkeypatch.setitem(sys.modules, "machine", machine)  # which lies beside the script in a bundle
    monkeypatch.setattr(os, "fsync", no_room)
    assert device.main(["--bundle", str(packed.path), "--out", str(out)]) == 2
    said = f"{out} cannot be written: No space left on device; free some room: what was timed is kept"
    assert capsys.readouterr().err == f"Error: {said}\n"
    monkeypatch.setattr(here, "_opened", lambda _: None)
    script = tmp_path / "script.py"
    script.write_text(f"import sys; print('Error: {said}', file=sys.stderr); sys.exit(2)")
    with pytest.raises(DiskFull, match=f"^{said}$"):
        time_here(script, out)


def test_what_it_will_take_is_told_beforehand(packed: Packed, tmp_path: Path) -> None:
    expected = 60 * expected_minutes(packed.path, engine="onnxruntime")
    start = time.monotonic()
    time_here(packed.path, tmp_path / "here.json", engine="onnxruntime")
    assert 1 / 4 < expected / (time.monotonic() - start) < 4  # the machine may be busier now than it was


def test_networks_are_packed_and_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, bundles = tmp_path / "here.json", []

    def timed(bundle: Path, out: Path, **_: object) -> LatencyTable:
        bundles.append(bundle.read_bytes())
        if len(bundles) == 1:
            raise Failure("stopped")
        return read_table(write(out, made_up({"residual": graph})))

    graph = from_torch(small_networks()["residual"], (1, 3, 18, 22))
    monkeypatch.setattr(here, "time_here", timed)
    members = [Member("residual", "residual", graph, timed=True)]
    with pytest.raises(Failure):
        time_networks(members, out, engine="onnxruntime")
    first = time_networks([], out, engine="onnxruntime")  # the bundle is there
    assert time_networks([], out, engine="onnxruntime") == first
    assert len(bundles) == 2
    assert len(set(bundles)) == 1


def test_a_sample_stands_for_all(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[str] = []

    def takes(seconds: float, what: str) -> None:
        time.sleep(seconds)
        timed.append(what)

    monkeypatch.setattr(device, "time_piece", lambda *_: takes(0.01, "piece"))
    monkeypatch.setattr(device, "time_network", lambda *_: takes(0.05, "network"))
    monkeypatch.setitem(here.SAMPLED, "pieces", 3)
    expected = device.ROUNDS * (0.01 * packed.pieces + 0.05 * packed.networks)
    assert expected <= 60 * expected_minutes(packed.path) < 3 * expected
    assert timed == 3 * ["piece"] + packed.networks * ["network"]


def test_the_same_networks_make_the_same_bundle(packed: Packed, tmp_path: Path) -> None:
    networks = small_networks()
    members = [Member(name, name, from_torch(networks[name], (1, 3, 18, 22)), timed=True) for name in NAMES]
    assert pack(members, tmp_path / "again.zip", sizes=[18]).path.read_bytes() == packed.path.read_bytes()
    with pytest.raises(BadInput, match="networks of a bundle must be one or more"):
        pack([], tmp_path / "none.zip")


@pytest.mark.parametrize("engine", device.ENGINES)
def test_only_what_stands_between_the_convolutions_is_counted(engine: str, packed: Packed) -> None:
    pytest.importorskip(engine)
    bundle = device.Bundle(str(packed.path))
    for piece in bundle.manifest["pieces"]:
        with device.ENGINES_BY_NAME[engine].traced(bundle.read(piece["file"]), 1) as (_, call, trace):
            for _ in range(device.UNTIMED + 1):
                call()
            (steps, *_) = trace(device.UNTIMED + 1)
        own = [steps[at] for at in device.own_steps(steps, piece["around"])]
        assert own or piece["key"].startswith("Activation"), piece["key"]  # OpenVINO takes one along with another
        assert len(own) < len(steps) or len(piece["around"]) == 1
        assert not any("around" in name or "logits" in name for name, _, _ in own if len(piece["around"]) > 1)


def test_steps_around_a_piece_are_left_out() -> None:
    steps = [(name, False, 1e-6) for name in ("given", "around_0", "turn", "y0", "turn_1", "around/logits", "turn_2")]
    assert device.own_steps(steps, ["around", "logits"]) == [0, 2, 3, 4]
    assert device.own_steps(steps[:4], ["around"]) == [0, 2, 3]
