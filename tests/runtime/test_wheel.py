"""The wheel of featherlight-runtime, in a virtual environment that holds it and NumPy and nothing else."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from featherlight_runtime import flight
from toy_programs import mirror

PROJECT = Path(__file__).parents[2] / "runtime"
ANSWER = """
import json, sys, time
import numpy as np
import featherlight_runtime
network = featherlight_runtime.load(sys.argv[1], threads=2)
result = network(np.arange(100, dtype=np.float32))
seconds = time.process_time()  # since the process began; not what others on a busy machine take
packages = {name.partition(".")[0] for name in sys.modules} - {*sys.stdlib_module_names, "__main__"}
print(json.dumps({"result": result.tolist(), "seconds": seconds, "packages": sorted(packages)}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of the environment."""
    folder = tmp_path_factory.mktemp("alone")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(PROJECT)]
    built = subprocess.run(build, capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"no wheel can be built here: {built.stderr.strip()[-300:]}")
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    install = [*pip, "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    for source in Path(np.__file__).parents[1].glob("numpy*"):  # with the libraries that it brings, and its version
        (packages / source.name).symlink_to(source)
    return python


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(mirror(100, 3)))
    return path


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([str(python), *arguments], capture_output=True, text=True, env=environment, cwd=python.parent)


def test_numpy_and_the_wheel_are_enough(python: Path, file: Path) -> None:
    done = run(python, "-c", ANSWER, str(file))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    np.testing.assert_array_equal(told["result"], np.arange(100)[::-1] + 3)
    assert set(told["packages"]) == {"featherlight_runtime", "numpy"}


def test_the_first_answer_takes_a_quarter_of_a_second(python: Path, file: Path) -> None:
    seconds = [json.loads(run(python, "-c", ANSWER, str(file)).stdout)["seconds"] for _ in range(5)]
    assert statistics.median(seconds) < 0.25


def test_a_file_that_was_altered_ends_with_a_sentence_and_no_signal(python: Path, file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    done = run(python, "-c", ANSWER, str(file))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("was altered")
