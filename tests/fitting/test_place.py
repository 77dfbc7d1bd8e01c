"""A network put in the place of another one, with the process killed between any two of its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import featherlight as fl
from featherlight.errors import BadInput
from featherlight.fitting.place import FILES, replace_network
from featherlight.layers import Network
from featherlight.pretrained import save
from featherlight.spec import Convolution, Spec

# In one copy of the folder after another the new files take the places of the old ones, and the process dies before the
# first rename, the second, and so on.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from featherlight.fitting.place import FILES, replace_network

new, old, rename = Path(sys.argv[1]), sys.argv[2], os.replace

def dies_at(number):
    calls = 0
    def replace(source, target):
        nonlocal calls
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        rename(source, target)
    return replace

for number in range(len(FILES)):
    child = os.fork()
    if child == 0:
        os.replace = dies_at(number)
        replace_network(new, Path(f"{old}-{number}"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""


def written(folder: Path, channels: int) -> Path:
    """A network and what stands beside it."""
    torch.manual_seed(channels)
    preprocessing = {"input_size": [1, 8, 8], "mean": [0.5], "std": [0.5], "crop_pct": 1.0, "interpolation": "bilinear"}
    save(folder, Network(Spec((Convolution(channels, 3),)), 2, 1), label_names=["a", "b"], preprocessing=preprocessing)
    for name in set(FILES) - {path.name for path in folder.iterdir()}:
        (folder / name).write_text(f"{name} of {channels}")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_killed_between_any_two_files_it_leaves_one_network_or_none(tmp_path: Path) -> None:
    new = written(tmp_path / "new", 4)
    folders = [written(tmp_path / f"old-{number}", 8) for number in range(len(FILES))]
    before = [contents(folder) for folder in folders]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", PROGRAM, str(new), str(tmp_path / "old")], env=environment, check=True)

    gone = 0
    for number, (folder, old) in enumerate(zip(folders, before, strict=True)):
        left = {name for name in FILES if (folder / name).exists() and (folder / name).read_bytes() == old[name]}
        assert left == set(FILES[number:]) - {"config.json"}
        if (folder / "config.json").exists():
            assert fl.load(folder).model.spec == fl.load(new).model.spec
        else:
            gone += 1
            with pytest.raises(BadInput, match=r"config\.json does not exist"):
                fl.load(folder)
        replace_network(new, folder)
        assert contents(folder) == contents(new)
        assert fl.load(folder).model.spec == fl.load(new).model.spec
    assert gone == FILES.index("config.json") + 1


def test_a_disk_that_is_full_leaves_the_old_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, folder = written(tmp_path / "new", 4), written(tmp_path / "old", 8)
    before = contents(folder)

    def full(source: Path, target: Path) -> None:
        if source.name == "model.safetensors":
            raise OSError(28, "No space left on device")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        replace_network(new, folder)
    assert contents(folder) == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
