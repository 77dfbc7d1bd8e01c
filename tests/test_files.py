"""Nothing is ever half-written: whoever looks finds the old file or the new one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

from featherlight.errors import DiskFull
from featherlight.files import cache_folder, replacing, sha256, write_bytes, write_json, write_text


@settings(max_examples=25)  # every file is synced to the disk
@given(st.binary(max_size=1000))
def test_bytes_come_back(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "file"
        write_bytes(path, data)
        assert path.read_bytes() == data
        assert sha256(path) == hashlib.sha256(data).hexdigest()
        assert os.listdir(path.parent) == ["file"]


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_utf_8_as_it_was_given(text: str) -> None:
    with TemporaryDirectory() as folder:
        write_text(Path(folder) / "file", text)
        assert (Path(folder) / "file").read_bytes() == text.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=25)
@given(JSON)
def test_json_comes_back(document: object) -> None:
    with TemporaryDirectory() as folder:
        write_json(Path(folder) / "file.json", document)
        assert json.loads((Path(folder) / "file.json").read_text()) == document


def fail_while_writing(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(b"half of")
        raise KeyboardInterrupt


def write_what_is_not_json(path: Path) -> None:
    write_json(path, {"time": float("nan")})


@pytest.mark.parametrize("fails", [fail_while_writing, write_what_is_not_json])
@pytest.mark.parametrize("existing", [True, False])
def test_after_an_error_all_is_as_it_was(tmp_path: Path, fails: Callable[[Path], None], existing: bool) -> None:
    path = tmp_path / "file"
    if existing:
        path.write_bytes(b"old")
    with pytest.raises((KeyboardInterrupt, ValueError)):
        fails(path)
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == (
        {"file": b"old"} if existing else {}
    )


def test_a_replaced_file_keeps_its_mode_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o640)
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "old", b"x")
        write_bytes(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_long_name_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


# The process dies, as by kill -9, at the n-th of the calls that touch the disk.
DIES = """
import os, sys
from pathlib import Path
from featherlight.files import write_bytes

left = int(sys.argv[2])

def dying(call):
    def instead(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*arguments, **named)
    return instead

for name in ("open", "close", "chmod", "fsync", "replace", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
write_bytes(Path(sys.argv[1]), b"new" * 1000)
"""


def test_a_process_that_dies_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", set()
    for calls in range(30):
        path.write_bytes(b"old")
        code = subprocess.run([sys.executable, "-c", DIES, path, str(calls)], check=False).returncode
        seen.add(path.read_bytes())
        if code == 0:
            break
    assert code == 0, "it never got to the end"
    assert calls > 5, "it never died"
    assert seen == {b"old", b"new" * 1000}


FULL = """
import resource, signal, sys
from pathlib import Path
from featherlight.files import write_bytes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path(sys.argv[1]), bytes(5000))
except OSError:
    sys.exit(3)
"""


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    assert subprocess.run([sys.executable, "-c", FULL, tmp_path / "file"], check=False).returncode == 3
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=["python", "rust"],
)
def test_a_full_disk_is_told_with_the_file_and_by_whoever_writes(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(DiskFull) as told, replacing(path):
        raise error
    assert str(told.value) == f"{path} cannot be written: No space left on device; free some room"
    assert isinstance(told.value, OSError)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
    with pytest.raises(PermissionError), replacing(path):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, ".cache/featherlight"),
        ("linux", {"XDG_CACHE_HOME": "/var/tmp/me"}, "/var/tmp/me/featherlight"),
        ("darwin", {}, "Library/Caches/featherlight"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/featherlight/Cache"),
        ("linux", {"FEATHERLIGHT_CACHE": "/chosen", "XDG_CACHE_HOME": "/other"}, "/chosen"),
    ],
)
def test_the_cache_folder_is_the_platforms_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("FEATHERLIGHT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path.home() / expected
