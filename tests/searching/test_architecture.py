"""The table of a network: a line for each run of equal blocks, and every block in exactly one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featherlight.models import entry
from featherlight.searching import SPACES, random_genes, read_space
from featherlight.searching.architecture import COLUMNS, Line, architecture, markdown


def test_mobilenet_v3_small_reads_like_its_papers_table() -> None:
    lines = architecture(entry("mobilenet_v3_small").build(), 224, 3)
    assert lines[0] == Line("224 x 224 x 3", "convolution 3 x 3", None, 16, None, "hard_swish", 2)
    assert lines[3] == Line("28 x 28 x 24", "inverted residual 3 x 3", 88, 24, None, "relu", 1)
    assert lines[5] == Line("14 x 14 x 40", "inverted residual 5 x 5", 240, 40, 64, "hard_swish", 1, repeats=2)
    assert lines[-1].input == "7 x 7 x 96"


@given(st.sampled_from(sorted(SPACES)), st.integers(0, 1 << 30))
def test_every_row_is_in_one_line(name: str, seed: int) -> None:
    space = read_space(name, 28)
    spec = space.spec(random_genes(space, np.random.default_rng(seed)))
    assert spec is not None
    lines = architecture(spec, 28, 1)
    assert sum(line.repeats for line in lines) == len(spec.rows)
    assert np.prod([line.stride for line in lines]) == space.total_stride
    assert markdown(lines).count("\n") == len(lines) + 1
    assert set(lines[0].to_json()) == set(COLUMNS)
