"""From the last map to class scores."""

from __future__ import annotations

import itertools
from typing import Literal, TypeAlias

from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.convolution import activation, initialise

GlobalPool: TypeAlias = Literal["avg", "max", ""]


def pool(name: GlobalPool, size: int) -> nn.Module | None:
    """Pooling to `size` x `size` and flattening; None where the map stays as it is."""
    if not name:
        return None
    pooling = nn.AdaptiveAvgPool2d if name == "avg" else nn.AdaptiveMaxPool2d
    return nn.Sequential(pooling(size), nn.Flatten())


class LinearHead(nn.Module):
    """Pool, hidden layers, dropout, classifier; with 0 classes, the features before the classifier."""

    def __init__(
        self, channels: int, row: spec.Head, num_classes: int, drop_rate: float, global_pool: GlobalPool
    ) -> None:
        super().__init__()
        widths = [channels * row.pool**2, *row.hidden]
        self.hidden = nn.Sequential(
            *(nn.Linear(before, after, bias=row.hidden_bias) for before, after in itertools.pairwise(widths))
        )
        self.activation = activation(row.activation)
        self.dropout = nn.Dropout(drop_rate)
        self.row, self.num_features = row, widths[-1]
        self.reset(num_classes, global_pool)

    def reset(self, num_classes: int, global_pool: GlobalPool) -> None:
        """Put a fresh classifier and the named pool in place of the old ones; the hidden layers stay."""
        self.pool = pool(global_pool, self.row.pool)
        self.classifier: nn.Module = nn.Identity()
        if num_classes:
            self.classifier = nn.Linear(self.num_features, num_classes, bias=self.row.bias)
        initialise(self.classifier)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(N, C, H, W) to (N, num_classes), or (N, num_features) with `pre_logits`; without a pool the map itself."""
        if self.pool is None:
            return x
        x = self.pool(x)
        for layer in self.hidden:
            x = self.activation(layer(x))
        x = self.dropout(x)
        scores: Tensor = x if pre_logits else self.classifier(x)
        return scores


class ConvolutionHead(nn.Module):
    """SqueezeNet's: dropout, a 1x1 convolution to the classes, activation, pool (section 3.2: no linear layer)."""

    def __init__(
        self, channels: int, row: spec.Head, num_classes: int, drop_rate: float, global_pool: GlobalPool
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(drop_rate)
        self.activation = activation(row.activation)
        self.row, self.num_features = row, channels
        self.reset(num_classes, global_pool)

    def reset(self, num_classes: int, global_pool: GlobalPool) -> None:
        """Put a fresh classifier and the named pool in place of the old ones."""
        self.pool = pool(global_pool, 1)
        self.classifier: nn.Module = nn.Identity()
        if num_classes:
            self.classifier = nn.Conv2d(self.num_features, num_classes, 1, bias=self.row.bias)
        initialise(self.classifier)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(N, C, H, W) to (N, num_classes), or (N, num_features) with `pre_logits`; without a pool the map itself."""
        if self.pool is None:
            return x
        x = self.dropout(x)
        if not pre_logits and not isinstance(self.classifier, nn.Identity):
            x = self.activation(self.classifier(x))
        pooled: Tensor = self.pool(x)
        return pooled


HEADS: dict[str, type[LinearHead | ConvolutionHead]] = {"linear": LinearHead, "convolution": ConvolutionHead}
