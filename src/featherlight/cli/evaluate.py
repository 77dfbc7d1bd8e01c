"""`featherlight evaluate`: how good a trained network is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.predict import Evaluation

CLASSES = 20  # that the table has; --json has all
ROWS = 10  # of the other tables


def evaluate(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder that fit made, an ONNX file that export wrote, a flight file, or a name with weights.",
            metavar="MODEL",
        ),
    ],
    data: Annotated[
        str, typer.Argument(help="A folder of classes, hf-hub:org/dataset, or fashion-mnist.", metavar="DATA")
    ],
    engine: Annotated[
        str | None,
        typer.Option(
            help="torch, onnxruntime, openvino, native, or auto: the fastest (torch; onnxruntime for an ONNX file; "
            "native for a flight file)."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads that the network may use (all cores).")] = None,
    batch: Annotated[int, typer.Option(help="Images at once (a flight file has its own number).")] = 32,
    split: Annotated[str, typer.Option(help="train, validation, test or all: every image of DATA.")] = "test",
    subset: Annotated[
        bool, typer.Option("--subset", help="Let DATA lack classes of the network, which may still name them.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Of the splits held out (what the network was trained with, else 0).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell how good a trained network is, as an engine runs it.

    Accuracy with its confidence interval, calibration, speed; precision and recall of each class; which classes are
    taken for which; the surest mistakes. The classes of DATA must be the network's, in any order. Images that cannot be
    read are listed and left out.

    \b
    Example:
      featherlight evaluate result/ photos/
      featherlight evaluate net.onnx photos/ --engine openvino --threads 2
    """
    from featherlight.cli.output import note, print_json
    from featherlight.cli.progress import show_download
    from featherlight.predict import evaluate as run

    evaluation = run(
        source,
        data,
        engine=engine,
        threads=threads,
        batch=batch,
        split=split,
        subset=subset,
        seed=seed,
        progress=_show_images(),
        download=show_download,
    )
    for sentence in evaluation.broken:
        note(f"left out: {sentence}")
    if json:
        print_json(evaluation.to_json())
    else:
        _print(evaluation)


def _print(evaluation: Evaluation) -> None:
    from featherlight.cli.output import print_table

    print(_summary(evaluation))
    shown = [each for each in evaluation.classes if each.images]
    if len(shown) > CLASSES:
        shown = sorted(shown, key=lambda each: each.recall or 0.0)[:CLASSES]
        print(f"\nThe {CLASSES} classes that are found least often")
    else:
        print("\nClasses")
    print_table(
        ["class", "images", "precision", "recall"],
        [[each.label, each.images, _percent(each.precision), _percent(each.recall)] for each in shown],
    )
    if evaluation.worst:
        print("\nTaken for another most often")
        print_table(["class", "taken for", "images"], evaluation.confused(ROWS))
        print("\nSurest mistakes")
        print_table(
            ["probability", "class", "taken for", "image"],
            [[_percent(each.probability), each.label, each.predicted, each.image] for each in evaluation.worst[:ROWS]],
        )


def _summary(evaluation: Evaluation) -> str:
    low, high = evaluation.interval
    target = evaluation.target
    broken = f", and {len(evaluation.broken):,} that could not be read" if evaluation.broken else ""
    top5 = f", top-5 {evaluation.top5:.1%}" if len(evaluation.label_names) > 5 else ""
    return (
        f"{evaluation.source} on {evaluation.data}, split {evaluation.split}: {evaluation.images:,} images{broken}\n"
        f"top-1 {evaluation.top1:.1%} (95 % interval {low:.1%} to {high:.1%}){top5}\n"
        f"expected calibration error {evaluation.calibration.error:.1%}\n"
        f"{evaluation.images_per_second:,.0f} images a second: {target.engine} {target.version}, {target.threads} "
        f"thread{'s' if target.threads > 1 else ''}, {target.batch} at once, {target.machine.cpu}"
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:6.1%}"


def _show_images() -> Callable[[int, int | None], None]:
    """Shows, where standard error is a terminal, how many images are done and how long the others will take."""
    start = time.monotonic()

    def show(done: int, total: int | None) -> None:
        if total and sys.stderr.isatty():
            left = (time.monotonic() - start) / done * (total - done)
            end = "\n" if done == total else ""
            print(f"\r{done:,} of {total:,} images, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)

    return show
