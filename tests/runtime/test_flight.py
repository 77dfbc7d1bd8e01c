from __future__ import annotations

import struct
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight_runtime import FlightError, Program, flight, load
from toy_programs import mirror

ROW = np.arange(100, dtype=np.float32)
PACKED = flight.pack(mirror(100, 3))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "net.flight"
    path.write_bytes(data)
    return path


def test_a_network_comes_back_from_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, PACKED)
    for given_path in (path, str(path)):
        with load(given_path, threads=2) as network:
            np.testing.assert_array_equal(network(ROW), ROW[::-1] + 3)
            assert network.program.about == {"classes": ["cat", "dog"]}


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097])
def test_a_program_comes_back_as_it_was(tmp_path: Path, size: int) -> None:
    program = replace(mirror(), weights=bytes(range(256)) * 17 + bytes(size), about={"mean": [0.5], "name": "\u00e9"})
    back = flight.read(written(tmp_path, flight.pack(program)))
    for each in fields(Program):
        found, expected = getattr(back, each.name), getattr(program, each.name)
        assert (bytes(found) if isinstance(found, memoryview) else found) == expected
    assert np.frombuffer(back.weights, np.uint8).ctypes.data % 4096 == 0


def test_the_same_program_makes_the_same_file() -> None:
    assert flight.pack(mirror(100, 3)) == PACKED


@given(st.integers(0, 8 * len(PACKED) - 1))
def test_a_bit_that_flipped_is_noticed(bit: int) -> None:
    data = bytearray(PACKED)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FlightError, match=r"^a flight file must"):
        flight.unpack(memoryview(data), "net.flight")


@given(st.integers(0, len(PACKED) - 1))
def test_a_file_that_was_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(FlightError, match="must be whole" if length >= 64 else "must begin as one"):
        flight.unpack(memoryview(PACKED[:length]), "net.flight")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must begin as one"),
        (b"\x7fELF" + bytes(100), "must begin as one"),
        (PACKED + b"\0", "must be as it was written"),
        (PACKED[:8] + struct.pack("<I", 2) + PACKED[12:], "newer featherlight-runtime"),
    ],
)
def test_another_file_is_refused_with_its_name(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(FlightError, match=message) as caught:
        load(written(tmp_path, data))
    assert "net.flight" in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("name", ["missing.flight", ""])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlightError, match="is no file"):
        load(tmp_path / name)


@pytest.mark.parametrize("header", [b"{}", b"[]", b"nonsense", b'{"sections": {"code": 1, "weights": -1}}', b"\xff"])
def test_a_header_that_says_something_else_is_refused(header: bytes) -> None:
    data = bytearray(64) + header
    flight._START.pack_into(data, 0, flight.MAGIC, flight.VERSION, len(header), len(data))
    data[32:64] = flight._digest(memoryview(data))
    with pytest.raises(FlightError, match="header"):
        flight.unpack(memoryview(data), "net.flight")


def test_what_json_cannot_say_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        flight.pack(replace(mirror(), about={"mean": float("nan")}))
