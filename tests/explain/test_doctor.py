from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from featherlight.engines import onnxruntime, openvino
from featherlight.explain import check_up
from featherlight.explain.doctor import verdict
from featherlight.timing import NOISY, this_machine


@pytest.mark.parametrize(
    ("noise", "word"), [(0.0, "quiet"), (0.099, "quiet"), (0.1, "uneven"), (NOISY, "uneven"), (NOISY + 0.01, "noisy")]
)
def test_the_verdict_follows_the_noise(noise: float, word: str) -> None:
    assert verdict(noise).startswith(word)


def test_a_machine_is_named_with_its_engines_and_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERLIGHT_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "one").write_bytes(bytes(1000))
    checkup = check_up(quick=True)
    assert checkup.machine == this_machine()
    assert next(each for each in checkup.engines if each.name == "torch").version
    assert (checkup.cache, checkup.cache_bytes) == (tmp_path, 1000)
    assert checkup.noise >= 0
    assert checkup.memory is None or checkup.memory > 1 << 28
    assert checkup.ceilings is None
    document = json.loads(json.dumps(checkup.to_json(), allow_nan=False))
    assert document["libraries"]["numpy"]
    assert document["verdict"] == checkup.verdict


def test_an_engine_that_is_missing_or_broken_is_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken() -> str:
        raise ImportError("libtbb.so.12:\n cannot open shared object file")

    monkeypatch.setenv("FEATHERLIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(openvino, "missing", lambda: "install it with: pip install openvino")
    monkeypatch.setattr(onnxruntime, "version", broken)
    hints = check_up(quick=True).hints
    assert "install it with: pip install openvino" in hints
    assert "installed, but cannot be loaded: libtbb.so.12: cannot open shared object file" in hints


def test_other_work_on_the_machine_is_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEATHERLIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "cpu_count", lambda: 1000)
    told = []
    for load in (0.1, 1.6):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, load, load))
        told.append([hint for hint in check_up(quick=True).hints if "other programs" in hint])
    assert told == [[], ["other programs had work for 1.6 of 1000 cores in the last minute: stop them before timing"]]
