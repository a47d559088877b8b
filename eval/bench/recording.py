"""A reading model's calls of llama.cpp, noted while it answers, so that they can be made again without it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qa.engine import Engine
from qa.model import LlamaModel

Rows = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """Everything evaluated was forgotten."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """The kept state of a prefix was put in the place of what was evaluated."""

    prefix: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Tokens were evaluated from a position on; `rows` are the logits after the last of them."""

    tokens: tuple[int, ...]
    position: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class Explored:
    """Paths were evaluated side by side from a position on; of each the logits of the choices after the tokens at the
    wanted places, (wanted, choices).
    """

    paths: tuple[tuple[int, ...], ...]
    position: int
    choices: NDArray[np.int64]
    wanted: tuple[tuple[int, ...], ...]
    rows: Rows


Call = Cleared | PutBack | Evaluated | Explored


@contextmanager
def recorded(model: LlamaModel) -> Iterator[list[Call]]:
    """The calls that a model makes until the end of the context, in order. Taking a state is none: it reads only.

    The model forgets what it kept: which prefix a state is of is known of those that are taken from here on.
    """
    engine, calls = model._engine, list[Call]()
    model.forget()
    model._engine = cast(Engine, _Recorder(engine, calls))
    try:
        yield calls
    finally:
        model._engine = engine


class _Recorder:
    """Stands before an engine and notes what is evaluated."""

    def __init__(self, engine: Engine, calls: list[Call]) -> None:
        self._engine = engine
        self._calls = calls
        self._evaluated: tuple[int, ...] = ()
        self._states: list[tuple[bytes, tuple[int, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def clear(self) -> None:
        """See `Engine`."""
        self._engine.clear()
        self._evaluated = ()
        self._calls.append(Cleared())

    def state(self) -> bytes:
        """See `Engine`."""
        state = self._engine.state()
        self._states.append((state, self._evaluated))
        return state

    def restore(self, state: bytes) -> None:
        """See `Engine`."""
        self._evaluated = next(prefix for known, prefix in self._states if known is state)
        self._engine.restore(state)
        self._calls.append(PutBack(self._evaluated))

    def evaluate(self, tokens: Sequence[int], position: int, outputs: int) -> list[NDArray[np.float32]]:
        """See `Engine`."""
        rows = self._engine.evaluate(tokens, position, outputs)
        self._evaluated = (*self._evaluated[:position], *tokens)
        self._calls.append(Evaluated(tuple(tokens), position, tuple(rows)))
        return rows

    def explore(
        self,
        paths: Sequence[Sequence[int]],
        position: int,
        choices: NDArray[np.int64],
        wanted: Sequence[Sequence[int]],
    ) -> list[NDArray[np.float32]]:
        """See `Engine`."""
        rows = self._engine.explore(paths, position, choices, wanted)
        asked = tuple(map(tuple, paths)), position, choices, tuple(map(tuple, wanted))
        self._calls.append(Explored(*asked, tuple(rows)))
        return rows
