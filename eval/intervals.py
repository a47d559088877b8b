"""Figures with their intervals: how far a figure could be off because these questions were asked and not others. Pure.

Percentile bootstrap over questions (Efron & Tibshirani 1993, chapter 13). The resamples depend on nothing but the
number of questions, so the same answers always give the same figures.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.types import Figure

RESAMPLES = 2_000
_SEED = 0
_BOUNDS = (2.5, 97.5)
_NOTHING = Figure(0.0, 0.0, 0.0, 0)

Numbers = Sequence[float] | NDArray[np.float64]


def mean_with_interval(values: Numbers) -> Figure:
    """The mean of one value per question, in the values' unit, with its 95 % bootstrap interval.

    Percentile bootstrap with 2,000 resamples (Efron & Tibshirani 1993). Equal values, and a single one, have an
    interval of no width, which says nothing of how sure the figure is. Without values all is 0.

    >>> mean_with_interval([1.0, 1.0, 1.0])
    Figure(value=1.0, low=1.0, high=1.0, n=3)
    """
    array = np.asarray(values, dtype=float)
    if not len(array):
        return _NOTHING
    if (array == array[0]).all():
        # A mean of equal values may differ from them in the last digit.
        return Figure(float(array[0]), float(array[0]), float(array[0]), len(array))
    return _figure(float(array.mean()), array[_resamples(len(array))].mean(axis=1), len(array))


def paired_difference(before: Numbers, after: Numbers) -> Figure:
    """The mean of after - before over the same questions, with its 95 % bootstrap interval.

    Questions are resampled in pairs (Koehn 2004, https://aclanthology.org/W04-3250), which takes out how hard each is.
    A gain is more than chance where the interval lies above 0. Raises `ValueError` for different numbers of values.

    >>> paired_difference([0.0, 1.0], [0.5, 1.5])
    Figure(value=0.5, low=0.5, high=0.5, n=2)
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after are no pairs")
    return mean_with_interval(np.asarray(after, dtype=float) - np.asarray(before, dtype=float))


def interval_of(statistic: Callable[..., float | None], *arrays: Sequence[Any] | NDArray[Any]) -> Figure:
    """A statistic of all questions together with its 95 % bootstrap interval, in its own unit.

    `statistic` takes the arrays, which hold one value per question. It may return None where it is undefined: such
    resamples are left out, and undefined for the questions as they are it has a figure of n = 0. Percentile bootstrap
    (Efron & Tibshirani 1993). Raises `ValueError` for arrays of different lengths.

    >>> interval_of(lambda values: float(values.max()), [2.0, 2.0])
    Figure(value=2.0, low=2.0, high=2.0, n=2)
    """
    columns = [np.asarray(array) for array in arrays]
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise ValueError(f"arrays of different lengths: {sorted(lengths)}")
    (n,) = lengths
    value = statistic(*columns) if n else None
    if value is None:
        return _NOTHING
    drawn = (statistic(*(column[places] for column in columns)) for places in _resamples(n))
    defined = [one for one in drawn if one is not None]
    return _figure(value, np.array(defined or [value]), n)


def _figure(value: float, resampled: NDArray[np.float64], n: int) -> Figure:
    low, high = np.percentile(resampled, _BOUNDS)
    return Figure(value, float(low), float(high), n)


@lru_cache(maxsize=32)
def _resamples(n: int) -> NDArray[np.intp]:
    """Each row the places of one resample of n questions."""
    return np.random.default_rng(_SEED).integers(0, n, (RESAMPLES, n))
