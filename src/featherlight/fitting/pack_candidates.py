"""The candidates of a fit as pieces, to be timed on the device that it is for."""

from __future__ import annotations

import fnmatch
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from featherlight.engines import ModuleSource, native
from featherlight.errors import BadInput, must_be, unknown
from featherlight.files import check_no_folder
from featherlight.fitting.candidates import SIZE_OF_GREY, SIZES_OF_PHOTOGRAPHS, Candidate, candidates
from featherlight.fitting.task import Say
from featherlight.latency import ENGINES, LatencyTable, Member, Packed, expected_minutes, pack, time_here, time_networks
from featherlight.models import entry

Width = TypeVar("Width")


def pack_candidates(
    out: Path,
    *,
    models: str = "*",
    sizes: Sequence[int] = SIZES_OF_PHOTOGRAPHS[:1],
    width: float | None = None,
    classes: int = 1000,
    say: Say = lambda _: None,
) -> Packed:
    """Write a bundle with the pieces of the candidates that match `models`, at all their widths or at one.

    sizes    of the images, 28 for grey ones; networks of other sizes have other pieces
    classes  of the last layer; where it is another, that one piece is told by others

    Of each network and size two widths go whole as well, to calibrate by (`run_whole`). Raises BadInput for a pattern
    that matches none, a width that none has, a size or a number of classes out of range, and an `out` that is a folder.
    """
    check_no_folder(out, "the bundle")
    members = _members(models, sizes, width, classes, say)
    return pack(members, out, sizes=list(sizes), classes=classes)


def time_candidates_here(
    out: Path,
    *,
    models: str = "*",
    sizes: Sequence[int] = SIZES_OF_PHOTOGRAPHS[:1],
    width: float | None = None,
    classes: int = 1000,
    engine: str | None = None,
    threads: int = 1,
    say: Say = lambda _: None,
) -> LatencyTable:
    """The latency table of this machine, packed and timed in one go; a second call goes on with one that was killed."""
    if engine not in (None, *ENGINES):
        raise must_be("engine", f"one of {', '.join(ENGINES)}", engine)
    if threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    if out.exists():
        raise BadInput(f"{out} exists; name another file with --out")
    if engine == native.name:
        members = _members(models, sizes, width, classes, say)
        return time_networks(members, out, engine=engine, threads=threads, sizes=list(sizes), classes=classes)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "pieces.zip"
        packed = pack_candidates(bundle, models=models, sizes=sizes, width=width, classes=classes, say=say)
        minutes = expected_minutes(bundle, engine=engine, threads=threads)
        say(f"{packed.pieces:,} pieces and {packed.networks} whole network(s), about {max(minutes, 1):.0f} min")
        return time_here(bundle, out, engine=engine, threads=threads)


def run_whole(widths: Sequence[Width]) -> tuple[Width, Width]:
    """The thinnest and the middle one: thin networks lie otherwise, and wide ones cost the most."""
    return widths[0], widths[len(widths) // 2]


def _chosen(models: str, size: int, width: float | None) -> list[Candidate]:
    networks = candidates(size)
    names = fnmatch.filter(networks, models)
    if not names:
        raise unknown("models", models, networks)
    every = [candidate for name in names for candidate in networks[name]]
    chosen = [candidate for candidate in every if width in (None, candidate.width)]
    if not chosen:
        known = ", ".join(f"{each:g}" for each in sorted({candidate.width for candidate in every}))
        raise must_be("width", f"one that these networks have ({known})", width)
    return chosen


def _members(models: str, sizes: Sequence[int], width: float | None, classes: int, say: Say) -> Iterator[Member]:
    """The candidates that are asked for, once all of it was checked."""
    if classes < 1:
        raise must_be("classes", "a whole number above 0", classes)
    for size in sizes:
        if size < SIZE_OF_GREY:
            raise must_be("size", f"a whole number of at least {SIZE_OF_GREY} pixels", size)
    chosen = [candidate for size in sizes for candidate in _chosen(models, size, width)]
    for number, candidate in enumerate(chosen, start=1):
        say(f"{number} of {len(chosen)}: {candidate.name}")
        channels = 1 if candidate.size == SIZE_OF_GREY else 3
        network = candidate.network(classes, channels).eval()
        graph = ModuleSource(network, (channels, candidate.size, candidate.size)).graph
        alike = [each for each in chosen if (each.architecture, each.size) == (candidate.architecture, candidate.size)]
        timed = candidate in run_whole(alike)
        yield Member(candidate.name, entry(candidate.architecture).family, graph, timed)
