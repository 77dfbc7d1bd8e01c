"""A block of a network as a drawing: its graph from top to bottom, an SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from featherlight.graph import Graph, Op, kinds

WIDTH, HEIGHT, STEP, COLUMN = 168, 34, 48, 190  # of a box; from one row, and one column, to the next
LOW = 24  # a box of one line
MARGIN, BEND = 22, 26  # round the drawing; how far a shortcut swings out, more where it goes round another one

# Fill and edge; the text is dark on all of them, and the lines can be seen on a white page as on a black one.
COLOURS = {
    "convolution": ("#cfe3f6", "#0072B2"),
    "depthwise": ("#cdeee3", "#009E73"),
    "element-wise": ("#fbe3c8", "#D55E00"),
    "pooling": ("#f3d9e7", "#CC79A7"),
    "moving": ("#e6e6e6", "#777777"),
}
NAMES = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "hard_swish": "hard swish",
    "hard_sigmoid": "hard sigmoid",
    "sigmoid": "sigmoid",
}


@dataclass(frozen=True)
class Box:
    """An operation in its place: column 0 is the middle one, row 0 the first below the input."""

    op: Op
    column: float
    row: int
    lines: tuple[str, ...]
    colour: str


def svg(graph: Graph, title: str) -> str:
    """The drawing of `graph`, which has one input; shortcuts past other operations swing out to the left."""
    (image,) = graph.inputs
    boxes = _boxes(graph)
    left = min(box.column for box in boxes.values())
    bends = _bends(graph, boxes)
    room = MARGIN + BEND * max(bends.values(), default=0)
    columns = max(box.column for box in boxes.values()) - left
    width = 2 * room + columns * COLUMN + WIDTH
    height = (max(box.row for box in boxes.values()) + 2.5) * STEP + 2 * MARGIN
    at = _Paper(room + WIDTH / 2 - left * COLUMN)
    parts = [at.label(0, -1, f"{graph.tensors[image].shape[1]} channels")]
    for name, box in boxes.items():
        for source in dict.fromkeys(box.op.inputs):
            maker = next((each for each, other in boxes.items() if source in other.op.outputs), None)
            if maker or source == image:
                above = boxes[maker] if maker else None
                parts.append(at.edge(above, box, bends.get((maker or "", name), 0)))
    parts += [at.box(box) for box in boxes.values()]
    (last,) = (box for box in boxes.values() if graph.outputs[0] in box.op.outputs)
    parts += [at.arrow(last), at.label(last.column, last.row + 1, _channels(graph, last.op))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" font-family="sans-serif" font-size="12" text-anchor="middle">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#888"/></marker></defs>',
            *parts,
            "</svg>\n",
        ]
    )


class _Paper:
    """Where things are: columns and rows to points."""

    def __init__(self, middle: float) -> None:
        self.middle = middle

    def x(self, column: float) -> float:
        return self.middle + column * COLUMN

    def y(self, row: float) -> float:
        return MARGIN + (row + 1.5) * STEP

    def box(self, box: Box) -> str:
        fill, edge = COLOURS[box.colour]
        x, y, high = self.x(box.column), self.y(box.row), _height(box)
        first = y + 4 if len(box.lines) == 1 else y - 3
        texts = [
            f'<text x="{x:g}" y="{first + 14 * index:g}" fill="#222"{"" if index == 0 else small}>{escape(line)}</text>'
            for index, line in enumerate(box.lines)
            for small in [' font-size="11"']
        ]
        shape = (
            f'<rect x="{x - WIDTH / 2:g}" y="{y - high / 2:g}" width="{WIDTH}" height="{high}" rx="6" '
            f'fill="{fill}" stroke="{edge}"/>'
        )
        return "".join([shape, *texts])

    def edge(self, above: Box | None, below: Box, bend: int) -> str:
        """From a box, or from the input, to a box; round what lies between where `bend` is above 0."""
        row, column = (above.row, above.column) if above else (-1, 0)
        x, y = self.x(column), self.y(row) + (_height(above) / 2 if above else 8)
        to_x, to_y = self.x(below.column), self.y(below.row) - _height(below) / 2
        if not bend:
            return _line(f"M{x:g} {y:g}L{to_x:g} {to_y:g}" if x == to_x else _curve(x, y, to_x, to_y))
        out = x - WIDTH / 2 - BEND * bend
        start_x, start_y = (x - WIDTH / 2, self.y(row)) if above else (x, y + 4)
        end_y = self.y(below.row)
        return _line(
            f"M{start_x:g} {start_y:g}H{out + 8:g}Q{out:g} {start_y:g} {out:g} {start_y + 8:g}"
            f"V{end_y - 8:g}Q{out:g} {end_y:g} {out + 8:g} {end_y:g}H{to_x - WIDTH / 2:g}"
        )

    def arrow(self, box: Box) -> str:
        """From the last box to the label below it."""
        return _line(f"M{self.x(box.column):g} {self.y(box.row) + _height(box) / 2:g}V{self.y(box.row + 1) - 10:g}")

    def label(self, column: float, row: float, text: str) -> str:
        return f'<text x="{self.x(column):g}" y="{self.y(row) + 4:g}" fill="#888">{escape(text)}</text>'


def _line(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#888" stroke-width="1.3" marker-end="url(#tip)"/>'


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = min(y + STEP / 2, (y + to_y) / 2)
    if to_y - y > STEP:  # down its own column first, and across at the end
        return f"M{x:g} {y:g}V{to_y - STEP / 2:g}C{x:g} {to_y:g} {to_x:g} {to_y - STEP / 2:g} {to_x:g} {to_y:g}"
    return f"M{x:g} {y:g}C{x:g} {middle + 8:g} {to_x:g} {middle - 8:g} {to_x:g} {to_y:g}"


def _height(box: Box) -> int:
    return HEIGHT if len(box.lines) > 1 else LOW


def _boxes(graph: Graph) -> dict[str, Box]:
    """Boxes by the first tensor that they make: a row below all that they read, in the column of what they go on."""
    (image,) = graph.inputs
    place: dict[str, tuple[float, int]] = {image: (0.0, -1)}
    boxes: dict[str, Box] = {}
    for op in graph.ops:
        read = [name for name in op.inputs if name in place]
        if len(read) > 1:  # branches meet in the middle
            column = 0.0
        else:
            started = [each for each in graph.ops if read[0] in each.inputs and not _meets(graph, each)]
            column = place[read[0]][0] + started.index(op) - (len(started) - 1) / 2
        row = 1 + max(place[name][1] for name in read)
        place |= dict.fromkeys(op.outputs, (column, row))
        boxes[op.outputs[0]] = Box(op, column, row, *_look(graph, op))
    return boxes


def _meets(graph: Graph, op: Op) -> bool:
    return sum(name not in graph.constants for name in op.inputs) > 1


def _bends(graph: Graph, boxes: Mapping[str, Box]) -> dict[tuple[str, str], int]:
    """How far out each shortcut goes that would run through a box of its own column: longer ones farther."""
    (image,) = graph.inputs
    makers = {name: key for key, box in boxes.items() for name in box.op.outputs} | {image: ""}
    spans = {}
    for key, box in boxes.items():
        for source in box.op.inputs:
            if source in makers:
                row, column = (boxes[makers[source]].row, boxes[makers[source]].column) if makers[source] else (-1, 0.0)
                between = [each for each in boxes.values() if row < each.row < box.row and each.column == column]
                if between and column == box.column:
                    spans[makers[source], key] = box.row - row
    return {pair: 1 + index for index, pair in enumerate(sorted(spans, key=lambda pair: spans[pair]))}


def _look(graph: Graph, op: Op) -> tuple[tuple[str, ...], str]:
    """What stands in the box, and its colour."""
    match op.kind:
        case kinds.Convolution(stride=(stride, _), groups=groups):
            weight = graph.tensors[op.inputs[1]].shape
            depthwise = groups > 1 and weight[1] == 1
            what = f"{weight[2]}x{weight[3]} {'depthwise' if depthwise else 'convolution'}"
            what += f", {groups} groups" if groups > 1 and not depthwise else ""
            what += f", stride {stride}" if stride > 1 else ""
            read, made = graph.tensors[op.inputs[0]].shape[1], _made(graph, op)
            return (what, f"{read} to {made}" if read != made else f"{made}"), (
                "depthwise" if depthwise else "convolution"
            )
        case kinds.Activation(function=function):
            return (NAMES.get(function, function),), "element-wise"
        case kinds.Clip(low=0.0, high=6.0):
            return ("ReLU6",), "element-wise"
        case kinds.Add():
            return ("add",), "element-wise"
        case kinds.Multiply():
            return ("multiply each channel",), "element-wise"
        case kinds.Mean():
            return ("mean of the map",), "pooling"
        case kinds.MaxPool(kernel=(kernel, _), stride=(stride, _)):
            return (f"{kernel}x{kernel} maximum, stride {stride}",), "pooling"
        case kinds.AveragePool(kernel=(kernel, _), stride=(stride, _)):
            return (f"{kernel}x{kernel} average, stride {stride}",), "pooling"
        case kinds.Concat():
            return ("concatenate",), "moving"
        case kinds.Split(sizes=sizes):
            return (f"split: {' and '.join(map(str, sizes))}",), "moving"
        case kinds.ChannelShuffle(groups=groups):
            return (f"shuffle, {groups} groups",), "moving"
        case kinds.ConcatShuffleSplit(groups=groups):
            return (f"concatenate, shuffle, {groups} groups",), "moving"
    raise ValueError(f"{op} has no look")


def _made(graph: Graph, op: Op) -> int:
    return graph.tensors[op.outputs[0]].shape[1]


def _channels(graph: Graph, op: Op) -> str:
    return f"{_made(graph, op)} channels"
