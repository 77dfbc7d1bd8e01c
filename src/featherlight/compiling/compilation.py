"""`featherlight.compile`: a network in, machine code out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from featherlight import __version__
from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet, host
from featherlight.compiling.subject import Compilable, Subject, find_subject
from featherlight.engines.source import check
from featherlight.errors import BadInput, must_be, unknown
from featherlight.files import check_no_folder, write_bytes
from featherlight_runtime import FlightError, Network, Program, flight

if TYPE_CHECKING:
    from featherlight.compiler.plan.pixels import Scaling
    from featherlight.data import Preprocessing
    from featherlight.graph import Graph
    from featherlight.pretrained import Progress

PRECISIONS = ("float32",)
SHOWN = ("plan", "llvm", "assembly")
Images = Literal["float32", "uint8"]


class Compilation(NamedTuple):
    """What the compiler is given: a graph, how pixels are scaled if the caller gives pixels, and a processor."""

    graph: Graph
    pixels: Scaling | None
    instructions: InstructionSet
    about: Mapping[str, Any]  # goes into the file


def compile(
    source: Compilable,
    *,
    threads: int = 1,
    precision: str = "float32",
    size: int | None = None,
    batch: int = 1,
    images: Images = "float32",
    input_shape: tuple[int, int, int] | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Network:
    """The network compiled for this machine: a callable that takes NumPy arrays and gives the scores as one.

    source       a torch module, a `Graph`, an ONNX file, a folder that `fit` or `save` wrote, a classifier that `load`
                 gave, or a name with its public weights
    threads      that it may use; the scores are the same to the last bit for any number of them
    precision    "float32", which is all that there is so far
    size         pixels a side; by default what the network was made for (a module: 224)
    batch        images that are given at once
    images       "float32": (N, C, H, W), as the network takes them. "uint8": pixels (N, H, W, C) from 0 to 255, which
                 it normalises itself; for networks that come with their preprocessing
    input_shape  channels, height and width, for modules; by default what `engines.source.image_shape` says
    out          a flight file to write as well: `featherlight_runtime.load` runs it with Python and NumPy alone

    Raises BadInput for what is no network or cannot be compiled, naming the operation; Failure where this machine's
    processor is none that code is made for. A call raises a ValueError for another shape or type.
    """
    check(threads, batch)
    if out is not None:
        check_no_folder(Path(out), "out")
    given = prepare(source, precision=precision, size=size, batch=batch, images=images, input_shape=input_shape)
    program = compile_program(given)
    if out is not None:
        write(program, out)
    try:
        return Network(program, threads)
    except FlightError as error:
        raise BadInput(str(error)) from error


def check_request(out: str | None, show: str | None) -> None:
    """Raise BadInput unless something is to be written or shown; asked before anything is loaded."""
    if show is not None and show not in SHOWN:
        raise must_be("show", f"one of {', '.join(SHOWN)}", show)
    if out is None and show is None:
        raise BadInput("name the file to write (--out net.flight), or what to show (--show plan)")
    if out is not None:
        check_no_folder(Path(out), "out")


def prepare(
    source: Compilable,
    *,
    precision: str = "float32",
    size: int | None = None,
    batch: int = 1,
    images: str = "float32",
    input_shape: tuple[int, int, int] | None = None,
    instructions: str | None = None,
    progress: Progress | None = None,
) -> Compilation:
    """All that is known before code is made; `instructions` names a set, by default the best one at hand."""
    check(1, batch)
    if precision not in PRECISIONS:
        raise must_be("precision", "'float32', which is all that is compiled so far", precision)
    if images not in ("float32", "uint8"):
        raise must_be("images", "'float32' or 'uint8'", images)
    if instructions is not None and instructions not in INSTRUCTION_SETS:
        raise unknown("instructions", instructions, INSTRUCTION_SETS)
    chosen = host() if instructions is None else INSTRUCTION_SETS[instructions]
    subject = find_subject(source, size, batch, progress, input_shape)
    about = {"featherlight": __version__, "precision": precision, "images": images, **_described(subject)}
    return Compilation(subject.graph, _scaling(subject) if images == "uint8" else None, chosen, about)


def compile_program(given: Compilation) -> Program:
    """The program, with all that is known of the network; raises BadInput, naming the operation that has no kernel."""
    from featherlight.compiler.build import program

    return replace(program(given.graph, given.instructions, pixels=given.pixels), about=given.about)


def write(program: Program, path: str | os.PathLike[str]) -> int:
    """Write a flight file; gives its bytes. Raises BadInput where `path` is a folder."""
    check_no_folder(Path(path), "out")
    content = flight.pack(program)
    write_bytes(Path(path), content)
    return len(content)


def _described(subject: Subject) -> dict[str, Any]:
    if subject.preprocessing is None:
        return {}
    return {"preprocessing": subject.preprocessing.to_config(), "label_names": list(subject.label_names)}


def _scaling(subject: Subject) -> Scaling:
    """What `data.normalise` does to pixels, as one product and one sum."""
    from featherlight.compiler.plan.pixels import Scaling

    known: Preprocessing | None = subject.preprocessing
    if known is None:
        raise BadInput(
            "images can be 'uint8' only where the network says how pixels are normalised, as a folder, a name or an "
            "ONNX file of `featherlight export` does: give it float32"
        )
    pairs = list(zip(known.mean, known.std, strict=True))
    return Scaling(tuple(1 / (255 * std) for _, std in pairs), tuple(-mean / std for mean, std in pairs))
