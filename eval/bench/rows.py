"""What was measured -> a row: a figure with its interval, its target, and both sides of the comparison. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.pairs import Pairs
from eval.intervals import interval_of, mean_with_interval
from eval.types import Figure

_NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: what it is, and each of its values in a unit."""

    title: str
    values: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        """Half of the values are no higher."""
        return float(np.median(self.values))

    @property
    def p95(self) -> float:
        """95 % of the values are no higher; with few values it lies between the highest two."""
        return float(np.percentile(self.values, 95))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `figure` may be `target` at most, or at least where `at_least` is set. The sides are what was measured and what it
    is divided by; a row need not have both.
    """

    name: str
    figure: Figure
    target: float
    at_least: bool = False
    sides: tuple[Side, ...] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: _NO_DETAILS)

    @property
    def met(self) -> bool:
        """Whether the figure itself, not only an end of its interval, is on the right side of the target."""
        return self.figure.value >= self.target if self.at_least else self.figure.value <= self.target


def ratio_row(
    name: str,
    target: float,
    titles: tuple[str, str],
    pairs: Pairs,
    unit: str = "s",
    details: Mapping[str, Any] = _NO_DETAILS,
) -> Row:
    """The median of the first side over that of the second, with an interval from resampling the pairs."""
    sides = (Side(titles[0], pairs.ours, unit), Side(titles[1], pairs.bare, unit))
    return Row(name, interval_of(_ratio, pairs.ours, pairs.bare), target, sides=sides, details=details)


def median_row(name: str, target: float, side: Side) -> Row:
    """The median of one side in its unit, which may be the target at most."""
    figure = interval_of(lambda values: float(np.median(values)), side.values)
    return Row(name, figure, target, sides=(side,))


def least_row(name: str, target: float, values: Sequence[float], details: Mapping[str, Any] = _NO_DETAILS) -> Row:
    """The smallest of values, which must be the target at least. It has no interval: others might be smaller yet."""
    least = min(values)
    return Row(name, Figure(least, least, least, len(values)), target, at_least=True, details=details)


def share_row(name: str, target: float, values: Sequence[bool], details: Mapping[str, Any] = _NO_DETAILS) -> Row:
    """The share of values that are true, which must be the target at least."""
    return Row(name, mean_with_interval([float(each) for each in values]), target, at_least=True, details=details)


def _ratio(ours: NDArray[np.float64], bare: NDArray[np.float64]) -> float:
    return float(np.median(ours) / np.median(bare))
