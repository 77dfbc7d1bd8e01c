"""The next network: made of the best ones so far, by Optuna's TPE, or at random.

The first two begin with the likes of hand-made networks. All see the study without its accidents, and draw the same
for the same trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching.drawing import networks_within
from featherlight.searching.evolution import child
from featherlight.searching.hand_made import hand_made
from featherlight.searching.space import Choice, Genes, Space
from featherlight.searching.study.attempts import Place, attempts, draws, place
from featherlight.searching.study.halving import best_first
from featherlight.searching.study.judge import digest_of
from featherlight.searching.study.search import Search
from featherlight.searching.variation import network_of

DRAWN = 8  # networks, the likes of hand-made ones among them, before the first has parents
PARENTS = 8  # of the best
RANDOM = 0.25  # share of the others that are drawn at random nevertheless, lest all are like the first ones
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
    """Networks of a search, one after the other, hung on its seed, the stream and the trials before alone.

    Children and networks at random keep the budget; TPE draws others too, and is told of them. It draws in a copy of
    the study in memory. There a draw of forty parameters costs nothing, and the study gets it in one piece: no worker
    can die between two parameters. The copy holds no lost and no failed trials, so that an interrupted search goes on
    as if it had not been.

    stream  of several workers each has its own, or those that ask at once would draw the same
    """

    def __init__(self, search: Search, stream: int) -> None:
        self.learns = search.sampler == "tpe"
        self._search, self._stream = search, stream
        self._distributions = distributions(search.space)
        self._copy = optuna.create_study(direction="maximize")
        self._copied: set[int] = set()

    def next(self, trials: Sequence[FrozenTrial], missed: int) -> Genes:
        """The next one after these trials, some of which may be under way, and so many draws that none of them tells.

        Raises BadInput where none that keeps the budget is found, with the nearest time.
        """
        search = self._search
        state = np.random.SeedSequence([search.seed, self._stream, draws(trials), missed])
        generator, tried = np.random.default_rng(state), attempts(trials)
        if search.sampler != "random":
            for like in self._hand_made:
                if digest_of(network_of(search.space, like)) not in tried:
                    return like
        evolves = search.sampler == "evolution" and len(tried) >= DRAWN and not missed
        if evolves and generator.random() >= RANDOM and (made := self._child(trials, generator)):
            return made
        if not self.learns or _stuck(trials):
            return networks_within(search.space, search.clock, search.budget, 1, generator)[0]
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
        return tuple(int(drawn[choice.name]) for choice in search.space.choices)

    @cached_property
    def _hand_made(self) -> tuple[Genes, ...]:
        return hand_made(self._search.space, self._search.clock, self._search.budget)

    def _child(self, trials: Sequence[FrozenTrial], generator: np.random.Generator) -> Genes | None:
        """A network that was not tried, made of the best ones; None where none is found."""
        search, tried = self._search, attempts(trials)
        parents = [genes_of(search.space, trial) for trial in best_first(trials)[:PARENTS]]

        def new(genes: Genes) -> bool:
            spec = network_of(search.space, genes)
            return digest_of(spec) not in tried and search.clock(spec) <= search.budget

        return child(search.space, [parents], new, generator) if parents else None


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
