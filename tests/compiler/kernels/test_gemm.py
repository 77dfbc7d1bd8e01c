"""Convolutions and fully connected layers, at sizes where vectors, tiles and blocks end."""

from __future__ import annotations

from itertools import product

import pytest

from compiler.one_kernel import RUNNABLE
from compiler.together import Together
from featherlight.compiler.code import Vectors
from featherlight.compiler.instruction_set import AVX2, InstructionSet
from featherlight.compiler.kernels import gemm
from featherlight.graph import kinds

each_set = pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda cpu: cpu.name)
RELU, SWISH, CLIP = kinds.Activation("relu"), kinds.Activation("hard_swish"), kinds.Clip(-0.5, 0.5)


def around(*sizes: int) -> list[int]:
    """One below, equal and one above each."""
    return sorted({size + more for size in sizes for more in (-1, 0, 1)} - {0})


@each_set
def test_rows_and_columns(cpu: InstructionSet) -> None:
    tile = gemm.tile_rows(Vectors(cpu.lanes, cpu.registers), 2)
    cases = Together()
    columns = around(cpu.lanes, 2 * cpu.lanes, 3 * cpu.lanes, 5 * cpu.lanes)
    rows = [*range(1, 2 * tile + 2), *around(gemm.FEW_ROWS)]
    for number, height in enumerate(rows):  # every height meets six of the widths
        for wide in columns[number % 2 :: 2]:
            cases.case(f"{height} rows, {wide} columns", cases.convolution(cases.map(1, 5, 1, height), wide))
    cases.agree(cpu)


@each_set
def test_inputs(cpu: InstructionSet) -> None:
    cases = Together()
    for inputs in around(gemm.SHORT, cpu.lanes, 33, 64):
        cases.case(f"{inputs} inputs", cases.convolution(cases.map(1, inputs, 1, 13), 2 * cpu.lanes + 1))
    cases.agree(cpu)


def test_blocks_of_rows_and_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As large maps and weights have them, the caches being taken for smaller."""
    monkeypatch.setattr(gemm, "FEW_WEIGHTS", 1000)
    inputs, tile = 10, gemm.tile_rows(Vectors(AVX2.lanes, AVX2.registers), 2)
    for tiles in (1, 2, 3):
        monkeypatch.setattr(gemm, "BLOCK", tiles * 4 * inputs * tile)
        cases = Together()
        for rows, columns in product((65, 66, 12 * tile, 12 * tile + 1), (8, 24, 40)):
            cases.case(f"{rows} rows, {columns} columns", cases.convolution(cases.map(1, inputs, 1, rows), columns))
        cases.case("lines", cases.convolution(cases.map(2, inputs, 9, 13), 24, (3, 3)))
        cases.agree()


@each_set
def test_strides_and_several_images(cpu: InstructionSet) -> None:
    cases = Together()
    for images, stride, size in product((1, 2, 3), ((1, 1), (2, 2), (1, 3)), ((1, 1), (5, 8))):
        kind = kinds.Convolution(stride)
        y = cases.convolution(cases.map(images, 7, *size), 2 * cpu.lanes + 3, (1, 1), kind)
        cases.case(f"{images} images of {size}, stride {stride}", y)
    cases.agree(cpu)


@each_set
@pytest.mark.parametrize("fuse", [True, False])
def test_functions_before_and_after_a_residual(cpu: InstructionSet, fuse: bool) -> None:
    cases = Together()
    for images, rows in ((1, 7), (2, 70)):
        x, other = cases.map(images, 9, 1, rows), cases.map(images, 2 * cpu.lanes + 1, 1, rows)
        for before, swapped, after in product((None, RELU, SWISH), (False, True), (None, CLIP)):
            y = cases.convolution(x, cases.shape(other)[1])
            y = cases.add(before, y) if before else y
            y = cases.add(kinds.Add(), *((other, y) if swapped else (y, other)))
            cases.case(f"{images} x {rows}, {before}, {swapped}, {after}", cases.add(after, y) if after else y)
    cases.agree(cpu, fuse=fuse)


@each_set
def test_inputs_from_several_places(cpu: InstructionSet) -> None:
    cases, wide, size = Together(), cpu.lanes + 1, (2, 3, 5)
    one, two = (cases.map(size[0], channels, *size[1:]) for channels in (8, 13))
    many = [cases.convolution(one, 1 + number % 3) for number in range(14)]
    joined = {
        "two maps": cases.add(kinds.Concat(1), one, two),
        "one map twice": cases.add(kinds.Concat(1), one, one),
        "more maps than one product reads": cases.add(kinds.Concat(1), *many),
        "shuffled": cases.add(kinds.ChannelShuffle(4), one),
        "every other channel": cases.add(kinds.Slice(1, 1, 13, 2), two),
    }
    for name, x in joined.items():
        cases.case(name, cases.convolution(x, wide))
        cases.case(f"{name}, 3 x 3", cases.convolution(x, wide, (3, 3)))
        cases.case(f"{name}, added", cases.add(kinds.Add(), cases.convolution(x, cases.shape(x)[1]), x))
    cases.agree(cpu)


@each_set
def test_windows_of_maps_and_of_a_callers_planes(cpu: InstructionSet) -> None:
    cases = Together()
    options = product(((3, 3), (1, 5), (2, 4)), ((1, 1), (2, 1)), ((0, 0, 0, 0), (1, 2, 0, 1)), ((1, 1), (2, 3)))
    for number, (kernel, stride, padding, dilation) in enumerate(options):
        x = [cases.map(2, 6, 7, 13), cases.image(1, 3, 7, 13), cases.image(2, 5, 7, 13)][number % 3]
        y = cases.convolution(x, cpu.lanes + 2, kernel, kinds.Convolution(stride, padding, dilation))
        cases.case(f"{kernel}, stride {stride}, {padding}, dilation {dilation}", y)
    cases.agree(cpu)


@each_set
def test_groups(cpu: InstructionSet) -> None:
    cases = Together()
    for groups, each, outputs in product((2, 3), (1, 4, cpu.lanes + 1), (3, cpu.lanes)):
        x = cases.map(2, groups * each, 5, 6)
        for kernel, padding in (((1, 1), (0, 0, 0, 0)), ((3, 3), (1, 1, 0, 1))):
            kind = kinds.Convolution((1, 1), padding, groups=groups)
            y = cases.convolution(x, groups * outputs, kernel, kind)
            cases.case(f"{groups} groups of {each} to {outputs}, {kernel}", y)
    residual = cases.map(2, 2 * cpu.lanes, 5, 6)
    y = cases.convolution(cases.map(2, 8, 5, 6), 2 * cpu.lanes, (1, 1), kinds.Convolution(groups=2))
    cases.case("added", cases.add(RELU, cases.add(kinds.Add(), cases.add(CLIP, y), residual)))
    cases.agree(cpu)


@each_set
def test_fully_connected_layers(cpu: InstructionSet) -> None:
    cases = Together()
    for images, size, outputs in product((1, 2, 5), ((1, 1), (2, 3)), (1, 4 * cpu.lanes, 9 * cpu.lanes + 1)):
        one, two = cases.map(images, 9, *size), cases.map(images, 4, *size)
        for name, x in (("one map", one), ("two maps", cases.add(kinds.Concat(1), one, two))):
            flat = cases.add(kinds.Reshape((images, cases.shape(x)[1] * size[0] * size[1])), x)
            weight = cases.weight(outputs, cases.shape(flat)[1])
            y = cases.add(RELU, cases.add(kinds.Linear(), flat, weight, cases.weight(outputs)))
            cases.case(f"{name}: {images} images of {size} to {outputs}", y)
    cases.agree(cpu)
