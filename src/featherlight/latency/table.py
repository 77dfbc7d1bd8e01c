"""A latency table: what each piece of some networks takes on one device, and what other networks will take there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from featherlight import __version__
from featherlight.compiler import cache
from featherlight.compiler.instruction_set import INSTRUCTION_SETS
from featherlight.engines import native
from featherlight.errors import BadInput
from featherlight.graph import Graph, canonical
from featherlight.latency import device
from featherlight.latency.by_rows import canonical_of, pieces_of
from featherlight.latency.calibration import Calibrated, Whole, calibrated
from featherlight.latency.layouts import Placed, add_up
from featherlight.latency.neighbours import Known, Neighbours, Told
from featherlight.latency.piece import Piece, pieces
from featherlight.spec import Spec
from featherlight.timing import Machine, Measurement, Target, spread

if TYPE_CHECKING:
    from featherlight.latency.steps import StepPiece  # loads LLVM

Pieces: TypeAlias = "Sequence[Piece] | Sequence[StepPiece]"

# In what a table of the engine native tells of itself: what its pieces were compiled for, and by which source.
INSTRUCTIONS, COMPILER = "instructions", "compiler"

LARGEST = 1 << 28  # bytes of a file that is read at all; five sizes of every network make some 5 MB


@dataclass(frozen=True)
class TimedPiece:
    """A piece as a device ran it, in so many `steps` of its engine; seconds a round, `enter` and `leave` as well.

    Other work on the device only ever adds, and often for minutes: the least over the rounds is the piece's time.
    """

    key: str
    kind: str
    multiply_adds: int
    bytes_moved: int
    steps: int
    seconds: tuple[float, ...]
    enter: tuple[float, ...]
    leave: tuple[float, ...]

    @property
    def known(self) -> Known:
        """What tells of others of its kind."""
        return Known(self.kind, self.multiply_adds, self.bytes_moved, self.steps, min(self.seconds))

    def placed(self, reads: tuple[str, ...], writes: tuple[str, ...]) -> Placed:
        """The piece where it reads and writes these maps."""
        return Placed(self.kind, min(self.seconds), min(self.enter), min(self.leave), self.steps, reads, writes)


@dataclass(frozen=True)
class Network:
    """A whole network as the device ran it, seconds a round; its pieces by their place in the table, and their maps."""

    name: str
    family: str
    seconds: tuple[float, ...]
    pieces: tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True)
class Prediction:
    """What a network will take on a device on which it was never run.

    seconds    for one call; nine in ten networks of other families came between `low` and `high`, unless these are
               `assumed`, since too few networks were run whole to tell
    missing    the keys of its pieces that the table does not hold; they are told by pieces of their kind, and the
               interval is as much wider as those are uncertain
    """

    target: Target
    seconds: float
    low: float
    high: float
    missing: tuple[str, ...]
    assumed: bool = False

    @property
    def label(self) -> str:
        """What is written beside such a time, everywhere."""
        return _label(self.target.machine, self.assumed)

    @property
    def measurement(self) -> Measurement:
        """Where a measurement is asked for: one of no runs, whose percentiles are the ends of the interval."""
        return Measurement(self.target, self.seconds, self.low, self.high, runs=0, noisy=False)


def _label(machine: Machine, assumed: bool) -> str:
    return f"predicted for {machine.cpu}{', between bounds that are assumed' if assumed else ''}"


@dataclass(frozen=True)
class LatencyTable:
    """The times of one device with one engine. `about` is what the bundle told of itself, its sizes of images say."""

    target: Target
    libraries: Mapping[str, str]
    about: Mapping[str, Any]
    pieces: tuple[TimedPiece, ...]
    networks: tuple[Network, ...]
    digest: str

    @property
    def label(self) -> str:
        """What is written beside its times, none of which was measured."""
        return _label(self.target.machine, self.line.assumed)

    def cut(self, graph: Graph) -> Pieces:
        """A network as the pieces that the table's engine runs: for native the steps of its plan, made for the device.

        Raises BadInput for an operation that native does not compute.
        """
        return pieces(graph) if self.target.engine != native.name else self._steps(canonical(graph))

    def cut_spec(self, spec: Spec, input_shape: tuple[int, ...], num_classes: int) -> Pieces:
        """`cut(from_spec(spec, input_shape, num_classes))`, with rows that were seen before remembered."""
        if self.target.engine != native.name:
            return pieces_of(spec, input_shape, num_classes)
        return self._steps(canonical_of(spec, input_shape, num_classes))

    def predict(self, pieces: Pieces) -> Prediction:
        """What a network of these pieces takes: the line through the whole networks, over its pieces' own times.

        Raises BadInput where the table holds no piece that is anything like one of them.
        """
        doubt, placed = 0.0, []
        missing: dict[str, Told] = {}
        for piece in pieces:
            if timed := self._by_key.get(piece.key):
                placed.append(timed.placed(piece.reads, piece.writes))
                continue
            if piece.key not in missing:
                missing[piece.key] = self._neighbours.tell(piece.kind, piece.multiply_adds, piece.bytes_moved)
            told = missing[piece.key]
            doubt += told.seconds * told.error
            placed.append(Placed(piece.kind, told.seconds, 0.0, 0.0, told.steps, piece.reads, piece.writes))
        whole = self.line.seconds(*add_up(placed))
        low, high = (whole * bound for bound in self.line.ratios)
        return Prediction(
            self.target, whole, max(low - doubt, 0.0), high + doubt, tuple(sorted(missing)), self.line.assumed
        )

    def without(self, family: str) -> LatencyTable:
        """The table as if no network of that family had been run whole; its pieces stay."""
        return replace(self, networks=tuple(each for each in self.networks if each.family != family))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the images that its networks were packed for."""
        return tuple(size for size in self.about.get("sizes", ()) if isinstance(size, int))

    def known_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Those of the `sizes` that it was packed for; raises BadInput where that is none of them."""
        known = tuple(size for size in sizes if size in self.sizes)
        if not known:
            own, got = (", ".join(map(str, each)) for each in (self.sizes, sizes))
            raise BadInput(
                f"the latency table is of images of {own or 'no'} pixels; got {got}: take images of a size that it "
                f"knows, or pack pieces with `featherlight latency --pack pieces.zip --size {sizes[0]}` and time them"
            )
        return known

    @property
    def outdated(self) -> bool:
        """Whether another compiler timed it: the steps of this one would be missing, and those that it has other code.

        One of another engine never is: its pieces are the network's own operations.
        """
        return self.target.engine == native.name and self.about.get(COMPILER) != cache.source()

    def check(self, engine: str | None, threads: int) -> None:
        """Raise BadInput where an engine or a number of threads is asked for that is not the table's own.

        None leaves the engine to the table, 1 the threads. Raises it for a table that is `outdated` as well.
        """
        if self.outdated:
            raise BadInput(
                f"the latency table was timed with another compiler than that of this featherlight {__version__}: "
                "time again with this one on the device, `featherlight latency --engine native --out here.json`"
            )
        if engine not in (None, self.target.engine):
            raise BadInput(f"the latency table is of {self.target.engine}; got engine {engine!r}: leave it out")
        if threads not in (1, self.target.threads):
            raise BadInput(
                f"the latency table is of {self.target.threads} thread(s); got threads {threads}: leave it out"
            )

    @property
    def noise(self) -> float:
        """How far a piece's rounds lie apart, the median over the pieces (`timing.spread`)."""
        return median(spread(each.seconds) for each in self.pieces if min(each.seconds) > 0)

    @cached_property
    def line(self) -> Calibrated:
        """From the sum over a network's pieces to its time, as the networks that were run whole say."""
        return calibrated([self.whole(network) for network in self.networks])

    def whole(self, network: Network) -> Whole:
        """A network's measured time beside the sums over its pieces."""
        placed = [self.pieces[at].placed(reads, writes) for at, reads, writes in network.pieces]
        return Whole(network.family, min(network.seconds), *add_up(placed))

    def _steps(self, graph: Graph) -> Pieces:
        from featherlight.latency.steps import steps

        return steps(graph, INSTRUCTION_SETS[self.about[INSTRUCTIONS]])

    @cached_property
    def _by_key(self) -> dict[str, TimedPiece]:
        return {piece.key: piece for piece in self.pieces}

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours([piece.known for piece in self.pieces])


def read_table(path: Path) -> LatencyTable:
    """The table that a device wrote; raises BadInput for any other file, a damaged one, or one of another version."""
    document = _document(path)
    if document.get("format") != device.FORMAT:
        raise BadInput(f"{path} is not a latency table; `featherlight latency` writes one")
    if document.get("version") != device.VERSION:
        raise BadInput(
            f"{path} is a latency table of version {document.get('version')!r}, and version {device.VERSION} is known "
            "here; pack the pieces and measure again"
        )
    if document.get("digest") != device.digest(document):
        raise BadInput(f"{path} was altered since it was measured; copy it again from the device, or measure again")
    try:
        table = _table(document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadInput(f"{path} is not a whole latency table ({error!r}); measure again") from None
    if not table.pieces:
        raise BadInput(f"{path} holds no pieces; pack some and measure again")
    if table.target.engine == native.name and table.about.get(INSTRUCTIONS) not in INSTRUCTION_SETS:
        raise BadInput(f"{path} does not say for which instructions its pieces were compiled; measure again")
    return table


def _document(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} is not a latency table: it is larger than any")
        document = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{path} is not a latency table: it is no JSON, or cut short; copy it again") from None
    if not isinstance(document, dict):
        raise BadInput(f"{path} is not a latency table; `featherlight latency` writes one")
    return document


def _table(document: Mapping[str, Any]) -> LatencyTable:
    target = document["target"]
    machine = target["machine"]
    cpu = Machine(
        str(machine["cpu"]), int(machine["cores"]), tuple(machine["instruction_sets"]), str(machine["system"])
    )
    pieces = tuple(
        TimedPiece(str(each["key"]), str(each["kind"]), _count(each["multiply_adds"]), _count(each["bytes"]),
                   _count(each["steps"]), *(_times(each[what], 0.0) for what in ("seconds", "enter", "leave")))
        for each in document["pieces"]
    )  # fmt: skip
    networks = tuple(
        Network(
            str(each["name"]), str(each["family"]), _times(each["seconds"], 1e-9), _wired(each["pieces"], len(pieces))
        )
        for each in document["networks"]
    )
    return LatencyTable(
        Target(str(target["engine"]), str(target["version"]), int(target["threads"]), str(target["precision"]),
               int(target["batch"]), cpu),
        dict(document["libraries"]), dict(document["about"]), pieces, networks, str(document["digest"]),
    )  # fmt: skip


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _times(values: Any, least: float) -> tuple[float, ...]:
    times = tuple(float(value) for value in values)
    if not times or not all(least <= value < 1e6 for value in times):
        raise ValueError(values)
    return times


def _wired(pieces: Any, known: int) -> tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...]:
    wired = tuple((_count(at), tuple(map(str, reads)), tuple(map(str, writes))) for at, reads, writes in pieces)
    if not wired or any(at >= known for at, _, _ in wired):
        raise ValueError("a network's pieces")
    return wired


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
