from __future__ import annotations

import errno
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from featherlight import files
from featherlight.errors import BadInput, Failure
from featherlight.training import Checkpoints, Recipe, Trained, train_network
from small_run import GREY, RECIPE, STEPS, data, textures, write_outcome
from small_run import network as small_network


def run(folder: Path | None, network: nn.Module | None = None, recipe: Recipe = RECIPE, **how: Any) -> Trained:
    network = small_network() if network is None else network
    checkpoints = None if folder is None else Checkpoints(folder, every=0, say=how.pop("say", lambda _: None))
    arguments = {"steps": STEPS, "threads": 1} | how
    return train_network(network, data(), recipe, GREY, checkpoints=checkpoints, **arguments)


class Cut(Exception):
    pass


def cut_at(folder: Path, step: int, recipe: Recipe = RECIPE) -> None:
    """A run that breaks off after a number of steps."""

    def progress(done: int, *_: float) -> None:
        if done == step:
            raise Cut

    with pytest.raises(Cut):
        run(folder, recipe=recipe, progress=progress)


def outcome(folder: Path | None, recipe: Recipe = RECIPE, **how: Any) -> tuple[dict[str, Tensor], Trained]:
    network = small_network()
    trained = run(folder, network, recipe, **how)
    return network.state_dict(), trained


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)


# Every kind of step with one optimiser; with the others, whose state alone differs, one within an epoch.
@pytest.mark.parametrize(
    ("optimiser", "steps"), [("sgd", (1, 4, 5, 13, STEPS - 1)), ("rmsprop", (13,)), ("adamw", (13,))]
)
def test_a_run_goes_on_to_the_same_bits_from_any_step(tmp_path: Path, optimiser: Any, steps: tuple[int, ...]) -> None:
    recipe = replace(RECIPE, optimiser=optimiser, learning_rate=0.01)
    whole, trained = outcome(None, recipe)
    for step in steps:
        folder = tmp_path / str(step)
        cut_at(folder, step, recipe)
        resumed, again = outcome(folder, recipe)
        assert same(whole, resumed)
        assert again.checks == trained.checks
        assert again.plan == trained.plan


def test_in_bfloat16_a_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    recipe = replace(RECIPE, precision="bfloat16")
    cut_at(tmp_path, 7, recipe)
    assert same(outcome(None, recipe)[0], outcome(tmp_path, recipe)[0])


def test_each_step_is_taken_once(tmp_path: Path) -> None:
    cut_at(tmp_path, 10)
    steps: list[int] = []
    run(tmp_path, progress=lambda step, *_: steps.append(step))
    assert steps == list(range(11, STEPS + 1))
    steps.clear()
    run(tmp_path, progress=lambda step, *_: steps.append(step))  # it has ended: nothing is left to do
    assert steps == []


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit])
def test_of_a_damaged_checkpoint_the_one_before_is_used_aloud(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    whole, _ = outcome(None)
    cut_at(tmp_path, 9)
    newest = max(tmp_path.glob("step-*.safetensors"))
    damage(newest)
    said: list[str] = []
    resumed, _ = outcome(tmp_path, say=said.append)
    assert same(whole, resumed)
    assert len(said) == 1
    assert f"{newest} is damaged" in said[0]


def test_without_a_sound_checkpoint_it_starts_anew_aloud(tmp_path: Path) -> None:
    cut_at(tmp_path, 9)
    for path in tmp_path.glob("step-*.safetensors"):
        path.write_bytes(b"x")
    said: list[str] = []
    resumed, _ = outcome(tmp_path, say=said.append)
    assert same(outcome(None)[0], resumed)
    assert said[-1] == "no checkpoint is whole: starting again"


def test_what_is_kept_is_what_was_written_last(tmp_path: Path) -> None:
    # A run that went back to step 400, since 500 is damaged, writes lower numbers than those that are there.
    checkpoints = Checkpoints(tmp_path)
    for step in (400, 500, 420, 440):
        (tmp_path / f".step-{step}.part").write_bytes(b"of a killed process")
        checkpoints.write(step, {"weight": torch.full((2,), float(step))}, {"step": step})
        if step == 500:
            flip_a_bit(tmp_path / "step-00000500.safetensors")
    assert sorted(path.name for path in tmp_path.glob("*step*")) == [
        "step-00000420.safetensors", "step-00000440.safetensors",
    ]  # fmt: skip
    assert not list(tmp_path.glob(".*.part"))
    flip_a_bit(tmp_path / "step-00000440.safetensors")
    found = checkpoints.newest()
    assert found is not None
    assert found[1] == {"step": 420}


def test_at_most_two_checkpoints_are_kept_and_none_after_clearing(tmp_path: Path) -> None:
    run(tmp_path)
    assert len(list(tmp_path.glob("step-*.safetensors"))) == 2
    Checkpoints(tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "seed: 0 then, 1 now"),
        ({"recipe": replace(RECIPE, batch=10)}, "recipe.batch: 20 then, 10 now"),
        ({"steps": 30}, "asked for.steps: 24 then, 30 now"),
        ({"network": small_network().double()}, "weights at the start: "),
    ],
)  # fmt: skip
def test_another_run_is_refused_with_the_difference(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    cut_at(tmp_path, 3)
    with pytest.raises(BadInput, match=f"cannot go on, for it differs: {words}"):
        run(tmp_path, **change)


def test_other_data_and_other_code_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_at(tmp_path, 3)
    fewer = replace(data(), train=textures(90, 0))
    with pytest.raises(BadInput, match=r"differs: data\.images: \w+ then, \w+ now$"):
        train_network(small_network(), fewer, RECIPE, GREY, steps=STEPS, threads=1, checkpoints=Checkpoints(tmp_path))
    monkeypatch.setattr("featherlight.training.plan.code_digest", lambda: "other")
    with pytest.raises(BadInput, match=r"differs: code: \w+ then, other now$"):
        run(tmp_path)


def test_a_damaged_plan_is_one_sentence(tmp_path: Path) -> None:
    cut_at(tmp_path, 3)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(BadInput, match=r"plan\.json is damaged .*; remove .* and start anew"):
        run(tmp_path)


def test_checkpoints_that_lost_their_plan_are_not_taken_for_ones_own(tmp_path: Path) -> None:
    cut_at(tmp_path, 3, replace(RECIPE, learning_rate=0.5))
    (tmp_path / "plan.json").unlink()
    assert same(outcome(None)[0], outcome(tmp_path)[0])


def test_steps_measured_once_are_those_of_the_resumed_run(tmp_path: Path) -> None:
    def progress(done: int, *_: float) -> None:
        if done == 2:
            raise Cut

    with pytest.raises(Cut):
        run(tmp_path, steps=None, seconds=1.0, progress=progress)
    calls: list[int] = []
    trained = run(tmp_path, steps=None, seconds=1.0, progress=lambda step, steps, *_: calls.append(steps))
    assert set(calls) == {trained.steps}
    assert trained.steps == 2 + len(calls)


def test_a_full_disk_costs_a_checkpoint_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = outcome(None)
    cut_at(tmp_path, 6)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(files, "_sync", full)
        finished, _ = outcome(tmp_path, say=said.append)
    assert same(whole, finished)
    assert all("No space left on device" in sentence for sentence in said)
    assert len(said) == STEPS - 6
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert same(whole, outcome(tmp_path)[0])


def test_a_loss_that_is_not_finite_leaves_checkpoint_and_best_network(tmp_path: Path) -> None:
    network = small_network()
    best: list[dict[str, Tensor]] = []

    def keep(_: Any, judged: nn.Module, is_best: bool) -> None:
        if is_best:
            best.append({name: tensor.clone() for name, tensor in judged.state_dict().items()})

    recipe = replace(RECIPE, learning_rate=1e12, warm_up=0.99, clip=0.0, ema=0.0)
    with pytest.raises(Failure, match="training diverged"):
        run(tmp_path, network, recipe, checked=keep)
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    if best:
        assert same(best[-1], network.state_dict())
    for path in tmp_path.glob("step-*.safetensors"):
        assert all(tensor.isfinite().all() for name, tensor in safetensors.torch.load_file(path).items()
                   if name.startswith("best."))  # fmt: skip


def test_a_run_killed_at_twenty_random_points_ends_with_the_same_bits(tmp_path: Path) -> None:
    # Forked from a server that has torch loaded: a process of its own in no time.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["small_run"])
    folder, result = tmp_path / "checkpoints", tmp_path / "weights.safetensors"
    chance, kills, whole = random.Random(0), 0, outcome(None)[0]
    while kills <= 20:
        process = context.Process(target=write_outcome, args=(folder, result))
        process.start()
        # At any moment after its start: before there is a plan, in a step, while a checkpoint is written. The last
        # one is let go.
        process.join(chance.uniform(0.2, 1.0) if kills < 20 else None)
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
        if process.exitcode != -signal.SIGKILL:
            assert process.exitcode == 0
            assert same(whole, safetensors.torch.load_file(result))
            if kills == 20:
                break
            shutil.rmtree(folder)  # it was through: another run is killed next


def test_ctrl_c_stops_after_the_step_with_a_checkpoint(tmp_path: Path) -> None:
    def progress(done: int, *_: float) -> None:
        if done == 7:
            signal.raise_signal(signal.SIGINT)

    network = small_network()
    with pytest.raises(KeyboardInterrupt):
        train_network(network, data(), RECIPE, GREY, steps=STEPS, threads=1, checkpoints=Checkpoints(tmp_path, 99),
              progress=progress)  # fmt: skip
    assert (tmp_path / "step-00000007.safetensors").exists()
    assert same(outcome(None)[0], outcome(tmp_path)[0])
