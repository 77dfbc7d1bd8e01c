"""`featherlight latency`: what networks take on a device that is not at hand."""

from __future__ import annotations

from typing import Annotated

import typer


def latency(
    pack: Annotated[str | None, typer.Option(help="The bundle to write, such as pieces.zip.", metavar="FILE")] = None,
    out: Annotated[str | None, typer.Option(help="The latency table of this machine to write.", metavar="FILE")] = None,
    models: Annotated[str, typer.Option(help="Only networks that match, * standing for anything.")] = "*",
    size: Annotated[
        list[int] | None, typer.Option(help="Side of the images in pixels; may be given more than once (160).")
    ] = None,
    width: Annotated[float | None, typer.Option(help="One width of each network (all that it has).")] = None,
    classes: Annotated[int, typer.Option(help="That the networks tell apart.")] = 1000,
    engine: Annotated[
        str | None, typer.Option(help="With --out: onnxruntime, openvino or native (onnxruntime).")
    ] = None,
    threads: Annotated[int, typer.Option(help="With --out: that a network may use.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Build the latency table of a device, for `fit --target`.

    Networks are cut into what an engine runs as one: some thousand pieces. --pack writes them, with a script, to one
    file. Copied to the device that file is run by Python itself, needs only NumPy and ONNX Runtime (or OpenVINO), goes
    on after a power cut, and writes the table. --out does both for this machine.

    \b
    Examples:
      featherlight latency --pack pieces.zip --size 160 --classes 10
      python pieces.zip --out pi.json                 (on the device)
      featherlight fit photos/ --budget 20ms --target pi.json --out result/
    """
    from dataclasses import asdict
    from pathlib import Path

    from featherlight.cli.output import note, print_json
    from featherlight.errors import BadInput
    from featherlight.fitting.candidates import SIZES_OF_PHOTOGRAPHS
    from featherlight.fitting.pack_candidates import pack_candidates, time_candidates_here
    from featherlight.latency import expected_minutes

    if (pack is None) == (out is None):
        raise BadInput("give either --pack, to time on another device, or --out, to time on this machine")
    sizes = size or SIZES_OF_PHOTOGRAPHS[:1]
    if pack is not None:
        if engine is not None or threads != 1:
            raise BadInput("--engine and --threads belong to --out; on the device: python pieces.zip --help")
        packed = pack_candidates(Path(pack), models=models, sizes=sizes, width=width, classes=classes, say=note)
        document = {"bundle": pack, "pieces": packed.pieces, "networks": packed.networks, "bytes": packed.bytes}
        minutes = expected_minutes(Path(pack))
        if json:
            print_json(document | {"minutes": minutes})
            return
        whole = f"{packed.networks} whole network{'' if packed.networks == 1 else 's'}"
        print(
            f"{pack}: {packed.pieces:,} pieces and {whole}, {packed.bytes / 1e6:.1f} MB"
            f"\non the device, with NumPy and onnxruntime: python {Path(pack).name} --out latency.json"
            f"\nthat takes about {max(minutes, 1):.0f} min on a machine like this one, more on a slower one"
        )
        return
    table = time_candidates_here(
        Path(out or ""),
        models=models,
        sizes=sizes,
        width=width,
        classes=classes,
        engine=engine,
        threads=threads,
        say=note,
    )
    target, (low, high) = table.target, table.line.ratios
    threads_ = f"{target.threads} thread{'s' if target.threads > 1 else ''}"
    assumed = table.line.assumed
    sure = "assumed: too few ran whole to tell" if assumed else "nine in ten, each left out of what tells of it"
    if json:
        document = {"table": out, "pieces": len(table.pieces), "networks": len(table.networks)}
        print_json(
            document | {"low": low, "high": high, "assumed": assumed, "noise": table.noise, "target": asdict(target)}
        )
        return
    print(
        f"{out}: {len(table.pieces):,} pieces on {target.machine.cpu}, {target.engine} {target.version}, "
        f"{threads_}; between rounds a piece's time varies by {table.noise:.0%}"
        f"\nnetworks take {low:.2f} to {high:.2f} times what is predicted for them ({sure})"
    )
