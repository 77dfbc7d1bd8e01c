"""The entry point `featherlight`: the table of commands, and what a failed one says."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from featherlight import __version__
from featherlight.errors import FeatherlightError

# Each command is the function of the same name in a module of this package, in the order that --help shows.
COMMANDS = (
    *("models", "classify", "fit", "train", "shrink", "search", "evaluate", "export", "compile"),
    *("profile", "compare", "latency", "guidelines", "report", "doctor"),
)

DEBUG = "FEATHERLIGHT_DEBUG"  # set, and not 0: a failure shows its traceback


def main() -> None:
    """Run the command line and exit: 0 done, 1 failure, 2 bad input or usage, 130 stopped by Ctrl-C.

    Whatever goes wrong is one sentence on standard error; a traceback only where it is asked for.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file may have a name that this terminal cannot show
    # OpenMP's threads wait for one another by spinning. Where something else wants a core, a short spin before they
    # sleep trained three times as fast as the default. It is read when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        _app()(prog_name="featherlight")  # exits by itself, with 130 on Ctrl-C and 2 where the usage is wrong
    except Exception as error:
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            raise
        print(f"Error: {_sentence(error)}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, FeatherlightError) else 1)


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Light-weight convolutional networks, chosen by the clock.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain text: an error is a sentence and not a frame around one
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in COMMANDS:
        app.command(name)(getattr(import_module(f"featherlight.cli.{name}"), name))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show the traceback of a failure (or set {DEBUG}=1).")
    ] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"  # the environment, so that worker processes know it as well


def _sentence(error: Exception) -> str:
    if isinstance(error, FeatherlightError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())} (featherlight --debug ... shows where)"
