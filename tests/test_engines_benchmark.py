"""benchmarks/engines.py and what it stands on: the peak's loop, the race, the floor, and what is asked of us."""

from __future__ import annotations

import importlib.util
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.compiler import peak
from featherlight.compiler.training.kernel import compile_kernels
from featherlight.cost import Bandwidth, Ceilings, count
from featherlight.engines import ModuleSource, Rival
from featherlight.errors import BadInput, Failure
from featherlight.timing import Target, this_machine
from rivals import Mortal, write_convolutions

ROOT = Path(__file__).parents[1]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module("engines")


@pytest.fixture
def machine_peak(engines: Any) -> Any:
    return import_module("machine_peak")


@pytest.fixture
def race(engines: Any) -> Any:
    return import_module("race").race


def took(engines: Any, *rounds: float) -> Any:
    """A rival that took so many seconds in each round."""
    return engines.Raced(Target("e", "1", 1, "f32", 1, this_machine()), tuple((each,) for each in rounds))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_thread_runs_the_loop(machine_peak: Any, tmp_path: Path, threads: int) -> None:
    source = write_convolutions(tmp_path / "net.onnx", 1)
    with machine_peak.Peak().build(source, threads=threads) as running:
        lines = running(np.zeros(running.input_shape, np.float32)).reshape(threads, -1)
    # Every chain has come to x = x / 2 + 1 / 2, and the results are sums over the chains.
    assert (np.count_nonzero(lines, 1) > 0).all()
    assert set(lines[lines != 0]) == {peak.CHAINS}


def test_bandwidths_are_of_what_all_threads_read_and_fall(machine_peak: Any) -> None:
    one, two = machine_peak.bandwidths(2, footprints=(1 << 16, 1 << 18), seconds=0.01)
    assert (one.footprint, two.footprint) == (1 << 17, 1 << 19)
    assert one.bytes_per_second >= two.bytes_per_second > 0


def test_reading_reads_every_float_once_a_turn(machine_peak: Any) -> None:
    kernel = compile_kernels({"sums": (4, machine_peak.sums(4))}, None)["sums"]
    values, out = np.arange(2 * 64, dtype=np.float32), np.zeros(2 * 64, np.float32)
    peak.Together(kernel, 2, 3, 64, values, out)()
    assert out.reshape(2, 64).sum(1).tolist() == [3 * values[:64].sum(), 3 * values[64:].sum()]


def test_a_rival_that_fails_is_named_and_the_others_are_timed(race: Any) -> None:
    class Huge(nn.Module):
        """Nothing that another process could import."""

    living = ModuleSource(nn.Conv2d(3, 4, 3), (3, 8, 8))
    rivals = {
        "well": Rival("torch", ModuleSource(nn.Flatten(), (3, 8, 8))),
        "dies": Rival("torch", ModuleSource(Mortal(6, 0.06), (3, 8, 8))),  # of which building takes 4, a turn 2
        "cannot be sent": Rival("torch", ModuleSource(Huge(), (3, 8, 8))),
        "well too": Rival("onnxruntime", living),
    }
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Huge, "forward", lambda self, images: images.mean((2, 3)), raising=False)
        times, failed = race(rivals, rounds=6)
    assert set(times) == {"well", "well too"}
    assert set(failed) == {"dies", "cannot be sent"}
    assert "exit code 7" in failed["dies"]
    assert all(len(each.rounds) == 6 and each.minimum <= each.timed.measurement.median for each in times.values())


def test_the_floor_is_the_longer_of_arithmetic_and_weights_layer_by_layer(engines: Any) -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1000))
    cost = count(ModuleSource(network.eval(), (3, 12, 12)).graph)
    multiply_adds, weights = 100 * 8 * 27, 4 * 9 * 1000
    ceilings = Ceilings(1e6, (Bandwidth(1, 1e5),))
    assert engines.floor(cost, ceilings) == pytest.approx(multiply_adds / 1e6 + weights / 1e5)


def test_ours_stands_beside_the_rival_with_the_least_median(engines: Any) -> None:
    times = {
        "native": took(engines, *(2.0,) * 6),
        "slow": took(engines, *(1.0, 4.0, 4.0, 4.0, 4.0, 4.0)),
        "best": took(engines, *(3.0,) * 6),
    }
    told = engines.beside_the_best(times)
    assert (told["best rival"], told["ratio"], told["ratio of rounds"]) == ("best", 1.5, [1.5, 1.5, 1.5])
    del times["native"]
    assert engines.beside_the_best(times) == {"best rival": "best", "ratio": None, "ratio of rounds": None}
    few = {"native": took(engines, 2.0), "best": took(engines, 3.0)}
    assert engines.beside_the_best(few)["ratio of rounds"] == [1.5, None, None]
    assert engines.beside_the_best({"native": few["native"]})["best rival"] is None


def test_of_every_light_network_something_is_asked_and_more_is_hoped(engines: Any) -> None:
    light = [case for case in engines.cases(224) if case.group == "light"]
    assert len(light) == 9
    for case in [*light, *engines.small_cases()]:
        assert all(case.goals[threads][0] < case.goals[threads][1] for threads in (1, 2))
        assert case.goals[1][0] <= case.goals[2][0]
    assert not any(case.goals for case in engines.cases(160))
    names = [case.name for case in (*engines.cases(224), *engines.small_cases())]
    assert len(set(names)) == len(names)


def test_small_networks_are_of_28_to_96_pixels_and_a_quarter_to_half_their_width(engines: Any) -> None:
    small = engines.small_cases()
    assert {case.size for case in small} == {28, 64, 96}
    assert all(0.25 <= case.width <= 0.5 for case in small)
    case = next(case for case in small if case.name == "mobilenet_v1 0.25x at 28")
    graph = case.source().graph
    assert graph.tensors[graph.outputs[0]].shape == (1, 10)


def test_patterns_choose_among_architectures_and_names(engines: Any) -> None:
    small = engines.small_cases()
    assert {case.architecture for case in engines.matching(small, ["shufflenet*"])} == {
        "shufflenet_v1_g3",
        "shufflenet_v2",
    }
    assert [case.name for case in engines.matching(small, ["mobilenet_v1 0.25x at 28"])] == ["mobilenet_v1 0.25x at 28"]
    with pytest.raises(BadInput, match=r"network must be .*'mobilnet_v1'.*mobilenet_v1"):
        engines.matching(small, ["mobilenet_v1", "mobilnet_v1"])


def test_an_engine_that_is_not_here_is_left_out_with_its_reason(engines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "known_engines", lambda: {"there": _Engine(None), "gone": _Engine("install it")})
    here, missing = engines.usable(["native", "there", "gone"])
    assert [engine.name for engine in here] == ["there"]
    assert missing["gone"] == "install it"
    assert "native" in missing
    with pytest.raises(BadInput, match=r"engine must be .*'their'"):
        engines.usable(["their"])


class _Engine:
    needs_module = False

    def __init__(self, reason: str | None) -> None:
        self.name, self.reason = "there", reason

    def missing(self) -> str | None:
        return self.reason

    def version(self) -> str:
        return "1"


@pytest.fixture
def run(engines: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The benchmark on engines that are not timed; it gives the networks that were measured, and the document."""
    monkeypatch.setattr(engines, "known_engines", lambda: {"there": _Engine(None)})
    monkeypatch.setattr(engines, "bandwidths", lambda threads: (Bandwidth(1, 1e9),))
    out, measured = tmp_path / "engines.json", []

    def raced(case: Any, *others: Any) -> dict[str, Any]:
        if case.architecture == "mobilenet_v3_small" and not case.width < 1:
            raise Failure("the power failed")
        measured.append(case.name)
        return ROW | {"must": case.goals[1][0], "stretch": case.goals[1][1]}

    monkeypatch.setattr(engines, "raced", raced)

    def go(*arguments: str) -> tuple[list[str], Any]:
        measured.clear()
        engines.main(["--engines", "there", "--threads", "1", "--out", str(out), *arguments])
        return list(measured), json.loads(out.read_text())

    return go


TIMES = {"minimum": 0.9e-3, "median": 1e-3, "p10": 0.95e-3, "p90": 1.1e-3, "version": "1"}
ROW: dict[str, Any] = {
    "peak": 5e10,
    "peak loop": TIMES,
    "floor ms": 0.5,
    "engines": {"there": TIMES | {"share of peak": 0.5}, "native": TIMES | {"share of peak": 0.6}},
    "failed": {"mnn": "mnn: the conversion failed"},
    "best rival": "there",
    "ratio": 1.2,
}


def test_what_is_finished_is_not_measured_again(run: Any) -> None:
    assert run("--networks", "mobilenet_v1", "mobilenet_v2")[0] == ["mobilenet_v1 at 224", "mobilenet_v2 at 224"]
    with pytest.raises(Failure):
        run("--networks", "mobilenet_v1", "mobilenet_v3*")
    measured, document = run("--networks", "mobilenet_v2", "shufflenet_v2")
    assert measured == ["shufflenet_v2 at 224"]
    kept = ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2"]
    assert [row["network"] for row in document["rows"]] == [f"{name} at 224" for name in kept]
    measured, document = run("--small", "--networks", "mobilenet_v2 0.5x*")
    assert measured == ["mobilenet_v2 0.5x at 64"]
    assert [(mean["group"], mean["networks"]) for mean in document["means"]] == [("light", 4), ("small", 1)]
    assert document["means"][0]["ratio"] == pytest.approx(1.2)
    with pytest.raises(BadInput, match=r"rounds was 40 and is 7.*--afresh"):
        run("--networks", "mobilenet_v2", "--rounds", "7")
    measured, document = run("--networks", "mobilenet_v2", "--rounds", "7", "--afresh")
    assert measured == ["mobilenet_v2 at 224"] == [row["network"] for row in document["rows"]]


def test_threads_beyond_the_cores_are_refused(engines: Any) -> None:
    engines.check_threads([1])
    for wrong in (0, this_machine().cores + 1):
        with pytest.raises(BadInput, match="threads must be from 1 to the number of cores here"):
            engines.check_threads([1, wrong])


def written(document: dict[str, Any]) -> str:
    spec = importlib.util.spec_from_file_location("write_performance", ROOT / "scripts/write_performance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return "\n".join(module.engines(document))


def test_the_table_names_the_cpu_the_failures_and_what_is_missing(engines: Any, run: Any) -> None:
    assert "Not run yet" in written({"rows": []})
    _, document = run("--networks", "mobilenet_v1")
    page = written(document | {"missing": {"ncnn": "not here"}, "versions": {"there": "1", "native": "2", "mnn": "3"}})
    assert page.startswith(this_machine().cpu)
    assert "| mobilenet_v1 at 224 | 1 | 50.0 | 0.5 | **1 (50%)** | 1 (60%) | failed | 1.20 | 1.03 / 1.10 |" in page
    assert "Without ncnn: not here." in page
    assert "Failed on mobilenet_v1 at 224, 1 thread: mnn: the conversion failed." in page
    assert "Geometric mean of 1 networks on 1 thread: 1.20 times" in page
    assert "must / stretch 1.15 / 1.30" in page


@pytest.mark.parametrize(("sets", "wider"), [(["avx2"], False), (["avx2", "avx512f"], True)])
def test_goals_say_that_they_were_set_for_avx2_where_vectors_are_wider(run: Any, sets: list[str], wider: bool) -> None:
    _, document = run("--networks", "mobilenet_v1")
    page = written(document | {"machine": document["machine"] | {"instruction_sets": sets}})
    assert ("| must / stretch, set for AVX2 |" in page) == wider
    assert ("(must / stretch 1.15 / 1.30, set for AVX2)" in page) == wider


@pytest.mark.parametrize("name", ["engines", "engines_avx512"])
def test_the_measured_means_are_of_the_measured_rows(engines: Any, name: str) -> None:
    document = json.loads((ROOT / f"docs/measured/{name}.json").read_text("utf-8"))
    assert document.get("means", []) == engines.means(document["rows"])


def test_one_network_is_raced_in_earnest(engines: Any) -> None:
    case = next(case for case in engines.small_cases() if case.name == "shufflenet_v2 0.25x at 28")
    here, _ = engines.usable(["onnxruntime"])
    row = engines.raced(case, here, 1, [{"footprint": 1, "bytes_per_second": 1e9}], None, 2)
    assert row["multiply-adds"] == count(case.source().graph).multiply_adds
    figures = row["engines"]["onnxruntime"]
    assert figures["share of peak"] == pytest.approx(row["multiply-adds"] / row["peak"] / figures["median"])
    assert row["best rival"] == "onnxruntime"
    assert row["floor ms"] > 0 < row["peak"]
    assert not row["failed"]
    json.dumps(row, allow_nan=False)
