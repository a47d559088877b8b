"""The copying reader's decoder: a question and a passage enter; the likeliest runs of the passage's words leave.

At every step only those tokens compete that go on along the passage, and ending; at the first step also a control
token that says that there is no answer. No text can hold that token: were refusing written in words, a passage with the
word «No» would turn it into an answer. So the figures are probabilities over all runs of the passage and no answer, a
run being certain tokens, wherever they stand (the same words after a blank are other tokens). Training maximises these
same probabilities (`qa.training.packing`).
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from index.types import Passage
from qa.model import Model, Scores
from qa.recent import Recent
from qa.runs import LONGEST_RUN, TokenText, token_text

_WIDTH = 6
"""Beginnings of runs that are followed side by side."""
_STRIDE = 10
"""Tokens that a beginning is followed by at once where the passage leaves no choice but to end."""
_MOST_ROUNDS = 32
_MOST_TOLD = 256
"""Passages whose tokens are remembered."""
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
    known = _known_of.get(model) or _known_of.setdefault(model, _Known(model))
    signs, told = known.signs, known.told(model, passage.text)
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


class _Known:
    """What would be asked of a model's tokeniser again and again: the control tokens, and the tokens of passages."""

    def __init__(self, model: Model) -> None:
        self.signs = reader_tokens(model)
        self._texts: Recent[str, TokenText] = Recent(_MOST_TOLD)

    def told(self, model: Model, text: str) -> TokenText:
        """The text with the model's tokens."""
        told = self._texts.get(text)
        if told is None:
            told = token_text(text, model.tokenize(text), model.piece)
            self._texts.keep(text, told)
        return told


_known_of: WeakKeyDictionary[Model, _Known] = WeakKeyDictionary()


@dataclass(order=True, slots=True)
class _Beginning:
    """Tokens of a run so far, and the places of its next token: ordered from the likeliest on."""

    cost: float
    number: int
    tokens: tuple[int, ...] = field(compare=False)
    places: tuple[int, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Step:
    """What may come after some tokens of a run: its end at some places, and further tokens with the places of each."""

    ends: tuple[int, ...]
    following: dict[int, tuple[int, ...]]

    @property
    def is_choice(self) -> bool:
        return len(self.following) + bool(self.ends) > 1


@dataclass(frozen=True, slots=True)
class _Path:
    """Tokens of a run, and what may come after each of the last of them."""

    tokens: tuple[int, ...]
    steps: tuple[_Step, ...]

    @property
    def wanted(self) -> list[int]:
        """The tokens after which the model is asked: within a word there is mostly but one way on."""
        first = len(self.tokens) - len(self.steps)
        return [place for place, step in enumerate(self.steps, first) if step.is_choice]


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
        logprobs = _log_softmax(scores[tokens].tolist())
        for token, logprob in zip(groups, logprobs, strict=False):
            self._push(logprob, (token,), groups[token])
        return logprobs[-1]

    def run(self, model: Model) -> None:
        """Follows the likeliest beginnings until no open one could lead to anything better than the best run."""
        for _ in range(_MOST_ROUNDS):
            bound = max((logprob for logprob, _ in self._closed.values()), default=-math.inf)
            chosen = [heapq.heappop(self._open) for _ in range(min(_WIDTH, len(self._open)))]
            chosen = [each for each in chosen if -each.cost > max(bound, -chosen[0].cost + _HOPELESS)]
            if not chosen:
                return
            paths = [self._path(each) for each in chosen]
            explored = model.explore([path.tokens for path in paths], self._choices, [path.wanted for path in paths])
            for beginning, path, rows in zip(chosen, paths, explored, strict=True):
                self._follow(beginning, path, rows)

    def _path(self, beginning: _Beginning) -> _Path:
        """The beginning, and what follows it as long as there is no choice."""
        tokens, places, steps = beginning.tokens, beginning.places, list[_Step]()
        while True:
            ends = tuple(place for place in places if self._text.closes[place])
            following = self._grouped(self._next(places)) if len(tokens) < LONGEST_RUN else {}
            steps.append(_Step(ends, following))
            if len(following) != 1 or len(steps) > _STRIDE:
                return _Path(tokens, tuple(steps))
            ((token, places),) = following.items()
            tokens = (*tokens, token)

    def _follow(self, beginning: _Beginning, path: _Path, rows: Scores) -> None:
        """Takes note of all runs that end along a path, and of all that leave it."""
        logprob, scores = -beginning.cost, iter(rows)
        for length, step in enumerate(path.steps, len(beginning.tokens)):
            tokens = path.tokens[:length]
            possible = [*step.following, *([self._end] if step.ends else [])]
            if not possible:
                return
            logprobs = [logprob]  # certain where nothing else is possible
            if step.is_choice:
                row = next(scores)
                among = _log_softmax([float(row[self._column[token]]) for token in possible])
                logprobs = [logprob + each for each in among]
            if step.ends:
                self._closed[tokens] = logprobs[-1], step.ends
            goes_on = path.tokens[length] if length < len(path.tokens) else None
            for token, each in zip(step.following, logprobs, strict=False):
                if token == goes_on:
                    logprob = each
                else:
                    self._push(each, (*tokens, token), step.following[token])

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


def _log_softmax(scores: Sequence[float]) -> list[float]:
    """Mostly of two or three scores, for which NumPy takes longer."""
    highest = max(scores)
    total = highest + math.log(sum(math.exp(score - highest) for score in scores))
    return [score - total for score in scores]
