from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import featherlight as fl
from featherlight import files
from featherlight.errors import BadInput, DiskFull
from featherlight.training import Recipe
from featherlight.training.job import TrainingRun
from full_disk import no_room

TINY: dict[str, Any] = {"width": 0.25, "size": 32, "scratch": True, "epochs": 2, "threads": 1}
RECIPE = Recipe(batch=16, learning_rate=0.05)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photographs of two colours, one of them broken."""
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for label, colour in (("blue", (40, 40, 200)), ("red", (200, 40, 40))):
        (root / label).mkdir()
        for number in range(20):
            pixels = np.clip(np.array(colour) + random.normal(0, 30, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    (root / "red" / "7.png").write_bytes(b"broken")
    return root


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    out = tmp_path_factory.mktemp("trained") / "net"
    return fl.train("mobilenet_v1", photos, out, recipe=RECIPE, **TINY)


def test_what_is_left_names_photographs_and_can_be_evaluated(trained: TrainingRun, photos: Path) -> None:
    answer = fl.load(trained.folder).predict(photos / "red" / "1.png")
    assert {each.label for each in answer} == {"red", "blue"}
    assert fl.evaluate(str(trained.folder), str(photos)).top1 == pytest.approx(trained.test_accuracy)
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "train.json",
    ]  # fmt: skip


def test_what_was_done_is_written_down(trained: TrainingRun) -> None:
    document = json.loads((trained.folder / "train.json").read_bytes())
    assert document == json.loads(json.dumps(trained.to_json()))
    assert TrainingRun.read(trained.folder).to_json() == trained.to_json()
    assert document["plan"]["recipe"] == RECIPE.to_json()
    assert document["plan"]["threads"] == 1
    assert document["weights"] is None
    assert len(document["broken_images"]) == 1
    assert "7.png" in document["broken_images"][0]


def test_the_recipe_of_a_run_can_be_used_again(trained: TrainingRun, photos: Path, tmp_path: Path) -> None:
    run = fl.train("mobilenet_v1", f"{photos}/", tmp_path / "net", recipe=str(trained.folder / "train.json"), **TINY)
    assert run.plan["recipe"] == trained.plan["recipe"]
    assert run.asked["data"] == str(photos)


def test_a_full_disk_ends_no_run(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    sync, calls = files._sync, [0]

    def full_at_first(path: Path) -> None:
        calls[0] += path.name.startswith(".model")
        if path.name.startswith(".model") and calls[0] == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(path)

    monkeypatch.setattr(files, "_sync", full_at_first)
    run = fl.train("mobilenet_v1", photos, tmp_path / "net", recipe=RECIPE, say=said.append, **TINY)
    assert any("could not be written" in sentence and "No space left" in sentence for sentence in said)
    assert fl.evaluate(str(tmp_path / "net"), str(photos)).top1 == pytest.approx(run.test_accuracy)


def test_a_disk_that_stays_full_is_a_sentence_and_the_run_goes_on_once_there_is_room(
    trained: TrainingRun, photos: Path, tmp_path: Path
) -> None:
    def full(path: Path) -> None:
        if path.name.startswith(".model"):
            no_room()
        sync(path)

    out, sync = tmp_path / "net", files._sync
    with pytest.MonkeyPatch.context() as until_then:
        until_then.setattr(files, "_sync", full)
        with pytest.raises(DiskFull) as told:
            fl.train("mobilenet_v1", photos, out, recipe=RECIPE, save_every=1e-9, **TINY)
    assert str(told.value) == (
        f"{out / 'model.safetensors'} cannot be written: No space left on device; free some room; what was finished is "
        f"in {out}, and --resume goes on from there"
    )
    run = fl.train("mobilenet_v1", photos, out, recipe=RECIPE, resume=True, save_every=1e-9, **TINY)
    assert run.test_accuracy == trained.test_accuracy


def test_a_finished_run_is_not_run_again(trained: TrainingRun, photos: Path) -> None:
    said: list[str] = []
    again = fl.train("mobilenet_v1", photos, trained.folder, recipe=RECIPE, resume=True, say=said.append, **TINY)
    assert again.to_json() == trained.to_json()
    assert said == [f"the run in {trained.folder} has ended already"]
    with pytest.raises(BadInput, match="holds a finished run; name another folder"):
        fl.train("mobilenet_v1", photos, trained.folder, recipe=RECIPE, **TINY)
    with pytest.raises(BadInput, match="asked for something else: seed: 0 then, 3 now"):
        fl.train("mobilenet_v1", photos, trained.folder, recipe=RECIPE, resume=True, seed=3, **TINY)


def test_a_saved_network_is_where_the_next_one_starts(trained: TrainingRun, photos: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = fl.train(
        f"local-dir:{trained.folder}",
        photos,
        tmp_path / "on",
        epochs=1,
        threads=1,
        changes=["batch=8"],
        say=said.append,
    )
    assert run.weights == f"local-dir:{trained.folder}"
    assert run.plan["recipe"]["optimiser"] == "adamw"  # fine-tune is the default where there are weights
    assert run.plan["recipe"]["batch"] == 8
    assert run.plan["preprocessing"]["size"] == 32
    assert f"from the weights local-dir:{trained.folder}" in said[0]


def test_a_network_learns_from_another(trained: TrainingRun, photos: Path, tmp_path: Path) -> None:
    run = fl.train(
        "mobilenet_v2",
        photos,
        tmp_path / "pupil",
        teacher=f"local-dir:{trained.folder}",
        recipe=RECIPE,
        **TINY | {"width": 0.35},
    )
    assert run.plan["recipe"]["distil"] == 0.5
    strict = replace(RECIPE, distil=0.9)
    run = fl.train("mobilenet_v2", photos, tmp_path / "strict", teacher=f"local-dir:{trained.folder}", recipe=strict,
                   **TINY | {"width": 0.35})  # fmt: skip
    assert run.plan["recipe"]["distil"] == 0.9
    others = tmp_path / "others"
    for label in ("green", "red"):
        (others / label).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (40, 40), (number, 9, 9)).save(others / label / f"{number}.png")
    with pytest.raises(BadInput, match="must have the classes of the images; these are not in both: 'blue', 'green'"):
        fl.train("mobilenet_v1", others, tmp_path / "no", teacher=f"local-dir:{trained.folder}", **TINY)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"minutes": 1.0}, "either minutes or epochs"),
        ({"epochs": 0}, "epochs must be a number above 0"),
        ({"recipe": "fine-tun"}, r"recipe must be a known name; got 'fine-tun' \(nearest: fine-tune"),
        ({"recipe": "missing.json"}, "recipe 'missing.json' cannot be read"),
        ({"changes": ["learning_rat=1"]}, "a field of the recipe must be a known name"),
        ({"changes": ["learning_rate"]}, "must be field=value"),
        ({"changes": ["learning_rate=fast"]}, "learning_rate must be a number above 0; got 'fast'"),
        ({"save_every": 0.0}, "save_every must be"),
        ({"teacher": "local-dir:nothere"}, "nothere"),
        ({"threads": 5_000_000}, "threads must be a whole number from 1 to"),
        ({"seed": -1}, "seed must be"),
        ({"changes": ["distil=0.5"]}, "need one another; name a teacher or set distil=0"),
    ],
)
def test_what_cannot_be_used_is_refused_before_there_is_a_folder(
    photos: Path, tmp_path: Path, how: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        fl.train("mobilenet_v1", photos, tmp_path / "net", **TINY | how)
    assert not (tmp_path / "net").exists()


def test_killed_at_its_very_beginning_a_run_can_begin_again(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "net"
    fl.train("mobilenet_v1", photos, out, recipe=RECIPE, **TINY)
    whole = (out / "model.safetensors").read_bytes()
    shutil.rmtree(out)
    (out / "checkpoints").mkdir(parents=True)
    (out / ".train.json.x.part").write_bytes(b"{")
    fl.train("mobilenet_v1", photos, out, recipe=RECIPE, resume=True, **TINY)
    assert (out / "model.safetensors").read_bytes() == whole
    assert not list(out.glob(".*.part"))


def test_a_folder_with_something_else_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not an empty folder"):
        fl.train("mobilenet_v1", photos, tmp_path, **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def command(photos: Path, out: Path, *more: str) -> list[str]:
    return [
        "featherlight", "train", "mobilenet_v1", str(photos), "--out", str(out), "--width", "0.25", "--size", "32",
        "--scratch", "--threads", "1", "--set", "batch=8", "--set", "precision=float32", "--json", *more,
    ]  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"} | more


def test_stopped_politely_it_goes_on_with_resume(photos: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run = [sys.executable, "-m", *command(photos, whole, "--epochs", "30")]
    subprocess.run(run, env=environment(), check=True, capture_output=True)
    run = [sys.executable, "-m", *command(photos, stopped, "--epochs", "30", "--save-every", "0.01")]
    process = subprocess.Popen(run, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not list((stopped / "checkpoints").glob("step-*.safetensors")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert list((stopped / "checkpoints").glob("step-*.safetensors"))
    again = subprocess.run(run, env=environment(), capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "go on with it with --resume" in again.stderr
    resumed = subprocess.run([*run, "--resume"], env=environment(), capture_output=True, text=True, check=True)
    document = json.loads(resumed.stdout)
    assert document["finished"]
    assert (stopped / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert not (stopped / "checkpoints").exists()


def test_two_processes_share_the_batches(photos: Path, tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
              "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m"]  # fmt: skip
    out = tmp_path / "net"
    done = subprocess.run([*launch, *command(photos, out, "--epochs", "4", "--tensorboard")],
                          env=environment(), capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["plan"]["processes"] == 2
    assert document["images"] == document["plan"]["steps"] * 8
    assert document["checks"][-1]["loss"] < document["checks"][0]["loss"]
    assert len(fl.load(out).predict(photos / "blue" / "1.png")) == 2
    assert list((out / "tensorboard").glob("events*"))
    again = subprocess.run([*launch, *command(photos, out, "--epochs", "4", "--tensorboard", "--resume")],
                           env=environment(), capture_output=True, text=True, check=False)  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == document


@pytest.mark.skipif(not Path("/proc").exists(), reason="the processes to kill are found under /proc")
def test_two_processes_killed_go_on_to_the_same_bits(photos: Path, tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
              "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m"]  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    long = ("--epochs", "20", "--save-every", "0.01")
    subprocess.run([*launch, *command(photos, whole, *long)], env=environment(), check=True, capture_output=True)
    run = [*launch, *command(photos, killed, *long)]
    group = subprocess.Popen(
        run, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    while not list((killed / "checkpoints").glob("step-*.safetensors")) and group.poll() is None:
        time.sleep(0.01)
    for process in [*children(group.pid), group.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert group.wait(timeout=60) == -signal.SIGKILL
    subprocess.run([*run, "--resume"], env=environment(), check=True, capture_output=True)
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def children(process: int) -> list[int]:
    """The processes that a process has started: torchrun gives each a session of its own."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_two_processes_move_the_weights_as_one_would(photos: Path, tmp_path: Path) -> None:
    # Without batch norm, whose statistics are each process's own, the mean of two halves' gradients is the whole's.
    arguments = ["featherlight", "train", "squeezenet_1_1", str(photos), "--size", "32", "--scratch", "--threads", "1",
                 "--epochs", "0.5", "--set", "batch=16", "--set", "learning_rate=0.01", "--set", "mirror=false",
                 "--set", "pad=0", "--set", "precision=float32", "--json"]  # fmt: skip
    alone, both = tmp_path / "alone", tmp_path / "both"
    subprocess.run([sys.executable, "-m", *arguments, "--out", str(alone)], env=environment(), check=True,
                   capture_output=True)  # fmt: skip
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
              "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m"]  # fmt: skip
    subprocess.run([*launch, *arguments, "--out", str(both)], env=environment(), check=True, capture_output=True)
    one, other = (fl.create_model(f"local-dir:{folder}", True).state_dict() for folder in (alone, both))
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=1e-5)
