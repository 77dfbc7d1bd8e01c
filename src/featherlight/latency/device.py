"""Times the pieces of this bundle on this machine and writes a latency table.

    python pieces.zip --out latency.json

It needs Python, NumPy and one engine (onnxruntime or openvino), and nothing else of what the bundle was made with. What
is timed is kept beside the table from the start: after a power cut the same command goes on from there.
"""

# This file is the bundle's __main__.py: it imports nothing of featherlight, but for a copy of timing/machine.py.
from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

try:
    import numpy as np
except ImportError:
    print("Error: NumPy is not installed here; install it with: pip install numpy", file=sys.stderr)
    sys.exit(2)

FORMAT = "featherlight latency table"
VERSION = 1
BUNDLE_FORMAT = "featherlight latency bundle"
MANIFEST, DIGEST, SCRIPT, MACHINE = "manifest.json", "manifest.sha256", "__main__.py", "machine.py"
ENGINES = ("onnxruntime", "openvino")
FREE_SOME = "free some room: what was timed is kept"  # where the disk is full

ROUNDS = 5  # everything is timed once a round, in another order each time, so that a slow minute hits little twice
PIECE_SECONDS, NETWORK_SECONDS = 0.02, 0.2  # of calls in a round
MOST_CALLS, LEAST_CALLS, UNTIMED = 40, 6, 3

# Bytes read between two calls of a piece: in a network its weights have left the nearest caches since the image before.
BETWEEN = 8 << 20

# An engine's steps in their order: the name, whether it only turns a map from one layout into another, and seconds.
Steps = list[tuple[str, bool, float]]
Feeds = dict[str, Any]


class Stop(Exception):
    """What cannot be gone on with, in one sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Time the bundle as the arguments say; the exit code: 0 done, 2 what was given cannot be used, 130 stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="latency.json", help="the latency table to write (latency.json)")
    parser.add_argument("--engine", choices=ENGINES, help="by default the first that is installed")
    parser.add_argument("--threads", type=int, default=1, help="that a network may use (1)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each piece is timed ({ROUNDS})")
    parser.add_argument("--bundle", default=sys.path[0], help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    try:
        if asked.threads < 1 or asked.rounds < 1:
            raise Stop("--threads and --rounds must be whole numbers above 0")
        run(Bundle(asked.bundle), Path(asked.out), installed(asked.engine), asked.threads, asked.rounds)
    except Stop as reason:
        print(f"Error: {reason}", file=sys.stderr)
        return 2
    except (OSError, ImportError) as reason:  # a folder that is not there, a full disk, an engine that cannot be loaded
        said = " ".join(str(reason).split())
        if (code := getattr(reason, "errno", None)) in (errno.ENOSPC, errno.EDQUOT):
            said = f"{asked.out} cannot be written: {os.strerror(code)}; {FREE_SOME}"
        print(f"Error: {said}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


class Bundle:
    """The archive that this script came in; every file is held against its digest before it is used."""

    def __init__(self, path: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
            manifest = self._archive.read(MANIFEST)
            self.digest = self._archive.read(DIGEST).decode("ascii").strip()
            if hashlib.sha256(manifest).hexdigest() != self.digest:
                raise Stop(f"{path} was altered: {MANIFEST} is not what was packed; copy the bundle again")
            self.manifest: dict[str, Any] = json.loads(manifest)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise Stop(f"{path} is not a whole bundle ({error}); copy it again") from None
        if (self.manifest.get("format"), self.manifest.get("version")) != (BUNDLE_FORMAT, VERSION):
            raise Stop(f"{path} is not a {BUNDLE_FORMAT} of version {VERSION}")
        self.path = path
        for name in self.manifest["files"]:  # all at once, before hours are spent on a part of it
            self.read(name)

    def read(self, name: str) -> bytes:
        """A file's contents."""
        try:
            data = self._archive.read(name)
        except (OSError, KeyError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise Stop(f"{self.path} is damaged: {name} cannot be read ({error}); copy the bundle again") from None
        if hashlib.sha256(data).hexdigest() != self.manifest["files"][name]:
            raise Stop(f"{self.path} was altered: {name} is not what was packed; copy the bundle again")
        return data


def run(bundle: Bundle, out: Path, engine: str, threads: int, rounds: int) -> None:
    """Time what is not timed yet, and write the table."""
    target, libraries = _target(engine, threads)
    kept = Kept(out, {"bundle": bundle.digest, "target": target, "libraries": libraries})
    library = ENGINES_BY_NAME[engine]
    work = [
        (number, sort, at)
        for number in range(rounds)
        for sort, at in shuffled(
            [("pieces", at) for at in range(len(bundle.manifest["pieces"]))]
            + [("networks", at) for at in range(len(bundle.manifest["networks"]))],
            number,
        )
    ]
    left = [item for item in work if item not in kept.done]
    started = said = time.monotonic()
    for count, (number, sort, at) in enumerate(left):
        if count and time.monotonic() - said > 10:
            said = time.monotonic()
            minutes = (said - started) / count * (len(left) - count) / 60
            print(f"{len(work) - len(left) + count} of {len(work)} timed, {minutes:.1f} minutes left", file=sys.stderr)
        what = bundle.manifest[sort][at]
        model = bundle.read(what["file"])
        if sort == "pieces":
            kept.add(number, sort, at, time_piece(library, model, threads, what["around"]))
        else:
            kept.add(number, sort, at, {"seconds": time_network(library, model, threads)})
    write_table(out, kept, bundle.manifest, rounds)
    kept.path.unlink()
    print(
        f"wrote {out}: {target['machine']['cpu']}, {engine} {target['version']}, {threads} thread(s)", file=sys.stderr
    )


class Kept:
    """What was timed so far: a line of JSON each, on the disk before the next piece is begun."""

    def __init__(self, out: Path, begun: dict[str, Any]) -> None:
        self.path = out.with_name(out.name + ".part")
        self.begun = begun
        self.done: dict[tuple[int, str, int], dict[str, Any]] = {}
        if out.exists():
            raise Stop(f"{out} exists; name another file with --out")
        if not out.parent.is_dir():
            raise Stop(f"the folder {out.parent} does not exist; make it, or name another file with --out")
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        first = _json(lines[0]) if lines else None
        if first is not None and first != begun:
            raise Stop(
                f"{self.path} was begun with another bundle, engine or machine; remove it, or give another --out"
            )
        if first is None:
            self._write("wb", begun)
        else:
            self._write("ab", None)  # ends a line that a crash cut short
        for line in lines[1:]:
            event = _json(line)
            if event is not None:
                self.done[event["round"], event["sort"], event["at"]] = event["took"]

    def add(self, number: int, sort: str, at: int, took: dict[str, Any]) -> None:
        """Keep a time."""
        self.done[number, sort, at] = took
        self._write("ab", {"round": number, "sort": sort, "at": at, "took": took})

    def _write(self, mode: str, event: dict[str, Any] | None) -> None:
        with self.path.open(mode) as file:
            file.write((json.dumps(event) if event is not None else "").encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def write_table(out: Path, kept: Kept, manifest: dict[str, Any], rounds: int) -> None:
    """The table of what the manifest lists as JSON, whole or not at all, with a digest over all the rest."""

    def took(sort: str, at: int, what: str) -> list[float]:
        return [kept.done[number, sort, at][what] for number in range(rounds)]

    table = {
        "format": FORMAT,
        "version": VERSION,
        **kept.begun,
        "about": manifest["about"],
        "pieces": [
            {name: piece[name] for name in ("key", "kind", "multiply_adds", "bytes")}
            | {what: took("pieces", at, what) for what in ("seconds", "enter", "leave")}
            | {"steps": kept.done[0, "pieces", at]["steps"]}
            for at, piece in enumerate(manifest["pieces"])
        ],
        "networks": [
            {name: network[name] for name in ("name", "family", "pieces")}
            | {"seconds": took("networks", at, "seconds")}
            for at, network in enumerate(manifest["networks"])
        ],
    }
    table["digest"] = digest(table)
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(table, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)


def digest(table: dict[str, Any]) -> str:
    """The SHA-256 of a table without its digest."""
    rest = {name: value for name, value in table.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def time_piece(library: Any, model: bytes, threads: int, around: list[str]) -> dict[str, Any]:
    """Seconds of a call in the piece's own steps, and how many they are.

    Apart from that, in seconds: turning what it reads into the layout in which it takes it (`enter`), and what it
    writes into that in which the convolution after it takes it (`leave`).
    """
    with library.traced(model, threads) as (feeds, call, trace):
        sources = {name: values.copy() for name, values in feeds.items()}
        between = np.ones(BETWEEN // 4, np.float32)
        calls, spent = 0, 0.0
        while calls < UNTIMED + LEAST_CALLS or (calls < UNTIMED + MOST_CALLS and spent < PIECE_SECONDS):
            between.sum()
            for name, values in sources.items():
                np.copyto(feeds[name], values)  # the maps were just written, the weights were not
            start = time.perf_counter()
            call()
            spent += time.perf_counter() - start if calls >= UNTIMED else 0.0
            calls += 1
        runs = trace(calls)
    inside = own_steps(runs[0], around)
    seconds = [_typical(np.array([run[at][2] for run in runs])) for at in inside]
    turns = [runs[0][at][1] for at in inside]
    first = turns.index(False) if False in turns else len(turns)
    last = len(turns) - (turns[::-1].index(False) if False in turns else 0)
    return {
        "seconds": sum(seconds[first:last]),
        "enter": sum(seconds[:first]),
        "leave": sum(seconds[last:]),
        "steps": last - first,
    }


def own_steps(steps: Steps, around: list[str]) -> list[int]:
    """Which steps are the piece's: not those named after what is around it, nor what follows upon the last of them."""
    names = [name for name, _, _ in steps]
    after = [at for at, name in enumerate(names) if any(part in name for part in around[1:])]
    end = min(after) if after else len(names)
    return [at for at in range(end) if around[0] not in names[at]]


def time_network(library: Any, model: bytes, threads: int) -> float:
    """Seconds of a call, without any tracing."""
    with library.plain(model, threads) as call:
        return time_calls(call)


def time_calls(call: Callable[[], object]) -> float:
    """Seconds of a call, the first few left out."""
    times: list[float] = []
    for number in range(UNTIMED + MOST_CALLS):
        start = time.perf_counter()
        call()
        if number >= UNTIMED:
            times.append(time.perf_counter() - start)
        if len(times) >= LEAST_CALLS and sum(times) > NETWORK_SECONDS:
            break
    return _typical(np.array(times))


def _typical(times: Any) -> float:
    """The mean of the quicker half: engines tell whole microseconds, so that a median would step."""
    return float(np.sort(times)[: -(-len(times) // 2)].mean())


class OnnxRuntime:
    """Sessions of ONNX Runtime on the CPU, set as `featherlight.engines.onnxruntime` sets them."""

    @staticmethod
    @contextlib.contextmanager
    def traced(
        model: bytes, threads: int
    ) -> Iterator[tuple[Feeds, Callable[[], object], Callable[[int], list[Steps]]]]:
        """Arrays to fill, a call that reads them, and the steps of so many calls but for the untimed ones."""
        with tempfile.TemporaryDirectory() as folder:
            session = OnnxRuntime._session(model, threads, os.path.join(folder, "trace"))
            feeds = {given.name: _noise(given.shape) for given in session.get_inputs()}

            def trace(calls: int) -> list[Steps]:
                with open(session.end_profiling(), encoding="utf-8") as file:
                    events = json.load(file)
                ending = "_kernel_time"
                nodes = [event for event in events if event["cat"] == "Node" and event["name"].endswith(ending)]
                steps = [
                    (node["name"][: -len(ending)], node["args"]["op_name"].startswith("Reorder"), node["dur"] * 1e-6)
                    for node in nodes
                ]
                each = len(steps) // calls
                return [steps[at * each : (at + 1) * each] for at in range(UNTIMED, calls)]

            yield feeds, lambda: session.run(None, feeds), trace

    @staticmethod
    @contextlib.contextmanager
    def plain(model: bytes, threads: int) -> Iterator[Callable[[], object]]:
        """A call."""
        session = OnnxRuntime._session(model, threads, None)
        feeds = {given.name: _noise(given.shape) for given in session.get_inputs()}
        yield lambda: session.run(None, feeds)

    @staticmethod
    def _session(model: bytes, threads: int, profile: str | None) -> Any:
        ort = importlib.import_module("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = profile
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class OpenVino:
    """Compiled models of OpenVINO on the CPU, set as `featherlight.engines.openvino` sets them."""

    @staticmethod
    @contextlib.contextmanager
    def traced(
        model: bytes, threads: int
    ) -> Iterator[tuple[Feeds, Callable[[], object], Callable[[int], list[Steps]]]]:
        """Arrays to fill, a call that reads them, and the steps of so many calls but for the untimed ones."""
        request, feeds = OpenVino._request(model, threads, True)
        means: list[Steps] = []

        def call() -> None:
            request.infer(feeds, share_inputs=True)
            means.append([(step.node_name, step.node_type == "Reorder", step.real_time.total_seconds())
                          for step in request.profiling_info
                          if step.status == step.EXECUTED])  # fmt: skip

        def trace(calls: int) -> list[Steps]:
            # What it tells is the mean over all calls so far, in whole microseconds; the first ones must not count.
            first, last = means[UNTIMED - 1], means[calls - 1]
            spans = [calls * end[2] - UNTIMED * start[2] for start, end in zip(first, last)]  # noqa: B905 (Python 3.9)
            each = [max(span, 0.0) / (calls - UNTIMED) for span in spans]
            return [[(name, turn, span) for (name, turn, _), span in zip(last, each)]]  # noqa: B905

        yield feeds, call, trace

    @staticmethod
    @contextlib.contextmanager
    def plain(model: bytes, threads: int) -> Iterator[Callable[[], object]]:
        """A call."""
        request, feeds = OpenVino._request(model, threads, False)
        yield lambda: request.infer(feeds, share_inputs=True)

    @staticmethod
    def _request(model: bytes, threads: int, traced: bool) -> tuple[Any, Feeds]:
        openvino = importlib.import_module("openvino")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "PERF_COUNT": traced,
        }
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
        feeds = {given.any_name: _noise(given.shape) for given in compiled.inputs}
        return compiled.create_infer_request(), feeds


ENGINES_BY_NAME: dict[str, Any] = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def _noise(shape: Any) -> Any:
    return np.random.default_rng(0).standard_normal([int(size) for size in shape]).astype(np.float32)


def installed(asked: str | None) -> str:
    """The engine that was asked for, else the first one here; Stop where it is not."""
    for name in (asked,) if asked else ENGINES:
        if importlib.util.find_spec(name) is not None:
            return name
    if asked:
        raise Stop(f"the engine {asked} is not installed here; install it with: pip install {asked}")
    raise Stop(f"neither {' nor '.join(ENGINES)} is installed here; install one with: pip install {ENGINES[0]}")


def _target(engine: str, threads: int) -> tuple[dict[str, Any], dict[str, str]]:
    """What the times are for, as `featherlight.timing.Target` has it, and the versions of what they were taken with."""
    machine = dataclasses.asdict(importlib.import_module("machine").this_machine())
    version = str(importlib.import_module(engine).__version__)
    target = {"engine": engine, "version": version, "threads": threads, "precision": "f32", "batch": 1,
              "machine": machine}  # fmt: skip
    libraries = {"python": platform.python_version(), "numpy": np.__version__, engine: version}
    return json.loads(json.dumps(target)), libraries


def shuffled(items: list[Any], seed: int) -> list[Any]:
    """The items in an order of the seed's."""
    random.Random(seed).shuffle(items)
    return items


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
