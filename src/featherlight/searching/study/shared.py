"""The study that all workers share: begun once, joined by others, read by whoever wants to know."""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from featherlight.errors import BadInput
from featherlight.latency import LatencyTable, read_table
from featherlight.searching.front import Found
from featherlight.searching.space import Space
from featherlight.searching.study.attempts import ACCURACY, SECONDS, finished
from featherlight.searching.study.sampling import genes_of
from featherlight.searching.study.search import OPTIONS, Search
from featherlight.searching.study.storage import answering, open_storage, shown
from featherlight.training.plan import differences

NAME = "featherlight search"  # a database holds one
SEARCH, TABLE, CLOSED = "search", "latency table", "closed"  # what the study says of itself
LARGEST = 16 << 20  # bytes of a latency table, compressed, that a study takes


@dataclass(frozen=True)
class Study:
    """An open study: where it lies, Optuna's view of it, and the storage that takes a trial in one piece."""

    url: str
    storage: BaseStorage
    number: int
    optuna: optuna.Study

    @property
    def trials(self) -> list[FrozenTrial]:
        """All so far, by number; not to be changed."""
        return self.optuna.get_trials(deepcopy=False)

    @property
    def about(self) -> Mapping[str, Any]:
        """What the study says of itself."""
        return self.storage.get_study_user_attrs(self.number)


def create_study(url: str, search: Search, table: Path) -> Study:
    """The study of a search, begun or gone on with: `url` is the path of a journal, or the URL of a database.

    table   the file of the latency table that the search's clock goes by; workers elsewhere get it from the study

    Raises BadInput, with each difference, for a study that was begun with something else.
    """
    packed = base64.b85encode(zlib.compress(table.read_bytes(), 9)).decode()
    if len(packed) > LARGEST:
        raise BadInput(
            f"{table} is too large for a study: {len(packed) >> 20} MB compressed, and {LARGEST >> 20} are taken; "
            "pack fewer sizes of images into it"
        )
    storage = open_storage(url, new=True)
    asked = search.to_json() | {"latency table": read_table(table).digest}
    with answering(url):
        study = _opened(url, storage, new=True)
        if SEARCH not in study.about:
            storage.set_study_user_attr(study.number, TABLE, packed)
            storage.set_study_user_attr(study.number, SEARCH, asked)  # last: with it the study is whole
        begun = study.about[SEARCH]
        if found := list(differences(_compared(begun), _compared(json.loads(json.dumps(asked))))):
            raise BadInput(
                f"the study {shown(url)} is of another search: {'; '.join(found)}; give the same again, or name "
                "another study"
            )
        storage.set_study_user_attr(study.number, CLOSED, False)
    return study


def join_study(url: str) -> Study:
    """The study of a search that was begun elsewhere; raises BadInput where there is none."""
    with answering(url):
        study = _opened(url, open_storage(url, new=False), new=False)
        if SEARCH not in study.about:
            raise _none(url)
        return study


def close_study(study: Study) -> None:
    """Tell all workers that the search has ended: each stops after the network that it is at."""
    with answering(study.url):
        study.storage.set_study_user_attr(study.number, CLOSED, True)


def found(study: Study, space: Space) -> tuple[Found, ...]:
    """The networks that were judged after their whole training, in the order in which they were drawn."""
    with answering(study.url):
        trials = study.trials
    done = [trial for trial in finished(trials) if trial.state is TrialState.COMPLETE]
    begun = min((trial.datetime_start for trial in trials if trial.datetime_start), default=None)
    judged = []
    for trial in done:
        assert begun is not None
        assert trial.datetime_complete is not None
        at = max(0.0, (trial.datetime_complete - begun).total_seconds())
        judged.append(Found(genes_of(space, trial), trial.user_attrs[ACCURACY], trial.user_attrs[SECONDS], at))
    return tuple(judged)


def table_of(study: Study) -> LatencyTable:
    """The latency table that the study holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "latency.json"
        path.write_bytes(zlib.decompress(base64.b85decode(study.about[TABLE])))
        return read_table(path)


def _opened(url: str, storage: BaseStorage, *, new: bool) -> Study:
    try:
        if new:
            study = optuna.create_study(storage=storage, study_name=NAME, direction="maximize", load_if_exists=True)
        else:
            study = optuna.load_study(storage=storage, study_name=NAME)
    except KeyError:
        raise _none(url) from None
    return Study(url, storage, storage.get_study_id_from_name(NAME), study)


def _none(url: str) -> BadInput:
    return BadInput(f"{shown(url)} holds no search; begin one with `featherlight search DATA --study {shown(url)}`")


def _compared(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != OPTIONS}
