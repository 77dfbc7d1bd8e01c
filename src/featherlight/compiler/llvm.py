"""The gate to LLVM: text of a module in, machine code out; the one file that imports llvmlite.binding."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import llvmlite.binding as llvm

from featherlight.compiler.instruction_set import InstructionSet

_names = (f"object_{number}" for number in itertools.count())  # a library's name cannot be used twice


@functools.cache
def host() -> llvm.TargetMachine:
    """The processor at hand, with every instruction set that it has."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(llvm.get_host_cpu_name(), features, opt=2, reloc="pic", codemodel="small")


@functools.cache
def machine(instructions: InstructionSet) -> llvm.TargetMachine:
    """A processor with exactly these instructions, whichever one is at hand."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()  # for inline assembly
    target = llvm.Target.from_triple(instructions.triple)
    return target.create_target_machine(instructions.cpu, instructions.features, opt=2, reloc="pic", codemodel="small")


def version() -> str:
    """LLVM's version, which decides what code comes of a module."""
    return ".".join(map(str, llvm.llvm_version_info))


Prepare: TypeAlias = Callable[[str, llvm.TargetMachine], llvm.ModuleRef]


def optimise(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    """The module that `text` says, verified and optimised for `machine`.

    Kernels say themselves what is a vector and what is unrolled: LLVM's own vectorisers and unroller stay off, since
    they make registers spill.
    """
    module = _verified(text, machine)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return module


def tidy(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    """The module that `text` says, verified, its variables in registers and its arithmetic on addresses simplified.

    A network's kernels leave no more to do: they ran as fast as after `optimise`, which took half of the compilation.
    """
    module = _verified(text, machine)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return module


def assembly(text: str, machine: llvm.TargetMachine, prepare: Prepare = optimise) -> str:
    """What `machine` will run, to be read."""
    listing: str = machine.emit_assembly(prepare(text, machine))
    return listing


def object_code(text: str, machine: llvm.TargetMachine, prepare: Prepare = optimise) -> bytes:
    """An object file of the module that `text` says."""
    code: bytes = machine.emit_object(prepare(text, machine))
    return code


def _verified(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    return module


def load(code: bytes, functions: Iterable[str], imports: Mapping[str, int]) -> dict[str, int]:
    """The addresses of `functions` in object code for this process, which keeps them until it ends.

    `imports` has the addresses of the functions that the code calls and does not hold.
    """
    library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for function, address in imports.items():
        library.import_symbol(function, address)
    for function in functions:
        library.export_symbol(function)
    loaded = library.link(_linker(), next(_names))
    _kept.append(loaded)
    return {function: loaded[function] for function in functions}


_kept: list[llvm.ResourceTracker] = []  # code is unloaded with its tracker


@functools.cache
def _linker() -> llvm.LLJIT:
    return llvm.create_lljit_compiler(host())
