"""What an engine builds from: a trained module, an ONNX file as it lies on disk, or a graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from featherlight.engines.running import Array
from featherlight.errors import BadInput, must_be

if TYPE_CHECKING:
    import onnx
    from torch import nn

    from featherlight.graph import Graph
    from featherlight.graph.read_torch import Operator


SIZE = 224  # pixels a side of a module's images, where nothing says otherwise


def image_shape(
    module: nn.Module, size: int | None = None, input_shape: tuple[int, int, int] | None = None
) -> tuple[int, int, int]:
    """Channels, height and width of a module's images: what is given, else its own channels and a square of `size`.

    Its channels are its `in_chans`, as timm's and our networks have it, else what its first convolution takes, else 3.
    Raises BadInput for what is no shape.
    """
    if input_shape is None:
        return _channels(module), size or SIZE, size or SIZE
    if size is not None:
        raise BadInput(f"input_shape holds height and width already; got size {size} as well: leave it out")
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise must_be("input_shape", "channels, height and width, each above 0", input_shape)
    return input_shape


def _channels(module: nn.Module) -> int:
    from torch import nn

    if isinstance(said := getattr(module, "in_chans", None), int):
        return said
    return next((each.in_channels for each in module.modules() if isinstance(each, nn.Conv2d)), 3)


@dataclass(frozen=True, eq=False)
class ModuleSource:
    """A torch module that turns images (N, *input_shape) into scores. It is traced once, for all engines that ask.

    A network of ours is joined from its rows instead, which were traced before, in this network or another one.

    It must not change once an engine was built from it: what follows is held against what it said then.
    """

    module: nn.Module
    input_shape: tuple[int, int, int]  # channels, height, width
    references: dict[int, Array] = field(default_factory=dict, repr=False)  # by batch: see `agreement`
    name = "the torch module"  # as an error calls it

    @cached_property
    def graph(self) -> Graph:
        """The module's graph for one image."""
        from featherlight.graph.read_spec import from_network

        return from_network(self.module, (1, *self.input_shape)) or self._traced[0]

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators of PyTorch that the module calls, in the order of the calls, with the graph's own names."""
        traced, operators = self._traced
        names = {was: name for one, op in zip(traced.ops, self.graph.ops, strict=True)
                 for was, name in zip(one.outputs, op.outputs, strict=True)}  # fmt: skip
        return tuple(replace(each, outputs=tuple(names.get(name, name) for name in each.outputs)) for each in operators)

    @cached_property
    def _traced(self) -> tuple[Graph, tuple[Operator, ...]]:
        from featherlight.graph.read_torch import with_operators

        return with_operators(self.module, (1, *self.input_shape))

    def to_onnx(self, batch: int) -> bytes:
        """The module as an ONNX model for `batch` images."""
        from featherlight.graph import to_onnx, with_batch

        return bytes(to_onnx(with_batch(self.graph, batch)).SerializeToString())


@dataclass(frozen=True)
class OnnxSource:
    """An ONNX file with one input (N, channels, height, width) and one output; what was written is what runs.

    size  of the images in pixels, for a file that leaves height and width open; None where the file says it
    """

    path: Path
    size: int | None = None
    references: dict[int, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What an error calls it."""
        return str(self.path)

    @cached_property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width; raises BadInput for another `size` than the file's, or where neither says it."""
        channels, height, width = (each.dim_value for each in _sizes(self._model, self.name)[1:])
        if channels == 0:
            raise BadInput(f"the input of {self.path} must not leave its channels open: export it for a number of them")
        if self.size is None and 0 in (height, width):
            raise BadInput(f"{self.path} leaves open how large its images are: name their size in pixels with size")
        if self.size is not None and not {height, width} <= {0, self.size}:
            sides = "x".join(str(side or "any") for side in (height, width))
            raise BadInput(f"{self.path} takes images of {sides}; got size {self.size}")
        return channels, height or self.size or 0, width or self.size or 0

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself."""
        return {entry.key: entry.value for entry in self._model.metadata_props}

    @cached_property
    def graph(self) -> Graph:
        """The file's graph for one image; raises BadInput for operators that no canonical kind stands for."""
        from featherlight.graph import from_onnx

        return from_onnx(self.to_onnx(1))

    def to_onnx(self, batch: int) -> bytes:
        """The file's model for `batch` images; raises BadInput where it is for another number of them."""
        return _fixed(self._model, (batch, *self.input_shape), self.name)

    @cached_property
    def _model(self) -> onnx.ModelProto:
        import onnx
        from google.protobuf.message import DecodeError

        try:
            content = self.path.read_bytes()
            if not content:
                raise BadInput(f"{self.path} is empty: copy or export the model again")
            return onnx.load_model_from_string(content)
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror}") from None
        except DecodeError:
            raise BadInput(f"{self.path} is not an ONNX model") from None


@dataclass(frozen=True, eq=False)
class GraphSource:
    """A graph for one image, with one input (1, channels, height, width) and one output; needs no torch."""

    graph: Graph
    name: str = "the graph"  # as an error calls it
    references: dict[int, Array] = field(default_factory=dict, repr=False)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self.graph.tensors[self.graph.inputs[0]].shape
        return channels, height, width

    def to_onnx(self, batch: int) -> bytes:
        """The graph as an ONNX model for `batch` images."""
        from featherlight.graph import to_onnx, with_batch

        return bytes(to_onnx(with_batch(self.graph, batch)).SerializeToString())


Source: TypeAlias = ModuleSource | OnnxSource | GraphSource


def check(threads: int, batch: int) -> None:
    """Raise BadInput unless both are whole numbers above 0."""
    for name, number in (("threads", threads), ("batch", batch)):
        if not isinstance(number, int) or number < 1:
            raise must_be(name, "a whole number above 0", number)


def cannot_run(engine: str, source: Source, error: Exception) -> BadInput:
    """The error for a source that an engine's library refuses; what it says comes in several lines."""
    return BadInput(f"{engine} cannot run {source.name}: {' '.join(str(error).split())}")


def _fixed(model: onnx.ModelProto, shape: tuple[int, ...], name: str) -> bytes:
    """The model with its input's open dimensions set: an engine does most where every size is known."""
    sizes = _sizes(model, name)
    if sizes[0].dim_value not in (0, shape[0]):
        raise BadInput(f"{name} takes {sizes[0].dim_value} image(s) at a time; got batch={shape[0]}")
    named = {size.dim_param: number for size, number in zip(sizes, shape, strict=True) if size.dim_param}
    fixed = type(model)()
    fixed.CopyFrom(model)
    for size, number in zip(_sizes(fixed, name), shape, strict=True):
        size.dim_value = number
    for value in (*fixed.graph.output, *fixed.graph.value_info):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param in named:
                size.dim_value = named[size.dim_param]
    return bytes(fixed.SerializeToString())


def _sizes(model: onnx.ModelProto, name: str) -> list[onnx.TensorShapeProto.Dimension]:
    """The dimensions of the one input; old files list the weights among the inputs as well."""
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise BadInput(f"{name} must have one input and one output; got {len(inputs)} and {len(model.graph.output)}")
    sizes = list(inputs[0].type.tensor_type.shape.dim)
    if len(sizes) != 4:
        raise BadInput(f"the input of {name} must have four dimensions; got {len(sizes)}")
    return sizes
