"""Weights from a file: safetensors, or what `torch.save` wrote. No code in the file ever runs."""

from __future__ import annotations

import io
import pickle
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from featherlight.errors import BadInput

MAX_BYTES = 1 << 31


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """What a weights file holds: tensors by name, or whatever a training loop has put around them.

    The content decides what a file is, not its suffix. The file is read whole and not mapped: a mapped file that
    someone shortens meanwhile ends the process.

    Raises BadInput, one sentence with the file's name, for a file that is missing, not a regular file, empty, larger
    than 2 GB, broken, neither of the two formats, or a pickle that asks for anything but tensors.
    """
    data = _read(path)
    if _is_safetensors(data):
        return _safetensors(path, data)
    if data[:4] == b"PK\x03\x04" or data[:1] == b"\x80":
        return _torch(path, data)
    raise BadInput(f"{path} is not a weights file: neither safetensors nor torch.save's format")


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for ever
            raise BadInput(f"{path} is not a file")
        if status.st_size > MAX_BYTES:
            raise BadInput(f"{path} has {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    if not data:
        raise BadInput(f"{path} is empty")
    return data


def _is_safetensors(data: bytes) -> bool:
    # Eight bytes with the header's length, then the header, a JSON object. Also true where the length is nonsense, so
    # that the reader can say what is wrong; never of a pickle or a zip archive, whose ninth byte is none.
    return data[8:9] == b"{"


def _safetensors(path: Path, data: bytes) -> Mapping[str, Any]:
    try:
        return dict(safetensors.torch.load(data))
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise BadInput(f"{path} is a broken safetensors file: {_first_line(error)}") from error


def _torch(path: Path, data: bytes) -> Mapping[str, Any]:
    _check_no_bomb(path, data)
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler error" in str(error) or "Weights only load failed" in str(error):
            raise BadInput(
                f"{path} holds more than tensors, and reading it could run its code; ask for a safetensors file"
            ) from error
        raise BadInput(f"{path} is a broken weights file: {_first_line(error)}") from error
    except Exception as error:  # a broken pickle or archive comes as any kind of error
        raise BadInput(f"{path} is a broken weights file: {_first_line(error)}") from error
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise BadInput(f"{path} must hold tensors by name; it holds a {type(content).__name__}")
    return content


def _check_no_bomb(path: Path, data: bytes) -> None:
    # torch.save never compresses: an archive that would unpack to more than it holds is not one of its.
    if data[:2] == b"PK":
        try:
            unpacked = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(data)).infolist())
        except Exception as error:  # a broken directory comes as any kind of error: no zip, a version to come, no UTF-8
            raise BadInput(f"{path} is a broken weights file: {_first_line(error)}") from error
        if unpacked > len(data):
            raise BadInput(f"{path} is a zip archive that would unpack to {unpacked:,} bytes; it was not read")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
