"""ncnn and MNN as engines, for `yardsticks.py`: converted from the network's ONNX form, in float32, on the CPU.

A file of its own, since the processes in which rivals run import it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from featherlight.engines import Engine, Running, Source
from featherlight.engines.agreement import checked
from featherlight.engines.running import Array
from featherlight.engines.trace import Step
from featherlight.errors import BadInput
from featherlight.timing import Target, this_machine

INSTALL = "pip install --no-deps ncnn pnnx mnn"


@checked
def build_ncnn(source: Source, *, threads: int, batch: int = 1) -> Running:
    """Tencent's ncnn by pnnx, with no half precision anywhere: neither in the file nor in the arithmetic."""
    import ncnn

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.onnx").write_bytes(source.to_onnx(batch))
        spec = find_spec("pnnx")  # its module would load torch; the program beside it is all that is needed
        assert spec is not None
        assert spec.origin is not None
        convert(folder, str(Path(spec.origin).parent / "pnnx"), "net.onnx", "fp16=0")
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        net.load_param(str(Path(folder) / "net.ncnn.param"))
        net.load_model(str(Path(folder) / "net.ncnn.bin"))

    def run(images: Array) -> Array:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(images[0]))
        return np.array(extractor.extract("out0")[1])[None]

    return Running(_target("ncnn", threads, batch), (batch, *source.input_shape), run)


@checked
def build_mnn(source: Source, *, threads: int, batch: int = 1) -> Running:
    """Alibaba's MNN by mnnconvert, asked for high precision: float32."""
    import MNN

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.onnx").write_bytes(source.to_onnx(batch))
        # mnnconvert itself would install a package that reports its use, and take protobuf away from onnx with it.
        code = "import sys, _tools; _tools.mnnconvert(sys.argv)"
        options = ("-f", "ONNX", "--modelFile", "net.onnx", "--MNNModel", "net.mnn", "--bizCode", "yardstick")
        convert(folder, sys.executable, "-c", code, *options)
        network = MNN.Interpreter(str(Path(folder) / "net.mnn"))
    session = network.createSession({"backend": "CPU", "precision": "high", "numThread": threads})
    given, scores = network.getSessionInput(session), network.getSessionOutput(session)
    layout = MNN.Tensor_DimensionType_Caffe

    def run(images: Array) -> Array:
        shape = images.shape
        given.copyFrom(MNN.Tensor(shape, MNN.Halide_Type_Float, images, layout))
        network.runSession(session)
        out = np.empty(scores.getShape(), np.float32)
        copy = MNN.Tensor(out.shape, MNN.Halide_Type_Float, out, layout)
        scores.copyToHostTensor(copy)
        return np.array(copy.getNumpyData(), np.float32).reshape(out.shape)

    return Running(_target("mnn", threads, batch), (batch, *source.input_shape), run)


def convert(folder: str, *command: str) -> None:
    """Run a converter in `folder`; BadInput with its last words where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"the conversion failed: {' '.join((done.stdout + done.stderr).split())[-300:]}")


def _target(package: str, threads: int, batch: int) -> Target:
    if batch != 1:
        raise BadInput(f"{package} runs one image at a time here; got batch={batch}")
    return Target(package, version(package), threads, "f32", batch, this_machine())


@dataclass(frozen=True)
class Yardstick:
    """One of the two as an engine; an object that another process can unpickle."""

    name: str
    modules: tuple[str, ...]
    needs_module: bool = False

    def missing(self) -> str | None:
        """What to install, where it is not here."""
        gone = [module for module in self.modules if find_spec(module) is None]
        return f"{', '.join(gone)} is not installed here: {INSTALL}" if gone else None

    def version(self) -> str:
        """The version of its package."""
        return version(self.name)

    def build(self, source: Source, *, threads: int, batch: int = 1) -> Running:
        """The network converted and loaded."""
        builds: dict[str, Any] = {"ncnn": build_ncnn, "mnn": build_mnn}
        return cast("Running", builds[self.name](source, threads=threads, batch=batch))

    def trace(self, source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
        """Nothing: yardsticks are only timed."""
        raise BadInput(f"{self.name} is only timed here")


NCNN = Yardstick("ncnn", ("ncnn", "pnnx"))
MNN = Yardstick("mnn", ("MNN",))


def portable(engine: Engine) -> str | Engine:
    """The engine as a `Rival` of another process names it: the library's own, which are modules, by their names."""
    return engine if isinstance(engine, Yardstick) else engine.name
