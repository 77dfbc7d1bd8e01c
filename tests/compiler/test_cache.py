from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.compiler import cache
from featherlight.compiler.instruction_set import AVX2, SSE2
from featherlight.graph import Graph, Op, Tensor
from featherlight.graph.kinds import Activation, Linear
from featherlight_runtime import Network, Program
from toy_programs import mirror

NAME = "0" * 64
ROW = np.arange(100, dtype=np.float32)


class Maker:
    """Makes a program, and counts how often it was asked to."""

    def __init__(self, rounds: int = 3) -> None:
        self.times, self._program = 0, mirror(100, rounds)

    def __call__(self) -> Program:
        self.times += 1
        return self._program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "compiled"


def right(program: Program) -> bool:
    with Network(program) as network:
        return bool((network(ROW) == ROW[::-1] + 3).all())


def graph() -> Graph:
    ops = (Op(Linear(), ("x", "w"), ("y",), "head"), Op(Activation("relu"), ("y",), ("z",)))
    tensors = {"x": Tensor((1, 4)), "w": Tensor((2, 4)), "y": Tensor((1, 2)), "z": Tensor((1, 2))}
    return Graph(ops, ("x",), ("z",), tensors, {"w": np.arange(8, dtype=np.float32).reshape(2, 4)})


def test_a_program_is_made_once(folder: Path) -> None:
    maker = Maker()
    assert all(right(cache.kept(NAME, maker, folder)) for _ in range(3))
    assert maker.times == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert right(cache.kept("1" * 64, maker, folder))
    assert maker.times == 2


def test_the_same_graph_has_the_same_key_and_whatever_changes_the_code_changes_it() -> None:
    one, same = graph(), graph()
    weight = np.nextafter(one.constants["w"], np.float32(9))
    others = [
        cache.key(replace(one, constants={"w": weight}), AVX2),
        cache.key(replace(one, constants={"w": one.constants["w"].reshape(4, 2)}), AVX2),
        cache.key(replace(one, constants={"w": one.constants["w"].view(np.int32)}), AVX2),
        cache.key(replace(one, constants={"v": one.constants["w"]}), AVX2),
        cache.key(replace(one, ops=(one.ops[0], Op(Activation("relu6"), ("y",), ("z",)))), AVX2),
        cache.key(replace(one, outputs=("y",)), AVX2),
        cache.key(replace(one, tensors={**one.tensors, "x": Tensor((2, 4))}), AVX2),
        cache.key(one, SSE2),
        cache.key(one, AVX2, "uint8"),
    ]
    key = cache.key(one, AVX2)
    assert cache.key(same, AVX2) == key
    turned = {"w": np.asfortranarray(one.constants["w"])}
    assert cache.key(replace(one, constants=turned), AVX2) == key
    assert len({key, *others}) == 1 + len(others)


def test_another_llvm_has_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.key(graph(), AVX2)
    monkeypatch.setattr(cache, "version", lambda package: "9.9")
    assert cache.key(graph(), AVX2) != before


@given(data=st.data())
def test_a_flipped_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder, maker = tmp_path_factory.mktemp("cache") / "compiled", Maker()
    cache.kept(NAME, maker, folder)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :])
    assert right(cache.kept(NAME, maker, folder))
    assert maker.times == 2
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", [b"", b"x", bytes(10_000)])
def test_an_entry_that_is_something_else_is_made_again(folder: Path, damage: bytes) -> None:
    maker = Maker()
    cache.kept(NAME, maker, folder)
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    assert right(cache.kept(NAME, maker, folder))
    assert maker.times == 2


def test_a_folder_that_others_may_enter_is_not_used(folder: Path) -> None:
    maker = Maker()
    cache.kept(NAME, maker, folder)
    folder.chmod(0o770)
    with pytest.warns(UserWarning, match="chmod 700"):
        assert right(cache.kept(NAME, maker, folder))
    assert maker.times == 2


def test_a_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.warns(UserWarning, match="your own"):
        assert right(cache.kept(NAME, Maker(), folder))
    assert not list(folder.iterdir())


def test_a_link_to_a_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.warns(UserWarning, match="your own"):
        assert right(cache.kept(NAME, Maker(), folder))


def test_where_there_can_be_no_folder_networks_are_made_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="not kept"):
        assert right(cache.kept(NAME, Maker(), tmp_path / "file" / "compiled"))


def test_what_was_used_longest_ago_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker()
    cache.kept("0", maker, folder)
    size = (folder / "0.flight").stat().st_size
    monkeypatch.setattr(cache, "LIMIT", 3 * size)
    for age, name in enumerate("012"):
        cache.kept(name, maker, folder)
        os.utime(folder / f"{name}.flight", (1000 + age, 1000 + age))
    cache.kept("0", maker, folder)  # used again
    cache.kept("3", maker, folder)
    assert sorted(path.stem for path in folder.iterdir()) == ["0", "2", "3"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_eight_processes_fill_it_at_once(folder: Path) -> None:
    maker = Maker()

    def fill() -> bool:
        return all(right(cache.kept(name, maker, folder)) for _ in range(5) for name in "01234")

    children = [_forked(fill) for _ in range(8)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert maker.times == 0
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.flight" for name in "01234"]
    assert all(right(cache.kept(name, maker, folder)) for name in "01234")
    assert maker.times == 0


def _forked(work: Callable[[], bool]) -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    return child
