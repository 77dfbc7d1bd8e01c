"""A fit that is killed (kill -9) again and again goes on each time, and does nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from featherlight.journal import Journal

KILLS = 5

# Three widths stand for all candidates and the clocks are short, so that a fit is over in seconds; all else is real.
# Each fit is a process of its own, forked from one that has imported everything and computed nothing yet.
PROGRAM = """
import os, random, shutil, signal, sys, time
from pathlib import Path
import torch
from featherlight.fitting import bench, fit, job, place, rates, rungs
from featherlight.fitting.candidates import Candidate

pictures, out, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
journal, chance = out / "journal.jsonl", random.Random(0)
bench.SECONDS = rates.SECONDS = 0.02
rungs.LEAST_IMAGES, rungs.WIDTHS_EACH = -1e9, 3
widths = tuple(Candidate("squeezenet_1_1", width, 32) for width in (0.25, 0.35, 0.5))
job.candidates = lambda size: {"squeezenet_1_1": widths}
place.add_to_fit = lambda *_: None  # the page comes after the fit has ended

def start():
    child = os.fork()
    if child == 0:
        fit(pictures, "10s", out=out, size=32, minutes=0.03, engine="torch", resume=True)
        os._exit(0)
    return child

def lines():
    return journal.read_bytes().count(b"\\n") if journal.exists() else 0

for number in range(kills):
    child, stop = start(), lines() + chance.randint(1, 3)
    while lines() < stop:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.2))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "it ended before it was killed"
    shutil.copy(journal, f"{out}-{number}.jsonl")
assert os.waitpid(start(), 0)[1] == 0
"""


def write_pictures(root: Path) -> None:
    """Two classes that differ in colour."""
    noise = np.random.default_rng(0)
    for label, colour in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
        (root / label).mkdir(parents=True)
        for number in range(20):
            pixels = noise.normal(colour, 40, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")


def test_killed_again_and_again_it_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    pictures, out = tmp_path / "pictures", tmp_path / "result"
    write_pictures(pictures)
    command = [sys.executable, "-c", PROGRAM, str(pictures), str(out), str(KILLS)]
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)

    events = Journal(out / "journal.jsonl").read()
    for number in range(KILLS):
        before = Journal(tmp_path / f"result-{number}.jsonl").read()
        assert 0 < len(before) < len(events)
        assert events[: len(before)] == before
    work = Counter((event["event"], event.get("name"), event.get("rung"), event.get("round")) for event in events)
    assert set(work.values()) == {1}
    assert sum(kind == "timed" for kind, *_ in work) == 3
    trained = [(event["name"], event["rung"]) for event in events if event["event"] == "trained"]
    assert [rung for _, rung in trained] == [1, 1, 1, 2, 2, 3]
    assert json.loads((out / "fit.json").read_text())["network"] == trained[-1][0]
    assert not (out / "candidates").exists()
