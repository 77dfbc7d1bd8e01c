"""`featherlight compile`: a network as a file of machine code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from featherlight.compiling.compilation import Compilation
    from featherlight_runtime import Program


def compile(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder that fit made, an ONNX file, or a name (with its public weights).", metavar="MODEL"
        ),
    ],
    out: Annotated[str | None, typer.Option(help="The flight file to write.", metavar="FILE")] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Pixels a side (what the network was made for), for an ONNX file too that leaves it open."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Images that are given at once.")] = 1,
    images: Annotated[
        str, typer.Option(help="float32 (N, C, H, W), or uint8 (N, H, W, C): pixels that it normalises itself.")
    ] = "float32",
    precision: Annotated[str, typer.Option(help="float32 is all that there is so far.")] = "float32",
    instructions: Annotated[
        str | None, typer.Option(help="sse2, avx2 or avx512 (the best that this machine has).")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="A name without weights, which take no part in its time.")
    ] = False,
    show: Annotated[
        str | None, typer.Option(help="Print what is made instead: plan, llvm or assembly.", metavar="WHAT")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compile a network to one file that runs with Python and NumPy alone.

    The file holds machine code, weights, preprocessing and class names. featherlight_runtime.load("net.flight",
    threads=2) runs it, on as many threads as are asked for there; featherlight.load names what photographs show.

    \b
    Example:
      featherlight compile result/ --out net.flight
      featherlight compile net.onnx --out net.flight --instructions sse2
      featherlight compile mobilenet_v2 --untrained --show plan
    """
    from featherlight.cli.output import print_json
    from featherlight.cli.progress import show_download
    from featherlight.compiling.compilation import check_request, compile_program, prepare, write

    check_request(out, show)
    given = prepare(
        _fresh(model, size) if untrained else model,
        precision=precision,
        size=size,
        batch=batch,
        images=images,
        instructions=instructions,
        progress=show_download,
    )
    document: dict[str, Any] = {} if show is None else {show: _shown(given, show)}
    if out is not None:
        start = time.perf_counter()
        program = compile_program(given)
        document |= _written(out, write(program, out), program, time.perf_counter() - start)
    if json:
        print_json(document)
    else:
        _print(document, show, out)


def _fresh(name: str, size: int | None) -> Any:
    from featherlight.pretrained import create_model

    return create_model(name, size=size)


def _shown(given: Compilation, what: str) -> Any:
    from featherlight.compiler import build

    if what == "plan":
        return build.table(build.plan(given.graph, given.instructions, pixels=given.pixels))
    make = build.assembly if what == "assembly" else build.llvm_text
    return make(given.graph, given.instructions, pixels=given.pixels)


def _written(out: str, size: int, program: Program, seconds: float) -> dict[str, Any]:
    return {
        "path": out,
        "bytes": size,
        "code_bytes": len(program.code),
        "weight_bytes": len(program.weights),
        "memory_bytes": program.arena,
        "inputs": [array._asdict() for array in program.inputs],
        "outputs": [array._asdict() for array in program.outputs],
        "instructions": list(program.instructions),
        "steps": len(program.steps),
        "seconds": round(seconds, 3),
    }


def _print(document: dict[str, Any], show: str | None, out: str | None) -> None:
    from featherlight.cli.output import note, print_table

    if show == "plan":
        rows = document["plan"]
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    elif show is not None:
        print(document[show])
    if out is not None:
        (given,) = document["inputs"]
        shape = ", ".join(map(str, given["shape"]))
        said = (
            f"{out}: {document['bytes']:,} bytes, {document['code_bytes']:,} of them code, for images {given['dtype']} "
            f"({shape}) and processors with {' '.join(document['instructions'])}"
        )
        print(said) if show is None else note(said)
