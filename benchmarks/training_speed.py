"""How many images a second does a network train on, with what training on a CPU puts in place of PyTorch's operations?

Prediction: kept memory and fused kernels together give at least 1.3 times the images of plain PyTorch in channels-last,
on ShuffleNet v2 0.5x and MobileNet v2 0.35x at 28x28, batch 128, on one thread and on two.

Each way has a process of its own, since memory that was once kept is never quite given back; they take turns in short
blocks of steps, so that a busy machine slows all of them; a round gives a way's fastest step. On one thread the
processor's time is compared as well, which counts no waiting for others. Beside the times stands a floor: the bytes
that a step cannot but move at the speed of a copy.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherlight.cli.output import print_table
from featherlight.files import write_json, write_text
from featherlight.layers import ConvNorm, Network
from featherlight.models import entry
from featherlight.spec import Spec, Style, small_images
from featherlight.timing import noise, this_machine
from featherlight.training.fused import fused
from featherlight.training.memory import kept

DOCS = Path(__file__).parents[1] / "docs"
RESULT, PAGE = DOCS / "measured" / "training_speed.json", DOCS / "performance.md"
BEGIN, END = "<!-- measured: benchmarks/training_speed.py writes this table -->\n", "<!-- end -->"

BATCH, SIZE, ROUNDS, STEPS = 128, 28, 7, 2

NETWORKS: dict[str, Callable[[], Spec]] = {
    "ShuffleNet v2 0.5x": lambda: entry("shufflenet_v2").build(width=0.5),
    "MobileNet v2 0.35x": lambda: entry("mobilenet_v2").build(width=0.35),
    "MobileNet v3-small 1.0x": lambda: entry("mobilenet_v3_small").build(),
    "SqueezeNet 1.1 0.5x, batch norm": lambda: dataclasses.replace(
        entry("squeezenet_1_1").build(width=0.5), style=Style(norm="batch")
    ),
}


@contextlib.contextmanager
def kept_and_fused() -> Iterator[None]:
    with kept(), fused():
        yield


WAYS: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "plain": contextlib.nullcontext,
    "kept": kept,
    "fused": kept_and_fused,
}


def main() -> None:
    machine = this_machine()
    result: dict[str, Any] = {
        "machine": dataclasses.asdict(machine),
        "versions": {name: version(name) for name in ("torch", "llvmlite", "numpy")},
        "batch": BATCH,
        "size": SIZE,
        "noise": noise(1.0),
        "runs": [],
    }
    print(f"{machine.cpu}, {machine.cores} cores, torch {torch.__version__}, noise {result['noise']:.2f}\n")
    for threads in (1, 2):
        torch.set_num_threads(threads)  # for the floor
        for name, spec in NETWORKS.items():
            run = {"network": name, "threads": threads, **race(small_images(spec()), threads)}
            result["runs"].append(run)
            print_table(HEADER, [row(run)])
            write_json(RESULT, result)
    write_text(PAGE, with_table(PAGE.read_text("utf-8"), result))


def race(spec: Spec, threads: int) -> dict[str, Any]:
    """Images a second of each way (median over rounds, 10th and 90th percentile), and the floor."""
    spawn = multiprocessing.get_context("spawn")
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    busy: dict[str, list[float]] = {way: [] for way in WAYS}
    with contextlib.ExitStack() as open_pools:
        pools = {way: open_pools.enter_context(ProcessPoolExecutor(1, spawn)) for way in WAYS}
        losses = {way: pool.submit(start, way, spec, threads).result() for way, pool in pools.items()}
        for _ in range(ROUNDS):
            for way, pool in pools.items():
                wall, cpu = pool.submit(block).result()
                seconds[way].append(wall)
                busy[way].append(cpu)
    model, images = network(spec)
    rates = {way: [BATCH / second for second in sorted(seconds[way])] for way in WAYS}
    high, low = (round(share * (ROUNDS - 1)) for share in (0.1, 0.9))
    return {
        "images_per_second": {way: statistics.median(rate) for way, rate in rates.items()},
        "p10_p90": {way: [rate[low], rate[high]] for way, rate in rates.items()},
        "ratio": ratios(seconds),
        "ratio_of_processor_time": ratios(busy),
        "first_loss": losses,
        "floor_images_per_second": BATCH / (bytes_moved(model, images) / bandwidth()),
    }


_step: Callable[[], float]  # of a way's own process


def start(way: str, spec: Spec, threads: int) -> float:
    """Begin training in this process; the first loss."""
    global _step
    torch.set_num_threads(threads)
    model, images = network(spec)
    _ways.enter_context(WAYS[way]())
    _step = stepping(model, images, torch.arange(BATCH) % 10)
    return _step()


_ways = contextlib.ExitStack()


def block() -> tuple[float, float]:
    """The fastest of some steps in this process, by the clock and by the processor's time."""
    _step()
    wall, cpu = zip(*(timed(_step) for _ in range(STEPS)), strict=True)
    return min(wall), min(cpu)


def network(spec: Spec) -> tuple[nn.Module, Tensor]:
    """The network and a batch of images, both channels-last, the same each time."""
    torch.manual_seed(0)
    model = Network(spec, num_classes=10, in_chans=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.train(), torch.randn(BATCH, 1, SIZE, SIZE).contiguous(memory_format=torch.channels_last)


def stepping(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], float]:
    """A step of training as PyTorch's documentation has it; gives the loss."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return loss.item()

    return step


def timed(step: Callable[[], float]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    start, used = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - start, time.process_time() - used


def ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """How many times as fast as plain, round by round: what slows the machine for a while slows both."""
    return {way: statistics.median(a / b for a, b in zip(seconds["plain"], seconds[way], strict=True)) for way in WAYS}


def bytes_moved(model: nn.Module, images: Tensor) -> int:
    """What the convolutions and their norms cannot but read and write, map by map.

    A convolution reads its input and writes its output; going back it reads its input once and its output's gradient
    twice, and writes its input's gradient. A norm with its activation reads two and writes one forward, and reads four
    and writes one back. Maps that stay in a cache from one to the next cost less; multiply-adds are not in it.
    """
    floats = 0

    def seen(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal floats
        normed = isinstance(module.norm, nn.BatchNorm2d)
        floats += 3 * inputs[0].numel() + (3 + 8 * normed) * output.numel()

    hooks = [part.register_forward_hook(seen) for part in model.modules() if isinstance(part, ConvNorm)]
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return 4 * floats


def bandwidth() -> float:
    """Bytes a second that a copy reads and writes, far beyond the caches."""
    source = torch.ones(1 << 25)
    target = torch.empty_like(source)
    return 2 * 4 * source.numel() / min(timed(lambda: target.copy_(source).numel())[0] for _ in range(7))


HEADER = ("network", "threads", "plain", "kept memory", "and fused", "kept", "fused", "processor", "floor")


def row(run: dict[str, Any]) -> tuple[object, ...]:
    rate, ratio = run["images_per_second"], run["ratio"]
    return (
        run["network"],
        run["threads"],
        *(round(rate[way]) for way in WAYS),
        *(round(ratio[way], 2) for way in ("kept", "fused")),
        # Threads that wait for one another spin, and their time says nothing.
        round(run["ratio_of_processor_time"]["fused"], 2) if run["threads"] == 1 else "",
        round(run["floor_images_per_second"]),
    )


def with_table(page: str, result: dict[str, Any]) -> str:
    """The page's text with the table of `result` between its two marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    machine = result["machine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, PyTorch {result['versions']['torch']}; {SIZE}x{SIZE}, batch "
        f"{BATCH}; images a second, median of {ROUNDS} rounds; unevenness of the machine before (`timing.noise`, idle "
        f"below 0.1): {result['noise']:.2f}.",
        "",
        "| network | threads | plain | kept memory | kept and fused | ratio kept | ratio fused | of CPU time | floor |",
        "|---|---|---|---|---|---|---|---|---|",
        *("| " + " | ".join(map(str, row(run))) + " |" for run in result["runs"]),
    ]
    return before + BEGIN + "\n".join(lines) + "\n" + END + after


if __name__ == "__main__":
    main()
