"""How the threads of one inference begin, meet and end, in code that needs no library.

The workers wait at a gate for an inference to begin, and all threads at another one between its steps. A gate is a
count; whoever finds it too low looks again and again for a while, then sleeps in the kernel until the thread that
completes it wakes all. With more threads than cores nobody waits awake, since the one that is waited for may need the
core. The words they meet at are those of `featherlight_runtime.context`.
"""

from __future__ import annotations

from llvmlite import ir

from featherlight.compiler.control import I64, i64
from featherlight.compiler.system import LINUX_X86_64, System
from featherlight_runtime import context as words

_VOID, _POINTER, _BIT, _I32 = ir.VoidType(), ir.PointerType(), ir.IntType(1), ir.IntType(32)
_ORDER = "seq_cst"  # a sleeper must be seen by whoever completes the count, or see the count


class Team:
    """Emits a module's threading: `barrier` and `stamp` inside `infer(context, thread)`, `finish` when it is there."""

    def __init__(self, module: ir.Module, system: System = LINUX_X86_64) -> None:
        self._module, self._system = module, system
        self._arrive = self._function("gate.arrive", [_POINTER, I64], _BIT)
        self._wait = self._function("gate.wait", [_POINTER, I64, I64])
        self._emit_arrive()
        self._emit_wait()
        self._meetings: dict[ir.Function, tuple[ir.Value, ir.Value]] = {}

    def barrier(self, b: ir.IRBuilder, context: ir.Value) -> None:
        """All threads meet: what any wrote before it can be read by all after it. May stand in a loop."""
        threads, place = self._counted(b, context)
        with b.if_then(b.icmp_signed(">", threads, i64(1))):
            target = b.add(b.load(place, typ=I64), threads)  # of arrivals, since the inference began
            b.store(target, place)
            with b.if_then(b.not_(b.call(self._arrive, [_word(b, context, words.MEET), target]))):
                b.call(self._wait, [context, i64(words.MEET), target])

    def stamp(self, b: ir.IRBuilder, context: ir.Value, thread: ir.Value, place: int) -> None:
        """Where a trace is asked for, thread 0 writes the clock's ticks at that place of it."""
        trace = _read(b, context, words.TRACE)
        asked = b.and_(b.icmp_signed("==", thread, i64(0)), b.icmp_signed("!=", trace, i64(0)))
        with b.if_then(asked, likely=False):
            b.store(self._system.now(b), b.gep(b.inttoptr(trace, _POINTER), [i64(place)], source_etype=I64))

    def finish(self, infer: ir.Function) -> None:
        """Add the three functions that the runtime calls: `start`, `serve` and `stop`."""
        self._emit_start(infer)
        self._emit_serve(infer)
        self._emit_stop()

    def _counted(self, b: ir.IRBuilder, context: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The number of threads, and where the arrivals at the last barrier are kept; made once a function."""
        if b.function not in self._meetings:
            with b.goto_entry_block():
                place = b.alloca(I64)
                b.store(i64(0), place)
                self._meetings[b.function] = _read(b, context, words.THREADS), place
        return self._meetings[b.function]

    def _emit_arrive(self) -> None:
        """Raise a gate's count and say whether that completes it; then whoever sleeps there is woken."""
        gate, target = self._arrive.args
        b = ir.IRBuilder(self._arrive.append_basic_block("entry"))
        complete = b.icmp_signed(">=", b.add(b.atomic_rmw("add", gate, i64(1), _ORDER), i64(1)), target)
        with b.if_then(complete):
            asleep = b.load_atomic(_word(b, gate, 1), _ORDER, 8, typ=I64)
            with b.if_then(b.icmp_signed(">", asleep, i64(0)), likely=False):
                self._system.wake(b, gate)
        b.ret(complete)

    def _emit_wait(self) -> None:
        """Come back when the count of the gate at that word of the context has reached the target."""
        context, word, target = self._wait.args
        entry, look, doze, sleep, done = (
            self._wait.append_basic_block(name) for name in ("entry", "look", "doze", "sleep", "done")
        )
        b = ir.IRBuilder(entry)
        gate = b.gep(context, [word], source_etype=I64)
        crowded = b.icmp_signed(">", _read(b, context, words.THREADS), _read(b, context, words.CORES))
        patience = b.select(crowded, i64(0), i64(self._system.patience))
        begun = self._system.now(b)
        b.branch(look)

        b.position_at_end(look)
        b.cbranch(b.icmp_signed(">=", _count(b, gate), target), done, doze)

        b.position_at_end(doze)
        self._system.emit(b, self._system.pause)
        b.cbranch(b.icmp_signed("<", b.sub(self._system.now(b), begun), patience), look, sleep)

        b.position_at_end(sleep)
        asleep = _word(b, gate, 1)
        b.atomic_rmw("add", asleep, i64(1), _ORDER)
        count = _count(b, gate)
        with b.if_then(b.icmp_signed("<", count, target)):
            self._system.sleep(b, gate, count)
        b.atomic_rmw("sub", asleep, i64(1), _ORDER)
        b.cbranch(b.icmp_signed(">=", _count(b, gate), target), done, sleep)

        b.position_at_end(done)
        b.ret_void()

    def _emit_start(self, infer: ir.Function) -> None:
        """The caller's part: wake the workers, be thread 0, wait until all are through."""
        start = self._function("start", [_POINTER], exported=True)
        (context,) = start.args
        b = ir.IRBuilder(start.append_basic_block("entry"))
        modes = b.alloca(_I32)
        self._system.emit(b, self._system.read_modes, modes)
        self._set_modes(b)
        workers = b.sub(_read(b, context, words.THREADS), i64(1))
        with b.if_then(b.icmp_signed(">", workers, i64(0))):
            for gate in (words.DONE, words.MEET):  # nobody is there: all have gone through the last inference
                b.store(i64(0), _word(b, context, gate))
            b.call(self._arrive, [_word(b, context, words.WAKE), i64(0)])
        b.call(infer, [context, i64(0)])
        with b.if_then(b.icmp_signed(">", workers, i64(0))):
            b.call(self._wait, [context, i64(words.DONE), workers])
        self._system.emit(b, self._system.set_modes, modes)
        b.ret_void()

    def _emit_serve(self, infer: ir.Function) -> None:
        """A worker's life: inference after inference, until it is told to quit."""
        serve = self._function("serve", [_POINTER, I64], exported=True)
        context, thread = serve.args
        entry, wait, work, quit_ = (serve.append_basic_block(name) for name in ("entry", "wait", "work", "quit"))
        b = ir.IRBuilder(entry)
        self._set_modes(b)
        b.branch(wait)

        b.position_at_end(wait)
        inference = b.phi(I64, "inference")
        inference.add_incoming(i64(1), entry)
        b.call(self._wait, [context, i64(words.WAKE), inference])
        b.cbranch(b.icmp_signed("==", _read(b, context, words.QUIT), i64(0)), work, quit_)

        b.position_at_end(work)
        b.call(infer, [context, thread])
        workers = b.sub(_read(b, context, words.THREADS), i64(1))
        b.call(self._arrive, [_word(b, context, words.DONE), workers])
        inference.add_incoming(b.add(inference, i64(1)), work)
        b.branch(wait)

        b.position_at_end(quit_)
        b.ret_void()

    def _emit_stop(self) -> None:
        """Tell the workers, who wait for an inference, to quit."""
        stop = self._function("stop", [_POINTER], exported=True)
        (context,) = stop.args
        b = ir.IRBuilder(stop.append_basic_block("entry"))
        b.store(i64(1), _word(b, context, words.QUIT))
        b.call(self._arrive, [_word(b, context, words.WAKE), i64(0)])
        b.ret_void()

    def _set_modes(self, b: ir.IRBuilder) -> None:
        place = b.alloca(_I32)
        b.store(ir.Constant(_I32, self._system.modes), place)
        self._system.emit(b, self._system.set_modes, place)

    def _function(self, name: str, takes: list[ir.Type], gives: ir.Type = _VOID, exported: bool = False) -> ir.Function:
        function = ir.Function(self._module, ir.FunctionType(gives, takes), name)
        function.attributes.add("nounwind")
        if not exported:
            function.linkage = "internal"
            function.attributes.add("noinline")
        return function


def _word(b: ir.IRBuilder, base: ir.Value, word: int) -> ir.Value:
    return b.gep(base, [i64(word)], source_etype=I64)


def _read(b: ir.IRBuilder, context: ir.Value, word: int) -> ir.Value:
    return b.load(_word(b, context, word), typ=I64)


def _count(b: ir.IRBuilder, gate: ir.Value) -> ir.Value:
    return b.load_atomic(gate, _ORDER, 8, typ=I64)
