"""Networks and engines side by side: what each takes, what it costs, and whether its costs foretold its time."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from featherlight.engines import PROCESS_BYTES, ModuleSource, Rival, available, find, measure_apart
from featherlight.errors import must_be
from featherlight.explain.contestants import Contestant, Counts, contestants
from featherlight.explain.rank import rank_correlation
from featherlight.latency import LatencyTable, read_table
from featherlight.timing import NOISY, NOISY_TIE, TIE, Comparison, Machine, Timed, noise, tell_apart, this_machine

SECONDS = 1.0  # of timing, for each network on each engine
MANY = 8  # processes, above which their number and memory are worth a word

Progress = Callable[[str, float], None]
"""Told what is being done, "building" or "timing", and what share of it is done, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Line:
    """A network on an engine: its time, its counts (None where they are not known), its published accuracy.

    than_quicker  how its time stands to that of the line before, which is quicker; None for the first
    missing       pieces that a latency table had to guess at, where the time is a prediction from one
    """

    network: Contestant
    counts: Counts | None
    timed: Timed
    than_quicker: Comparison | None
    missing: int = 0

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.timed.measurement.target.engine

    def record(self) -> dict[str, Any]:
        """Flat, for JSON and CSV: first the columns of timm's benchmark under its names, then ours.

        `infer_step_time` is the median in milliseconds (timm's is a mean), as are the columns that begin with
        step_time; `param_count` and `infer_macts` are in millions, `infer_gmacs` in thousands of millions.
        """
        time, counts, ratio = self.timed.measurement, self.counts, self.than_quicker
        low, high = (None, None) if time.interval is None else (1e3 * bound for bound in time.interval)
        _, height, width = self.network.source.input_shape
        return {
            "model": self.network.name,
            "infer_samples_per_sec": time.target.batch / time.median,
            "infer_step_time": 1e3 * time.median,
            "infer_batch_size": time.target.batch,
            "infer_img_size": max(height, width),
            "infer_gmacs": counts and counts.multiply_adds / 1e9,
            "infer_macts": counts and counts.activations / 1e6,
            "param_count": counts and counts.parameters / 1e6,
            "engine": self.engine,
            "engine_version": time.target.version,
            "threads": time.target.threads,
            "device": time.target.device,
            "width": self.network.width,
            "memory_access": counts and counts.memory_access,
            "step_time_p10": 1e3 * time.p10,
            "step_time_p90": 1e3 * time.p90,
            "step_time_low": low,
            "step_time_high": high,
            "noisy": time.noisy,
            "predicted": time.runs == 0,
            "pieces_missing": self.missing,
            "than_quicker": ratio and ratio.ratio,
            "than_quicker_low": ratio and ratio.low,
            "than_quicker_high": ratio.high if ratio and math.isfinite(ratio.high) else None,
            "told_apart": ratio and ratio.verdict != "cannot tell",
            "top1": self.network.accuracy,
            "paper": self.network.paper,
        }


@dataclass(frozen=True, eq=False)
class Standings:
    """Networks and engines compared, the quickest first.

    noise  of the machine before the timing or after it, whichever was more: see `featherlight.timing.noise`
    label  "" for measured times, else what stands beside them, such as "predicted for Raspberry Pi 4": then p10 and p90
           are the ends of the prediction's interval
    """

    machine: Machine
    noise: float
    lines: tuple[Line, ...]
    label: str = ""

    def rank_correlations(self) -> dict[str, dict[str, float | None]]:
        """For each engine, Spearman's rank correlation of its times with each count of the networks.

        None where it cannot be told: fewer than three networks with counts, or the same count for all.
        """
        return {engine: self._correlations(engine) for engine in dict.fromkeys(line.engine for line in self.lines)}

    def _correlations(self, engine: str) -> dict[str, float | None]:
        known = [(line.timed.measurement.median, line.counts) for line in self.lines if line.engine == engine]
        pairs = [(time, asdict(counts)) for time, counts in known if counts is not None]
        times = [time for time, _ in pairs]
        return {
            count: rank_correlation(times, [counts[count] for _, counts in pairs])
            for count in ("multiply_adds", "parameters", "activations", "memory_access")
        }

    def to_json(self) -> dict[str, Any]:
        """What a program reads."""
        return {
            "machine": asdict(self.machine),
            "noise": self.noise,
            "times": self.label or "measured",
            "results": [line.record() for line in self.lines],
            "rank_correlations": self.rank_correlations(),
        }


def compare(
    patterns: Sequence[str] = (),
    *,
    engines: Sequence[str] = (),
    threads: int = 1,
    width: float | None = None,
    size: int | None = None,
    seconds: float = SECONDS,
    rounds: int | None = None,
    target: str | os.PathLike[str] | None = None,
    progress: Progress = lambda doing, share: None,
    say: Callable[[str], None] = lambda text: None,
) -> Standings:
    """The networks that `patterns` name, each timed on each of the `engines`, one image at a time, on this machine.

    patterns  folders, ONNX files, registered names with * for anything; every light-weight network unless given
    engines   by name; those that are installed and build within seconds unless given
    width     a multiplier, for registered networks
    size      side of the images in pixels; the published one, or the network's own, unless given. Where it is 64 or
              less, a registered network's early strides become 1, as in `fit`
    seconds   of timing for each network on each engine (or exactly so many `rounds`)
    target    the latency table of another device (`featherlight latency`): then nothing is timed, and times are
              predictions for that device and its engine
    say       is told, as a sentence, of processes that are so many that their memory may matter

    All of them are timed in the same rounds, each in a process of its own of some 150 MB. Raises BadInput for a pattern
    that names nothing, an engine that is not here, or a network that an engine cannot run.
    """
    if not 0 < seconds < math.inf:
        raise must_be("seconds", "a number above 0", seconds)
    if threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    if target is not None:
        return _predicted(read_table(Path(target)), patterns, engines, threads, width, size)
    engines = list(dict.fromkeys(engines))
    for name in engines:
        find(name)
    networks = contestants([patterns] if isinstance(patterns, str) else patterns, width, size)
    uneven = noise()
    pairs = [(network, engine) for network in networks for engine in engines or _engines_for(network)]
    if len(pairs) > MANY:
        say(f"starting {len(pairs)} processes, which take some {len(pairs) * PROCESS_BYTES / 1e9:.1f} GB of memory")
    timed = _time(pairs, threads, seconds, rounds, progress)
    uneven = max(uneven, noise())
    counts = {network.name: network.count() for network in networks}
    tie = NOISY_TIE if uneven > NOISY else TIE
    return Standings(this_machine(), uneven, tuple(_lines(pairs, timed, counts, tie)))


def _predicted(
    table: LatencyTable,
    patterns: Sequence[str],
    engines: Sequence[str],
    threads: int,
    width: float | None,
    size: int | None,
) -> Standings:
    """What a latency table says of the networks; registered ones at the size that it is of, where none is given."""
    for name in engines or (None,):
        table.check(name, threads)
    named = [patterns] if isinstance(patterns, str) else list(patterns)
    files = [pattern for pattern in named if os.path.exists(pattern)]
    names = [pattern for pattern in named if pattern not in files]
    side = size if size is not None else next(iter(table.sizes), None)
    networks = contestants(names, width, side) if names or not files else []
    networks += contestants(files, width, size) if files else []
    lines = []
    for network in networks:
        prediction = table.predict(table.cut(network.source.graph))
        timed = Timed(prediction.measurement, ())
        lines.append(Line(network, network.count(), timed, None, len(prediction.missing)))
    lines.sort(key=lambda line: line.timed.measurement.median)
    return Standings(table.target.machine, table.noise, tuple(lines), table.label)


def _engines_for(network: Contestant) -> list[str]:
    of_module = isinstance(network.source, ModuleSource)
    return [engine.name for engine in available() if of_module or not engine.needs_module]


def _time(
    pairs: Sequence[tuple[Contestant, str]], threads: int, seconds: float, rounds: int | None, progress: Progress
) -> list[Timed]:
    """What each network takes on its engine."""
    rivals = {f"{network.name} on {engine}": Rival(engine, network.source, threads) for network, engine in pairs}
    return list(measure_apart(rivals, seconds=seconds * len(rivals), rounds=rounds, progress=progress).values())


def _lines(
    pairs: Sequence[tuple[Contestant, str]], timed: Sequence[Timed], counts: Mapping[str, Counts | None], tie: float
) -> list[Line]:
    measured = [(network, time) for (network, _), time in zip(pairs, timed, strict=True)]
    measured.sort(key=lambda each: each[1].measurement.median)
    times = [time.rounds for _, time in measured]
    above = [None, *(tell_apart(slow, quick, tie=tie) for quick, slow in itertools.pairwise(times))]
    return [
        Line(network, counts[network.name], time, ratio) for (network, time), ratio in zip(measured, above, strict=True)
    ]
