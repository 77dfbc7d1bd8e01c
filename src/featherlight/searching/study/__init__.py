"""The search by short trainings: an Optuna study that any number of workers, on any number of machines, go through."""

import optuna

from featherlight.searching.study.judge import Judge, Worse, judge_of
from featherlight.searching.study.search import Sampler, Search
from featherlight.searching.study.shared import Study, close_study, create_study, found, join_study
from featherlight.searching.study.workers import work, worker

optuna.logging.set_verbosity(optuna.logging.ERROR)  # workers say themselves what they do

__all__ = [
    "Judge",
    "Sampler",
    "Search",
    "Study",
    "Worse",
    "close_study",
    "create_study",
    "found",
    "join_study",
    "judge_of",
    "work",
    "worker",
]
