"""A fit that is killed (kill -9) again and again goes on each time, and does nothing twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from featherlight.journal import Journal

KILLS = 5

# Two networks stand for all and the clocks are short, so that a fit is over in seconds; all else is the real thing.
PROGRAM = """
import sys
import torch
from featherlight.fitting import bench, fit, job, rates, rungs
from featherlight.fitting.candidates import Candidate

torch.set_num_threads(1)
bench.SECONDS = rates.SECONDS = 0.02
rungs.LEAST_IMAGES = 1
widths = tuple(Candidate("squeezenet_1_1", width, 32) for width in (0.25, 0.5))
job.candidates = lambda size: {"squeezenet_1_1": widths, "mobilenet_v2": (Candidate("mobilenet_v2", 0.35, size),)}
fit(sys.argv[1], "10s", out=sys.argv[2], size=32, minutes=0.03, engine="torch", resume=True)
"""


def write_pictures(root: Path) -> None:
    """Two classes that differ in colour."""
    noise = np.random.default_rng(0)
    for label, colour in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
        (root / label).mkdir(parents=True)
        for number in range(20):
            pixels = noise.normal(colour, 40, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")


def lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def run(pictures: Path, out: Path, kill_after: int | None, moment: float) -> int:
    """The exit code of a fit; killed `moment` seconds after the journal holds `kill_after` events, unless None."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(pictures), str(out)], env=environment) as process:
        while kill_after is not None and process.poll() is None and lines(out / "journal.jsonl") < kill_after:
            time.sleep(0.002)
        if kill_after is not None and process.poll() is None:
            time.sleep(moment)
            process.kill()
        return process.wait()


def test_killed_again_and_again_it_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    pictures, out = tmp_path / "pictures", tmp_path / "result"
    write_pictures(pictures)
    journal, chance = out / "journal.jsonl", random.Random(0)
    before: list[dict[str, Any]] = []
    for _ in range(KILLS):
        run(pictures, out, lines(journal) + chance.randint(1, 3), chance.uniform(0, 0.3))
        events = Journal(journal).read()
        assert events[: len(before)] == before
        assert events
        before = events
    assert run(pictures, out, None, 0) == 0

    events = Journal(journal).read()
    assert events[: len(before)] == before
    work = Counter((event["event"], event.get("name"), event.get("rung"), event.get("round")) for event in events)
    assert set(work.values()) == {1}
    assert sum(kind == "timed" for kind, *_ in work) == 3
    trained = [(event["name"], event["rung"]) for event in events if event["event"] == "trained"]
    assert [rung for _, rung in trained] == [1, 1, 1, 2, 2, 3]
    assert json.loads((out / "fit.json").read_text())["network"] == trained[-1][0]
    assert not (out / "candidates").exists()
