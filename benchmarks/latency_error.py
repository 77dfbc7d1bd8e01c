"""How far off is a latency table about networks of a family that was never run on the device?

Every candidate of `fit` at one size, at all its widths, is cut into pieces; the pieces and, in the same rounds, the
whole networks are timed on this machine by the bundle's own script. Then each family is left out: its networks are
predicted from pieces timed alone, by the line through the other families' networks (of each the two widths that
`featherlight latency --pack` has run whole). Beside it stands what a line through multiply-adds alone makes of the same
networks, and what the table says where the family's own pieces were not timed either.

Prediction: a median error of at most 10 % and a worst of at most 25 %, half of multiply-adds' error or less.

    taskset -c 1 python benchmarks/latency_error.py --size 224 --out docs/measured/latency_error.json

What is timed is kept in --folder: the same command goes on where it was killed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from featherlight.cli.output import note, print_table
from featherlight.engines import ModuleSource, native
from featherlight.files import write_json
from featherlight.fitting.candidates import SIZE_OF_GREY, Candidate, candidates
from featherlight.fitting.pack_candidates import run_whole
from featherlight.latency import LatencyTable, Member, pack, read_table, time_here, time_networks
from featherlight.latency.layouts import Placed, add_up
from featherlight.latency.neighbours import Neighbours
from featherlight.latency.table import Network, TimedPiece
from featherlight.models import entry

WAYS = ("predicted", "by_multiply_adds", "pieces_unseen")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--models", nargs="+", default=["*"], help="patterns of names")
    parser.add_argument(
        "--few", action="store_true", help="of each the two widths that `featherlight latency` runs whole"
    )
    parser.add_argument("--folder", type=Path, default=Path("latency"), help="where work under way is kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "latency_error.json")
    asked = parser.parse_args()
    table = measured(asked.folder, asked.size, asked.engine, chosen(asked.size, asked.models, asked.few))
    rows = [row for family in families(table) for row in left_out(table, family)]
    summary = {way: errors([row[way] / row["measured"] - 1 for row in rows]) for way in WAYS}
    inside = sum(row["low"] <= row["measured"] <= row["high"] for row in rows)
    document = {
        "size": asked.size,
        "target": asdict(table.target),
        "pieces": len(table.pieces),
        "networks": len(rows),
        "calibrated_on": len(calibrating(table)),
        "noise": table.noise,
        "line": asdict(table.line),
        "errors": summary,
        "within_interval": inside / len(rows),
        "families": {family: {way: errors([row[way] / row["measured"] - 1 for row in rows if row["family"] == family])
                              for way in WAYS} for family in families(table)},
        "rows": rows,
    }  # fmt: skip
    write_json(asked.out, document)
    print_table(["left out", "networks", *(f"{way}: {error}" for way in WAYS for error in ("median", "worst"))],
                [[family, sum(row["family"] == family for row in rows),
                  *(f"{of[way][error]:.1%}" for way in WAYS for error in ("median", "worst"))]
                 for family, of in [*document["families"].items(), ("all", summary)]])  # fmt: skip
    print(f"{inside} of {len(rows)} networks came within their interval")


def measured(folder: Path, size: int, engine: str, some: Sequence[Candidate]) -> LatencyTable:
    """The table of this machine in which these candidates were run whole."""
    out = folder / f"{engine}-{size}.json"
    if out.exists():
        return read_table(out)
    if engine == native.name:
        return time_networks(members(some), out, engine=engine, sizes=[size], classes=1000)
    bundle = folder / f"{size}.zip"
    packed = pack(members(some), bundle, sizes=[size], classes=1000)
    note(f"{packed.pieces} pieces, {packed.networks} networks, {packed.bytes / 1e6:.0f} MB")
    return time_here(bundle, out, engine=engine)


def chosen(size: int, patterns: Sequence[str], few: bool) -> list[Candidate]:
    return [
        candidate
        for name, widths in candidates(size).items()
        if any(fnmatch(name, pattern) for pattern in patterns)
        for candidate in (dict.fromkeys(run_whole(widths)) if few else widths)
    ]


def members(some: Sequence[Candidate]) -> Iterator[Member]:
    for candidate in some:
        channels = 1 if candidate.size == SIZE_OF_GREY else 3
        source = ModuleSource(candidate.network(1000, channels).eval(), (channels, candidate.size, candidate.size))
        yield Member(candidate.name, entry(candidate.architecture).family, source.graph, timed=True)


def families(table: LatencyTable) -> list[str]:
    return sorted({network.family for network in table.networks})


def calibrating(table: LatencyTable) -> list[Network]:
    """What `pack_candidates` has run whole."""
    by_name: dict[str, list[Network]] = {}
    for network in table.networks:
        by_name.setdefault(network.name.split()[0], []).append(network)
    return [network for networks in by_name.values() for network in dict.fromkeys(run_whole(networks))]


def left_out(table: LatencyTable, family: str) -> list[dict[str, Any]]:
    """What is said of each network of a family by what is known without it."""
    others = [network for network in calibrating(table) if network.family != family]
    line = replace(table, networks=tuple(others)).line
    slope = multiply_adds_line(table, others)
    known = {at for network in table.networks if network.family != family for at, _, _ in network.pieces}
    neighbours = Neighbours(table.pieces[at].known for at in sorted(known))
    said = []
    for network in (each for each in table.networks if each.family == family):
        whole = table.whole(network)
        unseen = [placed(table.pieces[at], reads, writes, None if at in known else neighbours)
                  for at, reads, writes in network.pieces]  # fmt: skip
        predicted = line.seconds(whole.pieces, whole.steps)
        said.append(
            {
                "name": network.name,
                "family": family,
                "multiply_adds": multiply_adds(table, network),
                "measured": whole.seconds,
                "predicted": predicted,
                "low": predicted * line.ratios[0],
                "high": predicted * line.ratios[1],
                "by_multiply_adds": float(slope @ (1.0, multiply_adds(table, network))),
                "pieces_unseen": line.seconds(*add_up(unseen)),
            }
        )
    return said


def placed(piece: TimedPiece, reads: tuple[str, ...], writes: tuple[str, ...], neighbours: Neighbours | None) -> Placed:
    """A piece as it was timed, or as its neighbours tell it."""
    if neighbours is None:
        return piece.placed(reads, writes)
    told = neighbours.tell(piece.kind, piece.multiply_adds, piece.bytes_moved)
    return Placed(piece.kind, told.seconds, 0.0, 0.0, told.steps, reads, writes)


def multiply_adds(table: LatencyTable, network: Network) -> int:
    return sum(table.pieces[at].multiply_adds for at, _, _ in network.pieces)


def multiply_adds_line(table: LatencyTable, networks: Sequence[Network]) -> Any:
    """Seconds as a + b x multiply-adds, least squares of the relative errors as for the pieces' line."""
    times = np.array([min(network.seconds) for network in networks])
    columns = np.array([(1.0, multiply_adds(table, network)) for network in networks]) / times[:, None]
    weights, *_ = np.linalg.lstsq(columns, np.ones(len(networks)), rcond=None)
    return weights


def errors(relative: Sequence[float]) -> dict[str, float]:
    sizes = np.abs(relative)
    return {"median": float(np.median(sizes)), "worst": float(sizes.max()), "mean": float(np.mean(relative))}


if __name__ == "__main__":
    main()
