"""Two sides measured by turns, so that what slows a machine down for a while slows both."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_SEED = 0
Item = TypeVar("Item")
Measured = Callable[[], float]
"""Does once what is measured; gives its seconds, without what does not count."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds, or bytes, of both sides, pair by pair."""

    ours: tuple[float, ...] = ()
    bare: tuple[float, ...] = ()

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(self.ours + other.ours, self.bare + other.bare)


def alternated(ours: Measured, bare: Measured, count: int, begun: int = 0) -> Pairs:
    """So many pairs: ours first in the first one, the other side first in the second, and so on.

    `begun` is the number of pairs before these, where they go on with others. Whoever calls has warmed both sides up.
    """
    pairs = Pairs()
    for number in range(begun, begun + count):
        if number % 2:
            after = bare()
            pairs += Pairs((ours(),), (after,))
        else:
            before = ours()
            pairs += Pairs((before,), (bare(),))
    return pairs


def warmed(ours: Measured, bare: Measured, count: int) -> Pairs:
    """The same after one run of each that is not counted."""
    ours(), bare()
    return alternated(ours, bare, count)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of wall-clock time that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def drawn(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, the same in every run: all of them again and again where there are not enough."""
    if not items:
        raise ValueError("nothing to draw from")
    mixed = random.Random(_SEED).sample(items, len(items))
    return [mixed[number % len(mixed)] for number in range(count)]
