"""The command line. To add a command:

1. a file ``cli/NAME.py`` with a function that parses (its signature), calls one library function and prints (see
   models.py). It imports the library inside the function, so that `--help` stays quick. Its docstring is its help: the
   first line says what one gets, an example follows under a line with ``\\b``, which keeps its form;
2. a line in `COMMANDS`.

A person reads a table (`output.print_table`); with ``--json`` standard output holds one JSON document and nothing else
(`output.print_json`). Progress and remarks go to standard error (`output.note`). A command raises `FeatherlightError`
and catches nothing: `main` makes the sentence and the exit code of it.
"""

from featherlight.cli.app import COMMANDS, main

__all__ = ["COMMANDS", "main"]
