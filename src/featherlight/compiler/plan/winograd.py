"""Convolutions of 3 x 3 by Winograd's transforms, where these are worth what they save."""

from __future__ import annotations

import numpy as np

from featherlight.compiler.kernels import gemm
from featherlight.compiler.kernels.gemm import Gemm, Part, Run, Strides
from featherlight.compiler.kernels.lines import Frame
from featherlight.compiler.kernels.winograd import MADE, PLACES, SIDE, Gather, Scatter, tiles, transformed
from featherlight.compiler.plan.ending import end_of
from featherlight.compiler.plan.layout import FLOAT_BYTES, Map, Piece
from featherlight.compiler.plan.planner import Floats, Planner
from featherlight.compiler.plan.step import Place
from featherlight.graph import Op, kinds

FEW_CHANNELS = 16  # below which the transforms take longer than what they save
# A tile's products are 36 for each pair of channels, a pixel's 9; reading a weight takes about as long as ten products.
READING, MARGIN = 10, 1.2


def winograd(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Map) -> bool:
    """The steps of a convolution that gains by it: frame, transform, products, transform back."""
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    if not planner.fuse or not _gains(kind, weight, x.images, height, width):
        return False
    vectors, (down, across) = planner.vectors, (tiles(height), tiles(width))
    x = planner.single(x)
    top, left, *_ = kind.padding
    high, wide = (MADE * (count - 1) + SIDE for count in (down, across))
    x = framed(planner, x, (top, left, high - x.height - top, wide - x.width - left))
    (piece,), count = x.pieces, x.images * down * across
    end = end_of(planner, op, (x.images, height, width, len(weight)))
    order_of = end.residual.order if end.residual else None
    made = planner.new_map(x.images, height, width, len(weight), order_of, end.name)
    (to,), order = made.pieces, list(made.order)
    inputs, outputs = (vectors.padded(channels) for channels in (x.channels, len(weight)))
    gathered, summed = (Place(planner.room(PLACES * count * channels)) for channels in (inputs, outputs))
    row_in, row_out = FLOAT_BYTES * inputs, FLOAT_BYTES * outputs
    entering = Strides(x.pixels * piece.row, x.width * piece.row, piece.row)
    gather = Gather(x.images, down, across, inputs // vectors.lanes, entering, row_in, row_in * count)
    planner.step(gather, (piece.place, gathered), (1,), ())
    product = Gemm(PLACES, 1, count, (Strides(row_in * count, 0, row_in),),
                   (Part((Run(0, 0, x.channels),), outputs // vectors.lanes),), Strides(row_out * count, 0, row_out),
                   weights=FLOAT_BYTES * (1 + x.channels) * outputs)  # fmt: skip
    sets = transformed(weight)[:, order][:, :, list(x.order)]
    none = np.zeros(len(weight), np.float32)
    packed = np.concatenate([gemm.pack(each, none, vectors, product.panels[0]) for each in sets])
    planner.step(product, (gathered, planner.weights(packed), summed), (2,), ())
    residual = None
    places = [summed, planner.weights(np.pad(bias[order], (0, outputs - len(bias)))), to.place]
    if end.residual is not None:
        (other,) = end.residual.pieces
        residual = Strides(made.pixels * other.row, made.width * other.row, other.row)
        places.append(other.place)
    leaving = Strides(made.pixels * to.row, made.width * to.row, to.row)
    scatter = Scatter(x.images, (height, width), outputs // vectors.lanes, row_out, row_out * count, leaving, residual,
                      end.activation, end.last)  # fmt: skip
    planner.step(scatter, tuple(places), (2,), end.ops)
    planner.values[end.name] = made
    return True


def _gains(kind: kinds.Convolution, weight: Floats, images: int, height: int, width: int) -> bool:
    if weight.shape[2:] != (3, 3) or kind.stride != (1, 1) or kind.dilation != (1, 1) or kind.groups != 1:
        return False
    if min(weight.shape[:2]) < FEW_CHANNELS:
        return False
    count = images * tiles(height) * tiles(width)
    return MARGIN * PLACES * (count + READING) < 9 * (images * height * width + READING)


def framed(planner: Planner, x: Map, padding: tuple[int, int, int, int]) -> Map:
    """The map, in one piece, in a frame of zeros: top, left, bottom, right."""
    top, left, bottom, right = padding
    (piece,) = x.pieces
    height, width = x.height + top + bottom, x.width + left + right
    buffer = planner.room(x.images * height * width * piece.pitch)
    frame = Frame(
        *(x.images, x.height, x.width * piece.pitch, top, bottom, left * piece.pitch, right * piece.pitch),
        *(x.pixels * piece.row, x.width * piece.row),
    )
    planner.step(frame, (Place(piece.buffer), Place(buffer)), (1,), ())
    return Map(x.images, height, width, (Piece(buffer, piece.pitch, piece.offset, piece.count),), x.order)
