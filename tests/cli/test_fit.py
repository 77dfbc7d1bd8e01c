"""The command around `fit`: what it hands on, and what it prints. The job itself is tested in tests/fitting."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from featherlight import fitting
from featherlight.cli import main
from featherlight.errors import BadInput
from featherlight.fitting import Fitted
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.heats import Heat
from featherlight.fitting.limits import Breach, Limits
from featherlight.fitting.select import Verdict
from featherlight.fitting.stage import Entrant, Judged, Stage
from featherlight.fitting.time_candidates import Timed
from featherlight.predict import Exported
from featherlight.predict.agreement import Agreement
from featherlight.timing import Measurement, Target, this_machine

THIN, WIDE = Candidate("squeezenet_1_1", 0.5, 96), Candidate("squeezenet_1_1", 1.0, 96)
HUGE = Candidate("mobilenet_v1", 1.0, 96)


def took(median: float, threads: int) -> Measurement:
    return Measurement(
        Target("openvino", "1", threads, "f32", 1, this_machine()), median, median, 1.1 * median, 9, False
    )


def judged(name: str, median: float, accuracy: float, folder: Path) -> Judged:
    exported = Exported(str(folder / "model.onnx"), 99, "photos", True, Agreement(1, 1, 0.0, 1e-4))
    entrant = Entrant(name, 96, "squeezenet_1_1")
    return Judged(entrant, took(median, 2), "fits", accuracy, accuracy + 0.025, 1_470_000, 2_500_000, exported)


def fitted(folder: Path) -> Fitted:
    heat = Heat(THIN, 1, 10, 640, 0, 320.0, 400.0, 2.0, 1, 0.875, {"batch": 64}, "", "")
    return Fitted(
        folder=folder,
        data="photos",
        seed=0,
        budget=2e-3,
        effort="quick",
        stages=(Stage("choose", 2.0, True, "", judged(THIN.name, 1e-3, 0.875, folder)),),
        candidate=THIN,
        limits=Limits(size=5_000_000),
        accuracies={THIN: 0.875},
        heats=(heat,),
        rungs=({"event": "rung", "rung": 1, "predicted_errors": {}, "kept": []},),
        candidates=(Timed(WIDE, took(3e-3, 1), "too slow"), Timed(THIN, took(1e-3, 2), "fits")),
        ruled_out=(Breach(HUGE, "too large", 12_800_000),),
        broken_images=(),
    )


def run(monkeypatch: pytest.MonkeyPatch, fit: Callable[..., Fitted], *arguments: object) -> int:
    monkeypatch.setattr(fitting, "fit", fit)
    monkeypatch.setattr(sys, "argv", ["featherlight", "fit", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0)


ASKED = ("photos", "--budget", "2ms", "--out", "result")


def test_it_hands_on_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: dict[str, Any] = {}

    def fit(*arguments: object, **options: object) -> Fitted:
        asked.update(options, arguments=arguments)
        raise BadInput("no network keeps it")

    limits = ("--threads", 4, "--max-size", "5MB", "--max-memory", "20MB", "--size", 96)
    extra = (*limits, "--minutes", 60, "--effort", "normal", "--resume")
    assert run(monkeypatch, fit, *ASKED, *extra) == 2
    assert capsys.readouterr().err == "Error: no network keeps it\n"
    del asked["say"]
    assert asked == {
        "arguments": ("photos", "2ms"),
        "target": None,
        "out": "result",
        "threads": 4,
        "size": 96,
        "minutes": 60.0,
        "effort": "normal",
        "engine": "auto",
        "max_size": "5MB",
        "max_memory": "20MB",
        "seed": 0,
        "resume": True,
    }


def test_a_fit_that_has_ended_is_asked_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fit(*_: object, **__: object) -> Fitted:
        raise BadInput("budget was 0.002 and is 0.009")

    (tmp_path / "fit.json").write_text(json.dumps(fitted(tmp_path).to_json()))
    assert run(monkeypatch, fit, "other", "--budget", "9ms", "--out", tmp_path, "--resume") == 2
    assert capsys.readouterr() == ("", "Error: budget was 0.002 and is 0.009\n")


def test_the_table_names_engine_threads_and_what_a_limit_ruled_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, lambda *_, **__: fitted(tmp_path), *ASKED) == 0
    head, _, first, second, third, _, *rest = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "network engine threads time p90 within budget validation chosen"
    assert " ".join(first.split()) == "squeezenet_1_1 0.5x at 96 openvino 2 1 ms 1.1 ms fits 87.5% *"
    assert " ".join(second.split()) == "squeezenet_1_1 1x at 96 openvino 1 3 ms 3.3 ms too slow"
    assert " ".join(third.split()) == "mobilenet_v1 1x at 96 12.8 MB too large"
    assert rest == [
        "squeezenet_1_1 0.5x at 96: test accuracy 90.0%, 1 ms an image (p90 1.1 ms) on openvino with 2 threads, "
        "budget 2 ms: fits",
        "weights: 1.47 MB; 2.5 MB of memory with the activations of one image",
        f"network: {tmp_path}",
        f"picture: {tmp_path / 'accuracy_time.png'}",
    ]


@pytest.mark.parametrize(("noisy", "verdict", "told"), [(True, "too slow", True), (True, "fits", False),
                                                        (False, "too slow", False)])  # fmt: skip
def test_a_budget_broken_on_a_busy_machine_is_told_so(
    noisy: bool, verdict: Verdict, told: bool, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    whole = fitted(tmp_path)
    final = judged(THIN.name, 1.2e-3, 0.875, tmp_path)
    final = replace(final, measurement=replace(final.measurement, p90=12.7e-3, noisy=noisy), verdict=verdict)
    broken = replace(whole, stages=(replace(whole.stages[0], judged=final),))
    assert run(monkeypatch, lambda *_, **__: broken, *ASKED) == 0
    *_, line, weights, _, _ = capsys.readouterr().out.splitlines()
    assert weights.startswith("weights: ")
    assert (line == (
        "the machine was busy while the network was timed from its file: when it was chosen, it took 1 ms (p90 1.1 "
        "ms); `featherlight doctor` tells how busy it is now, and `featherlight profile "
        f"{tmp_path}` on a quiet one times it again"
    )) == told  # fmt: skip
    assert line.endswith(f"budget 2 ms: {verdict}") != told


def test_what_each_stage_bought_stands_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = fitted(tmp_path)
    better = judged("squeezenet_1_1 1x at 96, shrunk", 1.5e-3, 0.9, tmp_path)
    stages = (
        *first.stages,
        Stage("shrink", 240.0, True, "", better),
        Stage("search", 0.0, False, "nothing keeps it", None),
    )
    assert run(monkeypatch, lambda *_, **__: replace(first, stages=stages), *ASKED) == 0
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    at = printed.index("stage network time p90 validation test training")
    assert printed[at + 2 : at + 5] == [
        "choose squeezenet_1_1 0.5x at 96 1 ms 1.1 ms 87.5% 90.0% 0.0 min kept",
        "shrink squeezenet_1_1 1x at 96, shrunk 1.5 ms 1.65 ms 90.0% 92.5% 4.0 min kept",
        "search 0.0 min nothing keeps it",
    ]
    assert not any(line.endswith("*") for line in printed)  # none of the candidates is in the folder
    assert any(line.startswith("squeezenet_1_1 1x at 96, shrunk: test accuracy 92.5%, 1.5 ms") for line in printed)


def test_predicted_times_are_called_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    predicted = replace(fitted(tmp_path), label="predicted for Raspberry Pi 4")
    assert run(monkeypatch, lambda *_, **__: predicted, *ASKED, "--target", "pi.json") == 0
    first, head, *_, last, _, _, _ = capsys.readouterr().out.splitlines()
    assert first == "times are predicted for Raspberry Pi 4, none was measured"
    assert " ".join(head.split()) == "network engine threads time at most within budget validation chosen"
    assert "1 ms an image (predicted for Raspberry Pi 4, at most 1.1 ms) on openvino with 2 threads" in last


def test_json_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, lambda *_, **__: fitted(tmp_path), *ASKED, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["target"]["threads"] == 2
    assert document["limits"] == {"size": 5_000_000, "memory": None}
    assert document["ruled_out"] == [{"name": HUGE.name, "verdict": "too large", "bytes": 12_800_000}]
    assert document["training"]["images_in_all"] == 640
    assert document["candidates"][1]["threads"] == 2


def test_the_help_shows_an_example_of_going_on_and_calls_minutes_an_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, lambda *_, **__: pytest.fail("it ran"), "--help") == 0
    printed = capsys.readouterr().out
    assert "featherlight fit photos/ --budget 2ms --out result/ --resume" in printed
    assert "an estimate: they become steps" in " ".join(printed.replace("│", " ").split())
