from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from featherlight.cli import main
from featherlight.cli.progress import show_stages
from featherlight.engines import OnnxSource
from latency_tables import made_up, write
from rivals import write_convolutions


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return [str(write_convolutions(tmp_path / f"{name}.onnx", size).path) for name, size in (("b", 40), ("a", 1))]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "compare", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_a_table_of_times_and_one_of_correlations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: list[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *files, "--engines", "onnxruntime", "--seconds", "0.1")
    assert code == 0
    title, _, head, _, quick, slow, _, correlation, *_ = out.splitlines()
    assert title.endswith(", 1 thread, one image at a time")
    assert head.split()[:3] == ["network", "engine", "ms"]
    assert [quick.split()[:2], slow.split()[:2]] == [[files[1], "onnxruntime"], [files[0], "onnxruntime"]]
    assert correlation == "Rank correlation of the times with"
    assert err.splitlines()[0] == "building 0%"
    assert err.splitlines()[-1] == "timing 100%"


def test_json_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: list[str]
) -> None:
    code, out, _ = run(monkeypatch, capsys, files[0], "--engines", "onnxruntime", "--seconds", "0.1", "--json")
    document = json.loads(out)
    assert code == 0
    assert list(document) == ["machine", "noise", "times", "results", "rank_correlations"]
    assert document["times"] == "measured"
    assert document["results"][0]["model"] == files[0]


def test_a_brought_table_times_nothing_here_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: list[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("featherlight.explain.comparison.measure_apart", lambda *_, **__: pytest.fail("it was timed"))
    graphs = {f"{name} 1x": OnnxSource(Path(name)).graph for name in files}
    table = str(write(tmp_path / "pi.json", made_up(graphs, sizes=[48])))
    code, out, _ = run(monkeypatch, capsys, *files, "--target", table)
    assert code == 0
    title, _, head, _, quick, slow, *_ = out.splitlines()
    assert title == "predicted for Raspberry Pi 9, between bounds that are assumed, 2 threads, one image at a time"
    assert "ms 90 % pieces not timed multiply-adds" in " ".join(head.split())
    assert [quick.split()[0], slow.split()[0]] == [files[1], files[0]]
    code, out, _ = run(monkeypatch, capsys, files[0], "--target", table, "--json")
    document = json.loads(out)
    assert document["times"] == "predicted for Raspberry Pi 9, between bounds that are assumed"
    assert document["machine"]["cpu"] == "Raspberry Pi 9"
    assert document["results"][0]["predicted"]
    assert document["results"][0]["pieces_missing"] == 0
    code, _, err = run(monkeypatch, capsys, files[0], "--target", table, "--engines", "openvino")
    assert code == 2
    assert err == "Error: the latency table is of onnxruntime; got engine 'openvino': leave it out\n"


def test_csv_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: list[str]
) -> None:
    code, out, _ = run(monkeypatch, capsys, files[1], "--engines", "onnxruntime", "--seconds", "0.1", "--csv")
    (record,) = csv.DictReader(out.splitlines())
    assert code == 0
    assert record["model"] == files[1]
    assert float(record["infer_samples_per_sec"]) > 0
    assert record["top1"] == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing*",), "Error: 'nothing*' matches no network and is no folder or file here"),
        (("squeezenet_1_1", "--engines", "tvm"), "Error: engine must be a known name; got 'tvm'"),
        (("squeezenet_1_1", "--engines", ""), "Error: engine must be a known name; got ''"),
        (("squeezenet_1_1", "--json", "--csv"), "Error: choose one of --json and --csv"),
    ],
)
def test_bad_input_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert len(err.splitlines()) == 1


def test_ctrl_c_prints_nothing_half(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: list[str]
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("featherlight.explain.comparison.measure_apart", interrupted)
    code, out, err = run(monkeypatch, capsys, *files, "--json")
    assert (code, out) == (130, "")
    assert "Traceback" not in err


def test_progress_tells_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 0.0, 2.0, 20.0, 40.0, 100.0, 160.0])
    show = show_stages(lambda: next(now))
    for doing, share in (("building", 0.0), ("building", 0.01), ("building", 0.1), ("building", 1.0)):
        show(doing, share)
    for share in (0.0, 0.5):
        show("timing", share)
    assert capsys.readouterr().err.splitlines() == [
        *("building 0%", "building 10%, 3 min 0 s left", "building 100%"),
        *("timing 0%", "timing 50%, 1 min 0 s left"),
    ]
