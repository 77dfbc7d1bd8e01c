"""`featherlight fit`: images and a time budget in, a trained network that keeps the budget out."""

from __future__ import annotations

from typing import Annotated

import typer


def fit(
    data: Annotated[str, typer.Argument(help='A folder of classes, or "fashion-mnist".')],
    budget: Annotated[str, typer.Option(help="Time for one image, such as 2ms, 800us or 0.1s.")],
    out: Annotated[str, typer.Option(help="The folder to make.")],
    threads: Annotated[int, typer.Option(help="Threads that the network may use when it runs.")] = 1,
    size: Annotated[
        int | None, typer.Option(help="Side of the images in pixels (28 for Fashion-MNIST, else 128).")
    ] = None,
    minutes: Annotated[float, typer.Option(help="Minutes of training in all; timing comes on top.")] = 3.0,
    engine: Annotated[str, typer.Option(help="torch, onnxruntime, openvino, or auto: whichever is fastest.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the splits, the weights and the order of the images.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Find and train the network that is most accurate within a time budget here.

    Light-weight networks are timed untrained on this machine, those that keep the budget are trained on the images,
    and the best becomes a folder: weights, model.onnx, figures, a picture.

    \b
    Example:
      featherlight fit photos/ --budget 2ms --out result/
    """
    from featherlight.cli.output import note, print_json, print_table
    from featherlight.fitting import fit as run
    from featherlight.fitting import show_time

    fitted = run(data, budget, out=out, threads=threads, size=size, minutes=minutes, engine=engine, seed=seed, say=note)
    if json:
        print_json(fitted.to_json())
        return
    print_table(
        ["network", "engine", "time", "p90", "within budget", "validation", "chosen"],
        [
            [
                each.candidate.name,
                each.measurement.target.engine,
                show_time(each.measurement.median),
                show_time(each.measurement.p90),
                each.verdict,
                f"{fitted.accuracies[each.candidate]:.1%}" if each.candidate in fitted.accuracies else "",
                "*" if each.candidate.name == fitted.name else "",
            ]
            for each in sorted(fitted.candidates, key=lambda each: each.measurement.median)
        ],
    )
    print(
        f"\n{fitted.name}: test accuracy {fitted.test_accuracy:.1%}, {show_time(fitted.measurement.median)} an image "
        f"(p90 {show_time(fitted.measurement.p90)}), budget {show_time(fitted.budget)}: {fitted.verdict}"
        f"\nnetwork: {fitted.folder}\npicture: {fitted.picture}"
    )
