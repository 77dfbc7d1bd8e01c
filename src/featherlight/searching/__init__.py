"""Networks searched for by the clock: a space of them as data, and the one in it that is best within a budget."""

from featherlight.searching.space import Choice, Genes, Kind, Place, Space, Stage
from featherlight.searching.spaces import SPACES, read_space
from featherlight.searching.variation import crossed, mutated, random_genes

__all__ = [
    "SPACES",
    "Choice",
    "Genes",
    "Kind",
    "Place",
    "Space",
    "Stage",
    "crossed",
    "mutated",
    "random_genes",
    "read_space",
]
