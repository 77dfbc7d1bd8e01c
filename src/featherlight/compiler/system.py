"""What threads ask of a processor and an operating system, as text of inline assembly: one record a pair of them."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.control import I64

_VOID, _POINTER = ir.VoidType(), ir.PointerType()


@dataclass(frozen=True)
class Assembly:
    """Instructions with LLVM's constraints: where operands are, and what is overwritten."""

    text: str
    constraints: str


@dataclass(frozen=True)
class System:
    """How to wait, to sleep, to read the clock and to set how floats are computed."""

    pause: Assembly  # tells the core that it waits for another one
    clock: Assembly  # gives ticks at a steady rate
    patience: int  # ticks that a thread waits awake: 50 to 200 microseconds
    call: Assembly  # the system call: number, three arguments, a fourth of 0
    futex: int  # the number of the call that sleeps on a word, and wakes those who do
    read_modes: Assembly  # store how floats are computed at an address, 32 bits
    set_modes: Assembly  # and set it from there
    modes: int  # round to nearest, raise nothing, take denormals for 0: they cost 100 times as much

    def emit(self, b: ir.IRBuilder, assembly: Assembly, *arguments: ir.Value, result: ir.Type = _VOID) -> ir.Value:
        """The instructions at the builder's place; they are never moved or left out."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return b.asm(kind, assembly.text, assembly.constraints, arguments, True)

    def now(self, b: ir.IRBuilder) -> ir.Value:
        """The clock's ticks."""
        return self.emit(b, self.clock, result=I64)

    def sleep(self, b: ir.IRBuilder, word: ir.Value, value: ir.Value) -> None:
        """Sleep until woken if the 32 bits at `word` are those of `value`; may wake for no reason."""
        self._futex(b, word, 0, value)

    def wake(self, b: ir.IRBuilder, word: ir.Value) -> None:
        """Wake all who sleep on a word."""
        self._futex(b, word, 1, ir.Constant(I64, 2**31 - 1))

    def _futex(self, b: ir.IRBuilder, word: ir.Value, operation: int, value: ir.Value) -> None:
        private = ir.Constant(I64, operation | 128)  # among the threads of one process, which is quicker to look up
        none = ir.Constant(I64, 0)
        self.emit(b, self.call, ir.Constant(I64, self.futex), word, private, value, none, result=I64)


LINUX_X86_64 = System(
    pause=Assembly("pause", "~{memory}"),
    clock=Assembly("rdtsc\n shl $$32, %rdx\n or %rdx, %rax", "={rax},~{rdx},~{flags},~{memory}"),
    patience=250_000,  # such clocks tick at 1.25 to 5 GHz
    call=Assembly("syscall", "={rax},{rax},{rdi},{rsi},{rdx},{r10},~{rcx},~{r11},~{memory}"),
    futex=202,
    read_modes=Assembly("stmxcsr ($0)", "r,~{memory}"),
    set_modes=Assembly("ldmxcsr ($0)", "r,~{memory}"),
    modes=0x9FC0,
)
