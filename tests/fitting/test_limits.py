"""Sizes as people write them, and the limits that a candidate may break."""

from __future__ import annotations

import pytest
import safetensors.torch
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.cost import memory
from featherlight.engines import ModuleSource
from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate, candidates
from featherlight.fitting.limits import Limits, breach, parse_bytes, show_bytes, weights_file_bytes
from featherlight.layers import Network
from featherlight.spec import Spec
from strategies import specs

SMALL = Candidate("squeezenet_1_1", 0.25, 32)


def source(candidate: Candidate = SMALL) -> ModuleSource:
    return ModuleSource(candidate.network(10, 3).eval(), (3, candidate.size, candidate.size))


@pytest.mark.parametrize(
    ("text", "size"),
    [("5MB", 5_000_000), ("500 kB", 500_000), ("2MiB", 1 << 21), (".5mb", 500_000), ("12 B", 12), (99, 99)],
)
def test_a_size_is_a_number_with_its_unit(text: str | int, size: int) -> None:
    assert parse_bytes("max-size", text) == size


@pytest.mark.parametrize("text", ["", "5", "MB", "-1MB", "0MB", "5 MBit", "5iB", "1e3kB", 0, -5, True, "nan MB"])
def test_any_other_size_is_refused(text: str | int) -> None:
    with pytest.raises(BadInput, match="max-size must be a size above 0 such as 5MB, 500kB or 2MiB; got "):
        parse_bytes("max-size", text)


@given(st.integers(1, 10**12))
def test_what_is_shown_is_what_is_meant(size: int) -> None:
    assert parse_bytes("max-size", show_bytes(size)) == pytest.approx(size, rel=5e-3, abs=1)


@settings(max_examples=15)
@given(spec=specs(most_rows=4), classes=st.integers(1, 1200))
def test_the_file_of_weights_has_the_size_that_was_told(
    tmp_path_factory: pytest.TempPathFactory, spec: Spec, classes: int
) -> None:
    network = Network(spec, classes)
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    assert weights_file_bytes(network) == path.stat().st_size


def test_a_candidate_at_its_limits_keeps_them_and_one_byte_less_is_a_breach() -> None:
    whole = source()
    size, total = weights_file_bytes(whole.module), memory(whole.graph).total
    assert breach(SMALL, whole, Limits(size, total)) is None
    assert breach(SMALL, whole, Limits()) is None
    large = breach(SMALL, whole, Limits(size=size - 1))
    hungry = breach(SMALL, whole, Limits(memory=total - 1))
    assert large is not None
    assert hungry is not None
    assert (large.verdict, large.bytes) == ("too large", size)
    assert (hungry.verdict, hungry.bytes) == ("too much memory", total)


def test_the_size_is_told_without_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModuleSource, "graph", property(lambda _: pytest.fail("it was traced")))
    assert breach(SMALL, source(), Limits(size=1)) is not None
    assert breach(SMALL, source(), Limits(size=10**9)) is None


@pytest.mark.parametrize("name", ["squeezenet_1_1", "shufflenet_v2"])
def test_a_wider_network_has_the_larger_file(name: str) -> None:
    sizes = [weights_file_bytes(source(candidate).module) for candidate in candidates(32)[name]]
    assert sizes == sorted(set(sizes))
