"""`featherlight fit`: images and a time budget in, a trained network that keeps the budget out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.fitting import Fitted


def fit(
    data: Annotated[
        str, typer.Argument(help="A folder of classes, hf-hub:org/dataset, or fashion-mnist.", metavar="DATA")
    ],
    budget: Annotated[str, typer.Option(help="Time for one image, such as 2ms, 800us or 0.1s.")],
    out: Annotated[str, typer.Option(help="The folder to make.", metavar="DIR")],
    threads: Annotated[int, typer.Option(help="Threads at most; each network is timed with 1 and with so many.")] = 1,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of the images in pixels (else 28 for Fashion-MNIST, the best of 96 to 224 for photos)."
        ),
    ] = None,
    effort: Annotated[
        str, typer.Option(help="quick: the known networks; normal: and shrink a wider one; thorough: and search.")
    ] = "quick",
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Minutes of training in all (quick 3, normal 15, thorough 60), an estimate: they become steps by the "
            "pace measured before each training; timing comes on top."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="torch, onnxruntime, openvino, native, or auto: whichever is fastest.")
    ] = "auto",
    max_size: Annotated[str | None, typer.Option(help="Of the file of weights, such as 5MB, 500kB or 2MiB.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="Of weights and activations alive at once for one image, such as 20MB.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The latency table of another device; nothing is timed here then.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the splits, the weights and the order of the images.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the fit that was begun in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Find and train the network that is most accurate within a time budget here.

    Light-weight networks are timed untrained on this machine; the most promising of those that keep the budget are
    trained rung by rung, the better half going on, and the last one has most of the minutes. It becomes a folder:
    weights, model.onnx, figures, a picture. With --effort normal a wider network is then shrunk to the budget, with
    --effort thorough one is searched for as well; each takes the place of the one before if it is more often right on
    the validation images. What is finished is kept from the start: after Ctrl-C, a crash or a power cut the same
    command with --resume goes on.

    \b
    Examples:
      featherlight fit photos/ --budget 2ms --out result/
      featherlight fit photos/ --budget 2ms --out result/ --resume
      featherlight fit photos/ --budget 5ms --threads 4 --max-size 5MB --minutes 60 --out result/
      featherlight fit photos/ --budget 2ms --effort thorough --out result/
      featherlight fit photos/ --budget 20ms --target pi.json --out result/
    """
    from featherlight.cli.output import note, print_json
    from featherlight.timing.budget import parse_budget

    parse_budget(budget)  # refused before torch is loaded for it

    from featherlight.fitting import fit as run

    fitted = run(
        data,
        budget,
        out=out,
        threads=threads,
        size=size,
        minutes=minutes,
        effort=effort,  # type: ignore[arg-type]  # checked there
        engine=engine,
        max_size=max_size,
        max_memory=max_memory,
        seed=seed,
        target=target,
        resume=resume,
        say=note,
    )
    if json:
        print_json(fitted.to_json())
    else:
        _print(fitted)


def _print(fitted: Fitted) -> None:
    from featherlight.cli.output import print_table
    from featherlight.fitting import show_bytes, show_time

    timed = [
        [
            each.candidate.name,
            each.measurement.target.engine,
            each.measurement.target.threads,
            show_time(each.measurement.median),
            show_time(each.measurement.p90),
            each.verdict,
            f"{fitted.accuracies[each.candidate]:.1%}" if each.candidate in fitted.accuracies else "",
            "*" if each.candidate.name == fitted.name else "",
        ]
        for each in sorted(fitted.candidates, key=lambda each: each.measurement.median)
    ]
    ruled_out = [
        [each.candidate.name, "", "", show_bytes(each.bytes), "", each.verdict, "", ""] for each in fitted.ruled_out
    ]
    if fitted.label:
        print(f"times are {fitted.label}, none was measured")
    columns = [
        "network",
        "engine",
        "threads",
        "time",
        "at most" if fitted.label else "p90",
        "within budget",
        "validation",
        "chosen",
    ]
    print_table(columns, [*timed, *ruled_out])
    if len(fitted.stages) > 1:
        _print_stages(fitted)
    target = fitted.measurement.target
    median, p90 = show_time(fitted.measurement.median), show_time(fitted.measurement.p90)
    bound = f"{fitted.label}, at most {p90}" if fitted.label else f"p90 {p90}"
    doubt = f"\n{fitted.doubt}" if fitted.doubt else ""
    print(
        f"\n{fitted.name}: test accuracy {fitted.test_accuracy:.1%}, {median} an image "
        f"({bound}) on {target.engine} with {target.threads} thread{'s' if target.threads > 1 else ''}, "
        f"budget {show_time(fitted.budget)}: {fitted.verdict}"
        f"{doubt}\nweights: {show_bytes(fitted.weights_bytes)}; {show_bytes(fitted.memory_bytes)} of memory with the "
        f"activations of one image\nnetwork: {fitted.folder}\npicture: {fitted.picture}"
    )


def _print_stages(fitted: Fitted) -> None:
    """What each stage bought."""
    from featherlight.cli.output import print_table
    from featherlight.fitting import show_time

    rows = []
    for stage in fitted.stages:
        figures = ["", "", "", ""]
        if judged := stage.judged:
            took = judged.measurement
            accuracies = (judged.validation_accuracy, judged.test_accuracy)
            figures = [show_time(took.median), show_time(took.p90), *(f"{accuracy:.1%}" for accuracy in accuracies)]
        network = stage.judged.entrant.name if stage.judged else ""
        told = "kept" if stage.kept else stage.note
        rows.append([stage.name, network, *figures, f"{stage.seconds / 60:.1f} min", told])
    print()
    bound = "at most" if fitted.label else "p90"
    print_table(["stage", "network", "time", bound, "validation", "test", "training", ""], rows)
