"""A network compiled to machine code of its own: to be called here, or in a file for another machine."""

from featherlight.compiling.compilation import compile, compile_program, write

__all__ = ["compile", "compile_program", "write"]
