from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from featherlight.layers import Network
from featherlight.models import entry
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.pretrained.zoos import ZOOS
from featherlight.pretrained.zoos.zoo import staged
from featherlight.spec import small_images

LAYOUTS = [(zoo, architecture) for zoo in ZOOS for architecture in ZOOS[zoo].layouts]


@pytest.mark.parametrize(("zoo", "architecture"), LAYOUTS)
def test_a_layout_names_every_module_with_weights_once(zoo: str, architecture: str) -> None:
    spec = entry(architecture).build()
    with torch.device("meta"):
        held = {name.rpartition(".")[0] for name in Network(spec).state_dict()}
    paths = ZOOS[zoo].layouts[architecture].paths(spec)
    assert held <= paths.keys()
    theirs = [paths[path] for path in held]
    assert len(set(theirs)) == len(theirs)


@pytest.mark.parametrize("zoo", ZOOS)
def test_every_twin_has_a_layout(zoo: str) -> None:
    for twin in ZOOS[zoo].twins.values():
        assert ZOOS[zoo].layouts[twin.architecture].paths(twin.spec)


def test_pools_have_no_place_so_that_a_network_without_them_keeps_its_names() -> None:
    spec, layout = entry("squeezenet_1_0").build(), ZOOS["torchvision"].layouts["squeezenet_1_0"]
    assert list(layout.paths(small_images(spec)).values()) == list(layout.paths(spec).values())


def test_other_rows_or_another_head_than_the_zoos_have_no_paths() -> None:
    spec, layout = mobilenet_v2(), ZOOS["timm"].layouts["mobilenet_v2"]
    assert layout.paths(replace(spec, rows=spec.rows[:-1])) == {}
    assert layout.paths(replace(spec, head=replace(spec.head, hidden=(8,)))) == {}


def test_stages_and_blocks_are_numbered() -> None:
    assert list(staged("s{}.b{}", (1, 2), stage=0, block=1)) == ["s0.b1", "s1.b1", "s1.b2"]
