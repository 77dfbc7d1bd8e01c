from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.pretrained import read_checkpoint

TENSORS = {"rows.0.conv.weight": torch.arange(12.0).reshape(3, 4), "rows.0.norm.bias": torch.ones(3)}


def saved(content: Any, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


GOOD = {
    "safetensors": safetensors.torch.save(TENSORS),
    "zip": saved(TENSORS),
    "legacy": saved(TENSORS, zipped=False),
}


def header(description: dict[str, Any] | bytes, data: bytes = bytes(16), length: int | None = None) -> bytes:
    text = description if isinstance(description, bytes) else json.dumps(description).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes


@pytest.mark.parametrize("form", GOOD)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin", ""])
def test_the_content_decides_and_not_the_suffix(tmp_path: Path, form: str, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(GOOD[form])
    found = read_checkpoint(path)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def refuse(path: Path, content: bytes, words: str = "broken|not a weights file") -> None:
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


BROKEN = {
    "one byte": b"\x08",
    "seven bytes": b"\x08\x00\x00\x00\x00\x00\x00",
    "header of length 0": header(b"{", length=0),
    "header longer than the file": header({"a": tensor()}, length=1 << 20),
    "header of 2^63": header({"a": tensor()}, length=1 << 63),
    "header of 200 MB": header({"a": tensor()}, length=200 << 20),
    "header that is not UTF-8": header(b'{"\xff": 1}'),
    "header that is not JSON": header(b"{oh no}"),
    "header nested deeply": header(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "bytes behind the data": header({"a": tensor()}, bytes(32)),
    "the same name twice": header(f'{{"a": {json.dumps(tensor())}, "a": {json.dumps(tensor())}}}'.encode(), bytes(32)),
    "overlapping ranges": header({"a": tensor(), "b": tensor(data_offsets=[8, 24])}, bytes(24)),
    "a gap": header({"a": tensor(), "b": tensor(data_offsets=[20, 36])}, bytes(36)),
    "a reversed range": header({"a": tensor(data_offsets=[16, 0])}),
    "a range out of the file": header({"a": tensor(data_offsets=[0, 1 << 40])}),
    "a shape whose product overflows": header({"a": tensor(shape=[1 << 32, 1 << 32, 1 << 32])}),
    "a negative size": header({"a": tensor(shape=[-4])}),
    "a size that is no whole number": header({"a": tensor(shape=[4.0])}),
    "an unknown dtype": header({"a": tensor(dtype="F7")}),
    "a shape of other bytes": header({"a": tensor(shape=[5])}),
    "text": b"these are not weights at all",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "zip without an archive": b"PK\x03\x04" + bytes(64),
    "pickle without an end": b"\x80\x02}q\x00",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path: Path, fault: str) -> None:
    refuse(tmp_path / "weights.safetensors", BROKEN[fault])


@pytest.mark.parametrize("form", GOOD)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_a_truncated_file_is_one_sentence(tmp_path: Path, form: str, share: float) -> None:
    refuse(tmp_path / "weights.pth", GOOD[form][: int(len(GOOD[form]) * share)])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_changed_bytes_give_tensors_or_a_sentence(tmp_path: Path, form: str, data: st.DataObject) -> None:
    content = bytearray(GOOD[form])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "weights").write_bytes(content)
    with contextlib.suppress(BadInput):
        read_checkpoint(tmp_path / "weights")


class Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("name", ["weights.pth", "weights.pkl", "model.safetensors"])
@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_in_a_pickle_does_not_run(tmp_path: Path, name: str, form: str) -> None:
    payload = {"weights": Payload(tmp_path / "canary")}
    content = pickle.dumps(payload) if form == "pickle" else saved(payload, zipped=form == "zip")
    refuse(tmp_path / name, content, "more than tensors|broken")
    assert not (tmp_path / "canary").exists()
    if form == "pickle":  # that it would have run, had anyone unpickled it
        pickle.loads(content)
        assert (tmp_path / "canary").exists()


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path / "list.pth", saved([1, 2, 3]), "must hold tensors by name; it holds a list")
    refuse(tmp_path / "numbered.pth", saved({1: torch.ones(1)}), "must hold tensors by name")


def test_an_archive_that_would_unpack_to_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", bytes(50 << 20))
    refuse(tmp_path / "bomb.pth", buffer.getvalue(), "would unpack to 52,428,800 bytes")


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").touch()
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(3 << 30)
    for name, words in {
        "pipe": "is not a file",
        ".": "is not a file",
        "missing": "does not exist",
        "loop": "cannot be read",
        "empty": "is empty",
        "huge": "at most 2,147,483,648 are read",
    }.items():
        with pytest.raises(BadInput, match=words):
            read_checkpoint(tmp_path / name)
