"""Who is alive: by a process of this machine, or by a number that goes up."""

from __future__ import annotations

import subprocess
import sys
import time

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching.study.attempts import BEAT, OWNER
from featherlight.searching.study.beats import Beating, Watch, is_gone, owner

NAME = "from featherlight.searching.study.beats import owner; print(owner(), flush=True); input()"


def under_way(who: str, beat: int) -> FrozenTrial:
    trial = create_trial(state=TrialState.RUNNING, user_attrs={OWNER: who, BEAT: beat})
    trial.number = 7
    return trial


def test_a_process_of_this_machine_is_gone_when_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    child.kill()
    while not is_gone(name):  # killed and not waited for yet: what is left of it is no worker
        time.sleep(0.01)
    child.communicate()
    assert is_gone(name)
    assert not is_gone(owner())
    assert is_gone(f"{owner()[:-1]}x"), "another process has its id now"


def test_elsewhere_only_silence_tells_and_by_the_watch_of_who_looks() -> None:
    now = 0.0
    watch = Watch(silence=60, clock=lambda: now)
    looks = ((0, 1, False), (59, 1, False), (61, 2, False), (120, 2, False), (122, 2, True), (123, 3, False))
    for now, beat, dead in looks:  # noqa: B007 - the watch's clock reads it
        trial = under_way("elsewhere 12 34", beat)
        assert (watch.dead([trial]) == [trial]) == dead


def test_a_worker_beats_until_its_trial_is_taken_from_it() -> None:
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage)
    trial_id = storage.create_new_trial(storage.get_study_id_from_name(study.study_name))
    with Beating(storage, trial_id, every=0.005) as beating:
        while storage.get_trial(trial_id).user_attrs.get(BEAT, 0) < 3:
            time.sleep(0.005)
        assert not beating.taken
        storage.set_trial_state_values(trial_id, TrialState.FAIL)
        while not beating.taken:
            time.sleep(0.005)
