"""The blocks as modules, one idea a file, and the one builder that turns any Spec into a network."""

from featherlight.layers.channel_shuffle import ChannelShuffle
from featherlight.layers.convolution import ConvNorm
from featherlight.layers.network import Network, block, feature_info
from featherlight.layers.squeeze_excite import SqueezeExcite

__all__ = ["ChannelShuffle", "ConvNorm", "Network", "SqueezeExcite", "block", "feature_info"]
