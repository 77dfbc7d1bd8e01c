"""Is a network that was searched for better than every hand-made one that keeps the same budget?

`featherlight search` looks for a network of the space `light` within a budget on Fashion-MNIST, by short trainings and
evolution, and beside it random search for as long. Then what they found and, of every hand-made network, the widest
that keeps the budget are trained from scratch alike: the same recipe, as many images, seed 0; what was found and the
best three hand-made ones with two more seeds. All are timed at the end in the same rounds, one thread, on the engine of
the searches, or with `auto` each on the engine that runs it fastest. Asked: is the found network at least 1.2 times as
fast as the best hand-made one at no less accuracy (the paired interval of 95 % reaches 0), or more accurate by a margin
whose interval excludes zero?

Prediction, made before: the search puts the strides early, where hand-made networks scaled to small images have none,
and spends the time on channels: it ends 0.5 to 1 point above the best hand-made network. Random search finds one as
good as the best hand-made.

    python benchmarks/searching.py --folder /tmp/searching --out docs/measured/searching.json

Both searches judge the same number of networks, on as many images each, so that random search costs the same whatever
the pace of the machine; --minutes are for what a search trains after that. About an hour of one core that trains 350
images a second: --networks 30 --minutes 12 --images 16000, in which two searches see 240,000 images each before their
finalists, and 23 trainings 16,000 each. With --quick it takes minutes, and tells nothing of networks.

What is finished stays in the folder: the same command goes on where it was stopped or killed. With --time-only nothing
is trained, and what is finished is timed again.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import featherlight as fl
from featherlight.cli.output import note, print_table
from featherlight.cost import count
from featherlight.data import Dataset, open_dataset
from featherlight.engines import AUTO, GraphSource, fastest, find
from featherlight.engines.rivals import turns
from featherlight.files import write_bytes, write_json
from featherlight.fitting.bench import Bench
from featherlight.fitting.candidates import candidates
from featherlight.graph import from_spec
from featherlight.journal import Journal, Record
from featherlight.layers import Network
from featherlight.searching.asked import Method
from featherlight.shrinking.result import paired_difference
from featherlight.spec import Spec, from_json, to_json
from featherlight.timing import Timed, interleave, summarise_rounds, tell_apart, this_machine
from featherlight.timing.budget import parse_budget
from featherlight.training import correct, preprocessing_for, recipe_for, train_network
from featherlight.training.kept import trained_once

DATA, SIZE, CLASSES, SPACE = "fashion-mnist", 28, 10, "light"
SEARCHES: dict[str, Method] = {"found": "evolution", "random": "random"}
SEEDS, BEST = (0, 1, 2), 3
VALIDATED = 1000  # images: they pick no more than which epoch's weights are kept
SECONDS = 2.0  # of timing for each network
FASTER = 1.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("searching"), help="where finished pieces are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "searching.json")
    parser.add_argument("--budget", default="0.3ms", help="time for one image, 90th percentile")
    parser.add_argument("--networks", type=int, default=70, help="that each search judges")
    parser.add_argument("--brief", type=int, default=12_000, help="images that the better third of them is trained on")
    parser.add_argument("--minutes", type=float, default=60.0, help="half of them for finalists and winner of a search")
    parser.add_argument("--images", type=int, default=55_000, help="that each network is trained on, of 55,000")
    parser.add_argument("--engine", default=AUTO, help="that runs the networks, also in the searches")
    parser.add_argument("--quick", action="store_true", help="ten networks a search, 640 images a network")
    parser.add_argument("--time-only", action="store_true", help="time what is finished again, and train nothing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.quick:
        asked.networks, asked.brief, asked.minutes, asked.images = 10, 640, 0.2, 640
    searching = {"trials": asked.networks, "images": asked.brief, "minutes": asked.minutes, "engine": asked.engine}
    about = {"budget": asked.budget, "space": SPACE, "searching": searching, "images": asked.images}
    record = Record(Journal(asked.folder / "journal.jsonl"))
    record.begin(about)
    if not asked.time_only:
        specs = networks(record, asked.folder, asked.budget, searching)
        for name, spec in specs.items():
            train(record, asked.folder, name, spec, 0, asked.images)
        for name in [*SEARCHES, *best_hand_made(record, asked.folder, specs)]:
            for seed in SEEDS[1:]:
                train(record, asked.folder, name, specs[name], seed, asked.images)
    specs = {event["name"]: from_json(event["spec"]) for event in events(record, "network")}
    rows = rows_of(record, asked.folder, specs, times(specs, asked.engine), parse_budget(asked.budget))
    write_json(asked.out, about | {"machine": asdict(this_machine()), "rows": rows})
    shown = ("network", "multiply-adds", "engine", "ms", "p90 ms", "keeps", "test", "seeds")
    print_table(shown, [[row[name] for name in shown] for row in rows])


def networks(record: Record, folder: Path, budget: str, searching: dict[str, Any]) -> dict[str, Spec]:
    """What each search finds, and of every hand-made network the widest that keeps the budget."""
    for name, method in SEARCHES.items():
        if record.find("network", name=name) is None:
            out = folder / name
            if not (out / "search.json").exists():
                note(f"searching: {method}")
                fl.search(DATA, budget, out=out, space=SPACE, method=method, resume=True, say=note, **searching)
            found = json.loads((out / "search.json").read_bytes())
            record.add("network", name=name, spec=found["spec"])
    if record.find("hand-made") is None:
        for name, spec in hand_made(parse_budget(budget), searching["engine"]).items():
            record.once("network", lambda spec=spec: {"spec": to_json(spec)}, name=name)  # type: ignore[misc]
        record.add("hand-made")
    return {event["name"]: from_json(event["spec"]) for event in events(record, "network")}


def hand_made(budget: float, engine: str) -> dict[str, Spec]:
    """By name, of every network of the registry the widest that keeps the budget here, if one does."""
    bench, kept = Bench(engine, 1, 1, CLASSES), {}
    for name, widths in candidates(SIZE).items():
        for candidate in reversed(widths):
            measured = bench.time(candidate)
            bench.close([candidate])
            note(f"{candidate.name}: p90 {measured.p90 * 1e3:.3f} ms")
            if measured.p90 <= budget:
                kept[f"{name} {candidate.width:g}x"] = candidate.spec
                break
    return kept


def train(record: Record, folder: Path, name: str, spec: Spec, seed: int, images: int) -> None:
    """A network from scratch; whether it then answers each test image right is kept beside its weights."""
    key = f"{name} {seed}"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(spec, CLASSES, 1)
    dataset, recipe, folder = opened(seed), recipe_for(SIZE), folder / "trained"
    preprocessing = preprocessing_for(dataset, SIZE)
    note(key)
    weights, _ = trained_once(
        record,
        folder,
        key,
        network,
        lambda checkpoints: train_network(
            network,
            dataset,
            recipe,
            preprocessing,
            steps=math.ceil(images / recipe.batch),
            threads=1,
            seed=seed,
            validated=VALIDATED,
            checkpoints=checkpoints,
        ),
        note,
    )
    if not (kept := folder / f"{key}.npy").exists():
        network.load_state_dict(weights)
        file = io.BytesIO()
        np.save(file, correct(network.eval(), dataset.test, preprocessing))
        write_bytes(kept, file.getvalue())


def best_hand_made(record: Record, folder: Path, specs: dict[str, Spec]) -> list[str]:
    """The hand-made networks that are most accurate with the first seed."""
    accuracy = {name: answered(folder, name)[0].mean() for name in specs if name not in SEARCHES}
    return sorted(accuracy, key=lambda name: -accuracy[name])[:BEST]


def times(specs: dict[str, Spec], engine: str) -> dict[str, Timed]:
    """All in the same rounds, each on that engine or its fastest one."""
    with ExitStack() as stack:
        running = {}
        for name, spec in specs.items():
            source = GraphSource(from_spec(spec, (1, 1, SIZE, SIZE), CLASSES))
            by = find(fastest(source, threads=1).name if engine == AUTO else engine)
            running[name] = stack.enter_context(by.build(source, threads=1))
        taken = interleave(turns(running), seconds=SECONDS * len(running))
    return {name: summarise_rounds(each.target, taken[name]) for name, each in running.items()}


def rows_of(
    record: Record, folder: Path, specs: dict[str, Spec], timed: dict[str, Timed], budget: float
) -> list[dict[str, Any]]:
    """A row a network, beside what was found: accuracy over the seeds that both have, and time."""
    rows = []
    for name, spec in specs.items():
        right, found = answered(folder, name), answered(folder, "found")
        if not right:
            continue
        both = min(len(right), len(found))
        measured, cost = timed[name].measurement, count(from_spec(spec, (1, 1, SIZE, SIZE), CLASSES))
        told = tell_apart(timed[name].rounds, timed["found"].rounds)
        rows.append(
            {
                "network": name,
                "parameters": cost.parameters,
                "multiply-adds": cost.multiply_adds,
                "engine": measured.target.engine,
                "ms": measured.median * 1e3,
                "p90 ms": measured.p90 * 1e3,
                "noisy": measured.noisy,
                "keeps": measured.p90 <= budget,
                "test": float(np.mean([each.mean() for each in right])),
                "seeds": len(right),
                # How the found network does beside this one.
                "points above": [100 * each for each in paired_difference(joined(right, both), joined(found, both))],
                "times as fast": [told.ratio, told.low, told.high],
            }
        )
    return sorted(rows, key=lambda row: -row["test"])


def joined(right: list[NDArray[np.bool_]], seeds: int) -> NDArray[np.bool_]:
    """The answers of the first seeds, one after the other."""
    return np.concatenate(right[:seeds])


def answered(folder: Path, name: str) -> list[NDArray[np.bool_]]:
    """Whether each test image is answered right, seed by seed as far as there are any."""
    paths = [folder / "trained" / f"{name} {seed}.npy" for seed in SEEDS]
    return [np.load(path, allow_pickle=False) for path in paths if path.exists()]


def events(record: Record, kind: str) -> list[dict[str, Any]]:
    return [event for event in record.journal.read() if event["event"] == kind]


@cache
def opened(seed: int) -> Dataset:
    """The images; which of them are for validation hangs on the seed."""
    return open_dataset(DATA, seed)


if __name__ == "__main__":
    main()
