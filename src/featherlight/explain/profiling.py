"""A network profiled: timed as a whole, traced step by step, and explained."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from featherlight.data import Preprocessing, prepare, read_photo
from featherlight.data.photo import decode_photo
from featherlight.engines import AUTO, Engine, GraphSource, Source, choose, find, measure
from featherlight.engines.agreement import noise, reference
from featherlight.explain.guidelines import Finding, findings
from featherlight.explain.network import Subject, find_network
from featherlight.explain.profile import Preparing, Profile, Row
from featherlight.explain.rows import rows
from featherlight.explain.what_if import check, mend
from featherlight.timing import Measurement, probe, stopwatch

SECONDS = 1.0  # of timing whole calls


def profile(
    subject: str | os.PathLike[str] | nn.Module,
    *,
    engine: str = AUTO,
    threads: int = 1,
    size: int | None = None,
    input_shape: tuple[int, int, int] | None = None,
    photo: str | os.PathLike[str] | None = None,
    what_if: bool = False,
    progress: Callable[[str], None] = lambda done: None,
) -> Profile:
    """Where the time of one call goes: a row for each step of the engine, with its counts, bound and findings.

    subject  a torch module, an ONNX file, a folder that `fit` or `save` made, or a name that `create_model` knows, for
             which no weights are needed
    engine   "auto" is the fastest one here, of those that can run what is mended where `what_if` is asked for
    size, input_shape  see `find_network`: pixels a side; channels, height and width of a module's images
    photo    an image file: what reading, decoding and resizing it take as well
    what_if  the findings that most time is spent on are mended, rebuilt and timed beside what is there
    progress is told of each step as a sentence

    Rows are not scaled to add up to the time of a call: what is left, or too much, is the remainder. Raises BadInput
    for what is no network or photograph, and for an engine that is not here or cannot run or trace it.
    """
    network = find_network(subject, size, input_shape)
    graph = network.source.graph  # first, since what cannot be read as a graph cannot be explained
    if photo is not None:
        read_photo(photo)
    chosen = _chosen(engine, network.source, threads, what_if)
    progress(f"tracing {network.name} on {chosen.name}")
    steps = chosen.trace(network.source, noise((1, *network.source.input_shape)), threads=threads)
    progress(f"timing {network.name} on {chosen.name}")
    measured = _whole(chosen, network, threads)
    progress("asking what this machine can do")
    ceilings = probe.ceilings(threads)
    table = rows(graph, steps, findings(graph), ceilings)
    told = _by_time(findings(graph), table)
    if what_if:
        progress("mending what most time is spent on, to time it")
    return Profile(
        name=network.name,
        input_shape=(1, *network.source.input_shape),
        measurement=measured,
        rows=table,
        remainder=measured.median - sum(row.seconds for row in table),
        findings=told,
        ceilings=ceilings,
        preparing=None if photo is None else _preparing(photo, network.preprocessing),
        what_if=mend(graph, told, chosen, threads=threads) if what_if else (),
    )


def _chosen(name: str, source: Source, threads: int, what_if: bool) -> Engine:
    """The engine; one that runs graphs where mends are to be timed, since what is mended is a graph."""
    if not what_if:
        return choose(name, source, threads=threads)
    if name != AUTO:
        check(find(name))
    reference(source, 1)  # by the network itself: a graph alone would have to be computed step by step
    return choose(name, GraphSource(source.graph, source.name, source.references), threads=threads)


def _whole(engine: Engine, network: Subject, threads: int) -> Measurement:
    with engine.build(network.source, threads=threads) as running:
        return measure({"": running}, seconds=SECONDS)[""]


def _by_time(found: Sequence[Finding], table: Sequence[Row]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: -sum(row.seconds for row in table if finding in row.findings)))


def _preparing(photo: str | os.PathLike[str], preprocessing: Preprocessing) -> Preparing:
    path = Path(photo)
    content = path.read_bytes()
    image = decode_photo(content, repr(os.fspath(photo)))
    calls = {
        "reading": path.read_bytes,
        "decoding": lambda: decode_photo(content, repr(os.fspath(photo))),
        "resizing": lambda: prepare(image, preprocessing),
    }
    samples = stopwatch.measure(calls, seconds=SECONDS / 2)
    return Preparing(**{name: statistics.median(times) for name, times in samples.items()})
