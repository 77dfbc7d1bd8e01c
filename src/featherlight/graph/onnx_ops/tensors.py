"""Tensors of an ONNX file as arrays: sizes checked before anything is read, and nothing read outside its folder."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from featherlight.errors import BadInput
from featherlight.graph.onnx_ops.call import MOST_ELEMENTS

# Bits of an element of each type that a network may be made of, and the field that holds it if there are no raw bytes.
TYPES: dict[int, tuple[int, str]] = {
    TensorProto.FLOAT: (32, "float_data"),
    TensorProto.DOUBLE: (64, "double_data"),
    TensorProto.FLOAT16: (16, "int32_data"),
    TensorProto.BFLOAT16: (16, "int32_data"),
    TensorProto.INT64: (64, "int64_data"),
    TensorProto.INT32: (32, "int32_data"),
    TensorProto.INT16: (16, "int32_data"),
    TensorProto.INT8: (8, "int32_data"),
    TensorProto.UINT64: (64, "uint64_data"),
    TensorProto.UINT32: (32, "uint64_data"),
    TensorProto.UINT16: (16, "int32_data"),
    TensorProto.UINT8: (8, "int32_data"),
    TensorProto.BOOL: (8, "int32_data"),
    TensorProto.INT4: (4, "int32_data"),
    TensorProto.UINT4: (4, "int32_data"),
}
_EXTERNAL_KEYS = {"location", "offset", "length", "checksum"}


def type_name(number: int) -> str:
    """What a sentence calls an element type."""
    return TensorProto.DataType.Name(number).lower() if number in TensorProto.DataType.values() else f"type {number}"


def array_of(proto: TensorProto, folder: Path | None) -> npt.NDArray[Any]:
    """The tensor's value. Its bytes may lie in a regular file inside `folder`, if there is one.

    Raises BadInput if its type, its shape, or how much it holds is not what it must be.
    """
    name = f"tensor {proto.name!r}"
    shape = tuple(proto.dims)
    if proto.data_type not in TYPES:
        raise BadInput(f"{name} must hold numbers of a known type; got {type_name(proto.data_type)}")
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ELEMENTS or len(shape) > 16:
        raise BadInput(f"{name} must have sizes from 0 and at most {MOST_ELEMENTS} elements; got {shape[:17]}")
    bits, typed = TYPES[proto.data_type]
    elements = math.prod(shape)
    if proto.data_location == TensorProto.EXTERNAL:
        proto = _with_raw_data(proto, _external(name, proto, folder, -(-elements * bits // 8)))
    if proto.HasField("raw_data"):
        expected, got, unit = -(-elements * bits // 8), len(proto.raw_data), "bytes"
    else:
        # Two numbers of 4 bits share an entry.
        expected, got, unit = -(-elements * bits // 8) if bits < 8 else elements, len(getattr(proto, typed)), "entries"
    if got != expected:
        raise BadInput(f"{name} of shape {shape} must hold {expected} {unit}; got {got}")
    return numpy_helper.to_array(proto)


def _with_raw_data(proto: TensorProto, data: bytes) -> TensorProto:
    return helper.make_tensor(proto.name, proto.data_type, proto.dims, data, raw=True)


def _external(name: str, proto: TensorProto, folder: Path | None, expected: int) -> bytes:
    if folder is None:
        raise BadInput(f"{name} lies in a file of its own, so the model must be given as a path")
    entries = {entry.key: entry.value for entry in proto.external_data}
    if entries.keys() - _EXTERNAL_KEYS or "location" not in entries or len(entries) < len(proto.external_data):
        raise BadInput(f"{name} must name a location, an offset and a length once; got {sorted(entries)[:8]}")
    offset, length = (
        _count(name, key, entries.get(key, default)) for key, default in (("offset", 0), ("length", expected))
    )
    if length != expected:
        raise BadInput(f"{name} of shape {tuple(proto.dims)} must hold {expected} bytes; got length {length}")
    return _read(name, entries["location"], folder, offset, length)


def _count(name: str, key: str, value: str | int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadInput(f"{name} must have a whole number as {key}; got {text[:40]!r}")
    return int(text)


def _read(name: str, location: str, folder: Path, offset: int, length: int) -> bytes:
    """Bytes of a regular file inside the folder, which has no other name elsewhere and is reached by no link out."""
    inside = f"{name} must lie in a regular file inside the model's folder; got {location[:80]!r}"
    parts = Path(location).parts
    if not parts or Path(location).is_absolute() or ".." in parts or "\\" in location or "\0" in location:
        raise BadInput(inside)
    root = folder.resolve()
    try:
        real = (root / location).resolve(strict=True)
        if not real.is_relative_to(root):
            raise BadInput(f"{inside}, which leads out of it")
        with regular(real) as (file, status):
            if status.st_nlink != 1:
                raise BadInput(f"{inside}, which has another name elsewhere")
            if offset + length > status.st_size:
                raise BadInput(
                    f"{name} must end within {location!r} of {status.st_size} bytes; got {offset} + {length}"
                )
            file.seek(offset)
            return file.read(length)
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{inside}, which cannot be opened ({type(error).__name__})") from None


@contextmanager
def regular(path: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """A file and what is known of it. Raises OSError for a folder, a pipe, a device, a link, or what cannot be read."""
    # Without O_NONBLOCK a pipe would wait for a writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError("not a regular file")
    with os.fdopen(handle, "rb") as file:
        yield file, status
