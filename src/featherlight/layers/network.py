"""Any Spec as an nn.Module, with the methods that users of timm know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from featherlight import spec
from featherlight.errors import BadInput, must_be
from featherlight.layers.convolution import ConvNorm, initialise
from featherlight.layers.depthwise_separable import DepthwiseSeparable
from featherlight.layers.fire import Fire
from featherlight.layers.head import HEADS, ConvolutionHead, GlobalPool, LinearHead
from featherlight.layers.inverted_residual import InvertedResidual
from featherlight.layers.residual import Residual
from featherlight.layers.shuffle_unit_1 import ShuffleUnit1
from featherlight.layers.shuffle_unit_2 import ShuffleUnit2
from featherlight.spec import Spec, Style, feature_channels, out_channels

_BLOCKS: dict[type[spec.Row], Any] = {
    spec.Fire: Fire,
    spec.DepthwiseSeparable: DepthwiseSeparable,
    spec.ShuffleUnit1: ShuffleUnit1,
    spec.InvertedResidual: InvertedResidual,
    spec.ShuffleUnit2: ShuffleUnit2,
    spec.Residual: Residual,
}


def block(row: spec.Row, in_channels: int, style: Style) -> nn.Module:
    """The module of one row when `in_channels` enter it."""
    match row:
        case spec.Convolution():
            return ConvNorm(
                in_channels,
                row.channels,
                row.kernel,
                style,
                stride=row.stride,
                activation=row.activation,
                padding=row.padding,
            )
        case spec.Pool(reduce="max"):
            return nn.MaxPool2d(row.kernel, row.stride, row.padding, ceil_mode=row.ceil)
        case spec.Pool():
            return nn.AvgPool2d(row.kernel, row.stride, row.padding, ceil_mode=row.ceil)
        case _:
            return cast("nn.Module", _BLOCKS[type(row)](in_channels, row, style))


class Network(nn.Module):
    """The network that a Spec describes: one block a row, then the head.

    num_classes    scores to give; 0 gives the features before the classifier
    in_chans       channels of the images
    drop_rate      dropout before the classifier, in training
    global_pool    "avg", "max", or "" for the last map as it is
    features_only  give the maps at `out_indices` of the levels in `feature_info` instead of scores
    architecture   the name it was made by, where it has one; saved networks are rebuilt by it
    """

    def __init__(
        self,
        spec: Spec,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: GlobalPool = "avg",
        features_only: bool = False,
        out_indices: Sequence[int] | None = None,
        architecture: str | None = None,
    ) -> None:
        super().__init__()
        _check(num_classes, in_chans, drop_rate, global_pool)
        if out_indices is not None and not features_only:
            raise BadInput("out_indices needs features_only=True")
        self.spec, self.architecture = spec, architecture
        self.num_classes, self.in_chans = num_classes, in_chans
        self.drop_rate, self.global_pool = drop_rate, global_pool
        self.rows = nn.Sequential()
        channels = in_chans
        for row in spec.rows:
            self.rows.append(block(row, channels, spec.style))
            channels = out_channels(row, channels)
        self.feature_info = feature_info(spec)
        self.out_indices: tuple[int, ...] | None = None
        self.head: LinearHead | ConvolutionHead | None = None
        if features_only:
            self._keep_features(out_indices)
        else:
            self.head = HEADS[spec.head.kind](feature_channels(spec), spec.head, num_classes, drop_rate, global_pool)
        initialise(self)

    @property
    def num_features(self) -> int:
        """The channels that the classifier takes; of the last map where there is no head."""
        return feature_channels(self.spec) if self.head is None else self.head.num_features

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Images (N, in_chans, H, W) to scores (N, num_classes), or to a list of maps with `features_only`."""
        if self.out_indices is not None:
            return self._maps(x)
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) to the last map (N, C, H', W')."""
        y: Tensor = self.rows(x)
        return y

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map (N, C, H', W') to scores, or to what the classifier takes with `pre_logits`."""
        if self.head is None:
            raise BadInput("a network with features_only has no head")
        y: Tensor = self.head(x, pre_logits)
        return y

    def get_classifier(self) -> nn.Module:
        """The layer that makes the scores."""
        if self.head is None:
            raise BadInput("a network with features_only has no classifier")
        return self.head.classifier

    def reset_classifier(self, num_classes: int, global_pool: GlobalPool | None = None) -> None:
        """A fresh classifier for `num_classes`, and another global pool where one is named; the rest stays."""
        if self.head is None:
            raise BadInput("a network with features_only has no classifier")
        pool = self.global_pool if global_pool is None else global_pool
        _check(num_classes, self.in_chans, self.drop_rate, pool)
        device = next(self.parameters()).device
        self.head.reset(num_classes, pool)
        self.head.to(device).train(self.training)
        self.num_classes, self.global_pool = num_classes, pool

    def _keep_features(self, out_indices: Sequence[int] | None) -> None:
        levels = len(self.feature_info)
        chosen = tuple(range(levels)) if out_indices is None else tuple(out_indices)
        if not chosen or any(not -levels <= index < levels for index in chosen):
            raise must_be("out_indices", f"indices of the {levels} feature levels", out_indices)
        self.out_indices = tuple(index % levels for index in chosen)
        last = max(self.feature_info[index]["row"] for index in self.out_indices)
        self.rows = nn.Sequential(*list(self.rows)[: last + 1])
        self.feature_info = [self.feature_info[index] for index in self.out_indices]

    def _maps(self, x: Tensor) -> list[Tensor]:
        wanted = {info["row"] for info in self.feature_info}
        maps = {}
        for index, layer in enumerate(self.rows):
            x = layer(x)
            if index in wanted:
                maps[index] = x
        return [maps[info["row"]] for info in self.feature_info]


def feature_info(spec: Spec) -> list[dict[str, Any]]:
    """The last map at each reduction, shallowest first: num_chs, reduction (total stride), module, row."""
    levels: dict[int, dict[str, Any]] = {}
    channels, reduction = 0, 1
    for index, row in enumerate(spec.rows):
        channels, reduction = out_channels(row, channels), reduction * row.stride
        levels[reduction] = {"num_chs": channels, "reduction": reduction, "module": f"rows.{index}", "row": index}
    return [levels[reduction] for reduction in sorted(levels)]


def _check(num_classes: int, in_chans: int, drop_rate: float, global_pool: str) -> None:
    if num_classes < 0:
        raise must_be("num_classes", "a whole number of at least 0", num_classes)
    if in_chans < 1:
        raise must_be("in_chans", "a whole number of at least 1", in_chans)
    if not 0 <= drop_rate < 1:
        raise must_be("drop_rate", "at least 0 and below 1", drop_rate)
    if global_pool not in ("avg", "max", ""):
        raise must_be("global_pool", "one of 'avg', 'max', ''", global_pool)
    if not global_pool and num_classes:
        raise must_be("num_classes", "0 where global_pool is ''", num_classes)
