"""Spaces: every network drawn from one is valid, keeps the total stride and can be named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.searching import SPACES, Space, Stage, crossed, mutated, random_genes, read_space
from featherlight.spec import Fire, InvertedResidual, SqueezeExcite, from_json, to_json, total_stride

SIZES = (28, 64, 224)


@given(st.sampled_from(sorted(SPACES)), st.sampled_from(SIZES), st.integers(0, 1 << 30))
def test_what_is_drawn_is_a_network_of_the_space(name: str, size: int, seed: int) -> None:
    space, generator = read_space(name, size), np.random.default_rng(seed)
    genes = random_genes(space, generator)
    spec = space.spec(genes)
    assert spec is not None
    assert total_stride(spec) == space.total_stride == (8 if size <= 64 else 32)
    assert len(space.places(genes)) == len(spec.rows) == len(set(space.places(genes)))
    assert from_json(to_json(spec)) == spec
    assert all(gene < len(choice.options) for gene, choice in zip(genes, space.choices, strict=True))


@given(st.sampled_from(sorted(SPACES)), st.integers(0, 1 << 30))
def test_what_is_made_from_others_is_valid_too(name: str, seed: int) -> None:
    space, generator = read_space(name, 28), np.random.default_rng(seed)
    one, other = random_genes(space, generator), random_genes(space, generator)
    changed = mutated(space, one, generator)
    assert changed != one
    assert space.spec(changed) is not None
    mixed = crossed(space, one, other, generator)
    assert space.spec(mixed) is not None
    assert all(gene in pair for gene, pair in zip(mixed, zip(one, other, strict=True), strict=True))


def test_options_become_rows() -> None:
    stages = (
        Stage((16,), (2,), (1,), ("fire",)),
        Stage((24,), (1,), (2,), expansions=(3,), squeeze_excite=(0.25,), kernels=(5,)),
    )
    space = Space("two", (8,), stages, (1,), total_stride=2)
    spec = space.spec((0,) * len(space.choices))
    assert spec is not None
    assert spec.rows[1:3] == (Fire(8, 8, 8), Fire(8, 8, 8, "simple"))
    assert spec.rows[3] == InvertedResidual(24, 48, 5, 2, "relu", SqueezeExcite(16))  # a quarter of 48 is 12: 16


def test_fields_that_a_kind_does_not_have_make_no_other_network() -> None:
    space = Space("fire", (8,), (Stage((16,), (1,), (2,), ("fire",), expansions=(3, 6)),), (1,), total_stride=2)
    assert space.choices
    assert len({space.spec(genes) for genes in np.ndindex(*(len(choice.options) for choice in space.choices))}) == 1


def test_a_choice_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match=r"stages\.channels must be a tuple of at least one option"):
        Stage(())
    with pytest.raises(BadInput, match=r"stages\.channels must be a tuple of at least one option; got 24"):
        Stage(24)  # type: ignore[arg-type]  # (24) without its comma
    with pytest.raises(BadInput, match=r"stages\.channels must be a tuple of at least one option; got \[8, 16\]"):
        Stage([8, 16])  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"stages\.channels must be whole numbers; got \('24',\)"):
        Stage(("24",))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"stages\.repeats must be whole numbers; got \(1\.5, 2\)"):
        Stage((8,), (1.5, 2))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"stages\.kernels must be odd numbers; got \(3, 4\)"):
        Stage((8,), kernels=(3, 4))
    with pytest.raises(BadInput, match=r"stages\.strides must be 1 or 2, .*; got \(1, 3\)"):
        Stage((8,), strides=(1, 3))
    with pytest.raises(BadInput, match=r"space\.stem_strides must be 1 or 2, .*; got \(4,\)"):
        Space("patches", (8,), (Stage((8,)),), (4,))
    with pytest.raises(BadInput, match=r"space\.stages must be a tuple of at least one option; got Stage"):
        Space("one", (8,), Stage((8,)))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"space\.stages must be a tuple of Stages; got 8"):
        Space("one", (8,), (8,))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"stages\.kernels must be a tuple of different options"):
        Stage((8,), kernels=(3, 3))
    with pytest.raises(BadInput, match=r"stages\.kinds must be some of convolution"):
        Stage((8,), kinds=("mystery",))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no network of the space far has a total stride of 32"):
        Space("far", (8,), (Stage((8,)),))


@pytest.mark.parametrize("name", sorted(SPACES))
@pytest.mark.parametrize("size", [28, 224])
def test_halves_are_whole_blocks_of_channels(name: str, size: int) -> None:
    for stage in read_space(name, size).stages:
        halved = {"fire", "shuffle_unit_2"} & set(stage.kinds)
        assert all(channels // (2 if halved else 1) % 8 == 0 for channels in stage.channels)


def test_stages_may_be_alike() -> None:
    stage = Stage((8, 16), (1, 2), (2,))
    space = Space("twins", (8,), (stage, stage), (2,), total_stride=8)
    spec = space.spec(random_genes(space, np.random.default_rng(0)))
    assert spec is not None
    assert total_stride(spec) == 8


def test_a_space_without_a_network_says_so() -> None:
    # A ShuffleNet v2 unit at stride 1 passes half of its input on: it cannot change the channels.
    none = Space("none", (8,), (Stage((16,), (1, 2), (1,), ("shuffle_unit_2",)),), (1,), total_stride=1)
    with pytest.raises(BadInput, match=r"drawn from the space none is valid: .*; give its stages more options"):
        random_genes(none, np.random.default_rng(0))


def test_a_space_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from featherlight.searching import Space, Stage\n"
        "def SPACE(size):\n"
        "    return Space('', (8, 16), (Stage((16, 24), strides=(2,)),), (size // 28,), total_stride=2)\n"
    )
    space = read_space(str(mine), 28)
    assert (space.name, space.stem_strides) == ("mine", (1,))
    assert space.digest == read_space(str(mine), 28).digest != read_space("light", 28).digest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must define SPACE"),
        ("SPACE = 1", "must define SPACE"),
        ("1 / 0", "does not run: ZeroDivisionError"),
        ("from featherlight.searching import Stage\nStage(())", "at least one option"),
    ],
)
def test_a_file_that_defines_no_space(tmp_path: Path, text: str, sentence: str) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        read_space(str(mine), 28)


def test_what_a_file_prints_is_not_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("print('hello')\nfrom featherlight.searching import SPACES\nSPACE = SPACES['light']\n")
    assert read_space(str(mine), 28).name == "light"
    assert capsys.readouterr() == ("", "hello\n")


def test_an_unknown_space_names_the_known() -> None:
    with pytest.raises(BadInput, match="light"):
        read_space("ligth", 28)
    with pytest.raises(BadInput, match=r"missing\.py is not a file"):
        read_space("missing.py", 28)
