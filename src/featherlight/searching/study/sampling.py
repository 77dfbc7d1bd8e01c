"""The next network: drawn at random, or by Optuna's TPE, which sees the study without its accidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching.space import Choice, Genes, Space
from featherlight.searching.study.attempts import Place, draws, place
from featherlight.searching.study.search import Sampler
from featherlight.searching.variation import random_genes

STUCK = 5  # draws of what was tried already, before one at random


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """What a space is to Optuna: each choice a parameter by its name, whose value is the index of the option taken."""
    return {choice.name: _distribution(choice) for choice in space.choices}


def genes_of(space: Space, trial: FrozenTrial) -> Genes:
    """The network of a trial."""
    return tuple(trial.params[choice.name] for choice in space.choices)


def named(space: Space, genes: Genes) -> dict[str, int]:
    """The parameters of a trial."""
    return {choice.name: gene for choice, gene in zip(space.choices, genes, strict=True)}


class Draws:
    """Networks of a space, one after the other, hung on seed, stream and the trials before alone.

    TPE draws in a copy of the study in memory. There a draw of forty parameters costs nothing, and the study gets it in
    one piece: no worker can die between two parameters. The copy holds no lost and no failed trials, so that an
    interrupted search goes on as if it had not been.

    stream  of several workers each has its own, or those that ask at once would draw the same
    """

    def __init__(self, space: Space, sampler: Sampler, seed: int, stream: int) -> None:
        self.learns = sampler == "tpe"
        self._space, self._seed, self._stream = space, seed, stream
        self._distributions = distributions(space)
        self._copy = optuna.create_study(direction="maximize")
        self._copied: set[int] = set()

    def next(self, trials: Sequence[FrozenTrial], missed: int) -> Genes:
        """The next one after these trials, some of which may be under way, and so many draws that none of them tells.

        Raises BadInput where random drawing finds no valid network; TPE draws invalid ones too, and learns from them.
        """
        state = np.random.SeedSequence([self._seed, self._stream, draws(trials), missed])
        if not self.learns or _stuck(trials):
            return random_genes(self._space, np.random.default_rng(state))
        self._copy.sampler = _TPE(self._distributions, int(state.generate_state(1)[0]))
        for trial in trials:
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and trial.number not in self._copied:
                self._copied.add(trial.number)
                self._copy.add_trial(trial)
        # Those under way are taken for bad ones, so that workers spread out ("constant liar").
        passing = [trial for trial in trials if place(trial) is Place.RUNNING]
        first = len(self._copy.get_trials(deepcopy=False))
        for trial in passing:
            self._copy.add_trial(
                create_trial(state=TrialState.RUNNING, params=trial.params, distributions=trial.distributions)
            )
        drawn = self._copy.ask(dict(self._distributions)).params
        for number in range(first, first + len(passing) + 1):
            self._copy.tell(number, state=TrialState.FAIL)
        return tuple(int(drawn[choice.name]) for choice in self._space.choices)


def _stuck(trials: Sequence[FrozenTrial]) -> bool:
    """Whether TPE draws what was tried already again and again, as it does once it has found the best."""
    repeated = 0
    for trial in reversed(trials):
        if place(trial) is not Place.REFUSED:
            return False
        repeated += trial.state == TrialState.FAIL
        if repeated == STUCK:
            return True
    return False


class _TPE(TPESampler):
    """TPE in a space that is known; else Optuna would gather it from all trials, at each draw anew."""

    def __init__(self, known: Mapping[str, BaseDistribution], seed: int) -> None:
        super().__init__(seed=seed)
        self._known = dict(known)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._known


def _distribution(choice: Choice) -> BaseDistribution:
    options = choice.options
    ascending = all(isinstance(option, int | float) for option in options) and list(options) == sorted(options)
    if ascending and len(options) > 2:  # neighbours are alike, which a sampler should know
        return IntDistribution(0, len(options) - 1)
    return CategoricalDistribution(range(len(options)))
