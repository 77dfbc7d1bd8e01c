"""`featherlight train`: a network trained on images."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def train(
    model: Annotated[
        str, typer.Argument(help="A network's name, or local-dir:DIR for one that was saved.", metavar="MODEL")
    ],
    data: Annotated[
        str, typer.Argument(help="A folder of classes, hf-hub:org/dataset, or fashion-mnist.", metavar="DATA")
    ],
    out: Annotated[str, typer.Option(help="The folder to make.", metavar="DIR")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe's JSON file, or its name: fine-tune (where there are weights), small-images, photographs, "
            "or a family's, for its paper's: mobilenet_v2, shufflenet_v2, ..."
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Images a step, the learning rate in proportion (the recipe's).")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change a field of the recipe, such as learning_rate, weight_decay, optimiser, ema, mixup or freeze; "
            "may be given again. docs/training.md has them all.",
            metavar="FIELD=VALUE",
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes of training (10 unless epochs are named).")] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs of training, instead of minutes.")] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Start from random weights although there are trained ones.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run in DIR stopped; start one where there is none.")
    ] = False,
    width: Annotated[float | None, typer.Option(help="Width multiplier of the network, such as 0.5.")] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Side of the images in pixels (the weights' own, grey 64; from scratch 128, grey 28)."),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="A trained network to learn from as well, such as local-dir:DIR.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads to train with (one or all, whichever is faster).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the splits, the weights and the order of the images.")] = 0,
    save_every: Annotated[float, typer.Option(help="Seconds of work that a crash may cost.")] = 60.0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write loss and accuracy for TensorBoard below DIR as well.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a network on images, starting from trained weights where there are any.

    DIR becomes a folder that classify, evaluate and export take; the best network so far is in it after each check.
    Stopped by Ctrl-C or worse, the same command with --resume goes on to the same result, bit for bit. Over several
    processes or machines: accelerate launch -m featherlight train ..., or torchrun -m featherlight train ... on CPUs.

    \b
    Example:
      featherlight train mobilenet_v2 photos/ --out trained/ --minutes 30
      featherlight train shufflenet_v2 fashion-mnist --width 0.5 --scratch --epochs 5 --out trained/ --set batch=128
    """
    from accelerate import PartialState

    from featherlight.cli.output import note, print_json
    from featherlight.training.job import train as run

    arguments: dict[str, Any] = {} if width is None else {"width": width}
    done = run(
        model,
        data,
        out,
        recipe=recipe,
        batch=batch,
        changes=change or (),
        minutes=minutes,
        epochs=epochs,
        scratch=scratch,
        resume=resume,
        size=size,
        teacher=teacher,
        threads=threads,
        seed=seed,
        save_every=save_every,
        tensorboard=tensorboard,
        say=note,
        **arguments,
    )
    state = PartialState()
    state.wait_for_everyone()
    state.destroy_process_group()  # an interpreter that ends before its threads do is aborted, now and then
    if not state.is_main_process:
        return
    if json:
        print_json(done.to_json())
        return
    print(
        f"{model}: test accuracy {done.test_accuracy:.1%}, validation {done.validation_accuracy:.1%}, after "
        f"{done.images:,} images in {done.seconds:.0f} s ({done.images_per_second:.0f} a second; "
        f"{done.waited:.0%} of the time waiting for images)\n"
        f"network: {done.folder}"
    )
