"""Which class of a network each class of a data set is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from featherlight.errors import BadInput

_SHOWN = 10  # names in an error


def match_labels(network: Sequence[str], data: Sequence[str], *, subset: bool = False) -> NDArray[np.int64]:
    """The network's index of each class of the data, found by its name: int64, one a class of the data.

    The two may stand in another order, but must be the same names: raises BadInput with the difference where the data
    lack a class that the network knows or have one that it does not. With `subset` they may lack some.
    """
    twice = [name for names in (network, data) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadInput(f"class names must differ to be matched; {_list(twice)} stands more than once")
    index = {name: place for place, name in enumerate(network)}
    extra = [name for name in data if name not in index]
    missing = sorted(set(network).difference(data), key=index.__getitem__)
    problems = []
    if missing and not subset:
        problems.append(f"lack {_list(missing)}")
    if extra:
        problems.append(f"have {_list(extra)}, unknown to it")
    if problems:
        mend = "" if extra else "; where a part of its classes is meant, say so: subset=True, or --subset"
        raise BadInput(f"the data must have the network's classes; they {' and '.join(problems)}{mend}")
    return np.array([index[name] for name in data], np.int64)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
