"""Processes that work on one study and are killed at random: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from optuna.trial import TrialState

from featherlight.searching.study import Study, join_study
from featherlight.searching.study.attempts import SPEC, Place, finished, place, running
from featherlight.searching.study.sampling import genes_of
from small_search import SPACE, accuracy_of, begin, slow_worker

POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))


@pytest.fixture(scope="module")
def processes() -> Iterator[multiprocessing.context.BaseContext]:
    """Of processes that have imported everything before they begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["small_search"])
    with pytest.MonkeyPatch.context() as patch:  # the server that they come from does not know pytest's paths
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield context


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a private server with nothing in it."""
    found = shutil.which("initdb")
    tools = POSTGRESQL[-1] if POSTGRESQL else Path(found).parent if found else None
    if tools is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path is short, and the server's user is to reach it
    user = None
    if os.geteuid() == 0:  # as which no server starts
        user = "nobody"
        shutil.chown(folder, user)

    def run(tool: str, *arguments: str) -> None:
        subprocess.run([tools / tool, "-D", folder / "data", *arguments], check=True, user=user, cwd=folder,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    try:
        run("initdb", "--username=searcher", "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        run("pg_ctl", "--wait", "--silent", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://searcher@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--mode=immediate", "--silent", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_killed_workers_on_a_journal(tmp_path: Path, processes: multiprocessing.context.BaseContext) -> None:
    check(str(tmp_path / "study.journal"), tmp_path, processes, workers=3, kills=6, sampler="evolution")


def test_killed_workers_on_sqlite(tmp_path: Path, processes: multiprocessing.context.BaseContext) -> None:
    check(f"sqlite:///{tmp_path}/study.db", tmp_path, processes, workers=2, kills=4, sampler="random")


def test_killed_workers_on_postgresql(
    tmp_path: Path, processes: multiprocessing.context.BaseContext, postgresql: str
) -> None:
    check(postgresql, tmp_path, processes, workers=2, kills=2, sampler="random")


def check(
    url: str, folder: Path, context: multiprocessing.context.BaseContext, *, workers: int, kills: int, sampler: str
) -> None:
    """Let workers search, kill some, put others in their place, and look at what the study says in the end."""
    begin(url, folder, sampler=sampler)
    study, log, streams = join_study(url), folder / "log", itertools.count()
    wanted = 6 + 3 * kills

    def start() -> BaseProcess:
        process: BaseProcess = context.Process(target=slow_worker, args=(url, log, wanted, next(streams), sampler))  # type: ignore[attr-defined]
        process.start()
        return process

    pool = [start() for _ in range(workers)]
    for kill in range(kills):
        await_(lambda: len(finished(study.trials)) >= 2 * kill and bool(running(study.trials)), study)  # noqa: B023
        time.sleep(random.Random(kill).uniform(0, 0.1))
        victim = pool.pop(0)
        victim.kill()
        victim.join()
        pool.append(start())
    for process in pool:
        process.join(60)
        assert process.exitcode == 0
    verify(study, log, wanted)


def await_(happened: object, study: Study) -> None:
    deadline = time.monotonic() + 60
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline, [(trial.state.name, trial.user_attrs) for trial in study.trials]
        time.sleep(0.01)


def verify(study: Study, log: Path, wanted: int) -> None:
    trials = study.trials
    ends = [trial for trial in trials if place(trial) is Place.FINISHED]
    done = [trial.user_attrs[SPEC] for trial in ends]
    assert len(done) == len(set(done)), "a network counts twice"
    assert len(done) >= wanted
    assert set(log.read_text().split()) <= set(done), "a network that was begun is lost"
    assert not running(trials)
    for trial in ends:
        spec = SPACE.spec(genes_of(SPACE, trial))
        assert spec is not None
        if trial.state is TrialState.COMPLETE:
            assert trial.value == accuracy_of(spec)
        else:
            assert trial.state is TrialState.PRUNED
