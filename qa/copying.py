"""The copying reader's decoder: a question and a passage enter; the likeliest runs of the passage's words leave.

At every step only those tokens compete that go on along the passage, and ending; at the first step also a control
token that says that there is no answer. No text can hold that token: were refusing written in words, a passage with the
word «No» would turn it into an answer. So the figures are probabilities over all runs of the passage and no answer, a
run being certain tokens, wherever they stand (the same words after a blank are other tokens). Training maximises these
same probabilities (`qa.training.packing`).
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from index.types import Passage
from qa.model import Model, Scores
from qa.runs import LONGEST_RUN, TokenText, token_text

_WIDTH = 6
"""Beginnings of runs that are followed side by side."""
_STRIDE = 10
"""Tokens that a beginning is followed by at once where the passage leaves no choice but to end."""
_MOST_ROUNDS = 32
_HOPELESS = math.log(1e-3)
"""A beginning this much less likely than the best one that is open is not followed."""


@dataclass(frozen=True, slots=True)
class ReaderTokens:
    """The scaffold around a text and a question, and the tokens that end a run and that say there is none."""

    before_text: tuple[int, ...]
    before_question: tuple[int, ...]
    after_question: tuple[int, ...]
    end: int
    none: int


def reader_tokens(model: Model) -> ReaderTokens:
    """Control tokens of the bundled model: no text can hold them."""
    begin, end, none = (model.tokenize(sign, special=True) for sign in ("<|im_start|>", "<|im_end|>", "<|endoftext|>"))
    return ReaderTokens(tuple(begin), tuple(begin), tuple(end), end[0], none[0])


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of a run: code points `start` to `end` of the passage's document."""

    passage: Passage
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """Words of a passage with the places where they stand in it, and the natural logarithm of their probability."""

    text: str
    occurrences: tuple[Occurrence, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Copied:
    """A passage's likeliest runs, best first, and the natural log-probability that it does not answer."""

    passage: Passage
    runs: tuple[CopiedRun, ...]
    no_answer_logprob: float


def copy_answer(model: Model, question: str, passage: Passage) -> Copied:
    """The runs of a passage that answer a question most likely.

    The first is the likeliest of all but for beginnings that were given up as hopeless. Raises `ContextError` where
    passage and question do not fit the model's context, `SpellingError` where its tokens do not stand for the
    passage.
    """
    signs = reader_tokens(model)
    told = token_text(passage.text, model.tokenize(passage.text), model.piece)
    asked = (*signs.before_question, *model.tokenize(question), *signs.after_question)
    scores = model.start_after((*signs.before_text, *told.tokens), asked)
    search = _Search(told, signs.end)
    no_answer = search.begin(scores, signs.none)
    search.run(model)
    runs = [
        CopiedRun(text, tuple(Occurrence(passage, passage.start + a, passage.start + b) for a, b in places), logprob)
        for text, places, logprob in search.found()
    ]
    return Copied(passage, tuple(runs), no_answer)


@dataclass(order=True, slots=True)
class _Beginning:
    """Tokens of a run so far, and the places of its next token: ordered from the likeliest on."""

    cost: float
    number: int
    tokens: tuple[int, ...] = field(compare=False)
    places: tuple[int, ...] = field(compare=False)


class _Search:
    """Best-first search over the runs of a passage.

    A run can only be less likely than its beginning, so that when a whole run is at least as likely as all beginnings
    that are still open, it is the likeliest.
    """

    def __init__(self, text: TokenText, end: int) -> None:
        self._text = text
        self._end = end
        self._choices = sorted({*text.tokens, end})
        self._column = {token: column for column, token in enumerate(self._choices)}
        self._open: list[_Beginning] = []
        self._pushed = 0
        self._closed: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}

    def begin(self, scores: Scores, none: int) -> float:
        """Opens all first tokens by scores over the whole vocabulary; gives the log-probability of no answer."""
        groups = self._grouped(place for place, begins in enumerate(self._text.begins) if begins)
        tokens = [*groups, none]
        logprobs = _log_softmax(scores[tokens])
        for token, logprob in zip(groups, logprobs, strict=False):
            self._push(float(logprob), (token,), groups[token])
        return float(logprobs[-1])

    def run(self, model: Model) -> None:
        """Follows the likeliest beginnings until no open one could lead to anything better than the best run."""
        for _ in range(_MOST_ROUNDS):
            bound = max((logprob for logprob, _ in self._closed.values()), default=-math.inf)
            chosen = [heapq.heappop(self._open) for _ in range(min(_WIDTH, len(self._open)))]
            chosen = [each for each in chosen if -each.cost > max(bound, -chosen[0].cost + _HOPELESS)]
            if not chosen:
                return
            paths = [self._path(each) for each in chosen]
            for beginning, path, rows in zip(chosen, paths, model.explore(paths, self._choices), strict=True):
                self._follow(beginning, path, rows)

    def _path(self, beginning: _Beginning) -> tuple[int, ...]:
        """The beginning, and what follows it as long as there is no choice."""
        tokens, places = beginning.tokens, beginning.places
        for _ in range(_STRIDE):
            following = self._grouped(self._next(places))
            if len(following) != 1 or len(tokens) == LONGEST_RUN:
                break
            ((token, places),) = following.items()
            tokens = (*tokens, token)
        return tokens

    def _follow(self, beginning: _Beginning, path: tuple[int, ...], rows: Scores) -> None:
        """Takes note of all runs that end along a path, and of all that leave it."""
        logprob, places = -beginning.cost, beginning.places
        for length in range(len(beginning.tokens), len(path) + 1):
            tokens = path[:length]
            ends = tuple(place for place in places if self._text.closes[place])
            following = self._grouped(self._next(places)) if length < LONGEST_RUN else {}
            possible = [*following, *([self._end] if ends else [])]
            if not possible:
                return
            logprobs = logprob + _log_softmax(rows[length - 1, [self._column[token] for token in possible]])
            if ends:
                self._closed[tokens] = float(logprobs[-1]), ends
            goes_on = path[length] if length < len(path) else None
            for token, each in zip(following, logprobs, strict=False):
                if token != goes_on:
                    self._push(float(each), (*tokens, token), following[token])
            if goes_on is None:
                return
            logprob, places = float(logprobs[list(following).index(goes_on)]), following[goes_on]

    def found(self) -> Iterator[tuple[str, list[tuple[int, int]], float]]:
        """Runs from the likeliest on: their text, where they stand, their log-probability."""
        for tokens, (logprob, ends) in sorted(self._closed.items(), key=lambda item: -item[1][0]):
            places = [(self._text.starts[end - len(tokens) + 1], self._text.ends[end]) for end in ends]
            yield self._text.text[slice(*places[0])], places, logprob

    def _push(self, logprob: float, tokens: tuple[int, ...], places: tuple[int, ...]) -> None:
        heapq.heappush(self._open, _Beginning(-logprob, self._pushed, tokens, places))
        self._pushed += 1

    def _next(self, places: Iterable[int]) -> Iterator[int]:
        return (place + 1 for place in places if place + 1 < len(self._text.tokens))

    def _grouped(self, places: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Places by the token that stands there."""
        groups: dict[int, tuple[int, ...]] = {}
        for place in places:
            token = self._text.tokens[place]
            groups[token] = (*groups.get(token, ()), place)
        return groups


def _log_softmax(scores: Scores) -> Scores:
    shifted = scores.astype(np.float64) - scores.max()
    return np.asarray(shifted - math.log(np.exp(shifted).sum()))
