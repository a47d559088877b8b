"""The reading model: tokens enter, probabilities of continuations leave. It knows no prompts and no passages.

Nothing that was evaluated for one call is used by another: the same tokens give the same figures, to the last digit,
whatever was asked before. Log-probabilities are natural ones.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qa.engine import Engine, log_softmax
from qa.errors import ContextError, ModelError
from qa.loading import BATCH_TOKENS, load
from qa.model_files import file_digest
from qa.recent import Recent

Logprobs = NDArray[np.float32]
Scores = NDArray[np.float32]
MOST_BRANCHES = 16
"""How many continuations are evaluated side by side."""
_MOST_KEPT = 48  # prefixes whose states are kept: some 6 MB each for a passage with the bundled model
_MOST_THREADS = 8  # further ones are mostly hyperthreads, which slow decoding down


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote, and the sum of its tokens' log-probabilities before the grammar took any away."""

    text: str
    logprob: float
    tokens: int


class Model(Protocol):
    """What the readers need of a language model.

    `context_tokens` is the most tokens a prompt and its continuation may have together. `begin_token` is put before
    every prompt unless it is `None`; `begin_text` and `end_text` are what a chat template calls bos and eos.
    """

    name: str
    path: Path
    context_tokens: int
    threads: int
    vocabulary_size: int
    begin_token: int | None
    begin_text: str
    end_text: str
    chat_template: str | None

    @property
    def digest(self) -> str:
        """SHA-256 of the weights file, in hexadecimal."""

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end a text or a turn."""

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Tokens of a text, nothing added. Without `special`, control tokens in it are text like any other."""

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; none for a control token."""

    def start(self, tokens: Sequence[int]) -> Logprobs:
        """Evaluate a prompt from nothing; log-probabilities (vocabulary_size,) of the next token."""

    def start_after(self, prefix: Sequence[int], tokens: Sequence[int]) -> Scores:
        """`start` with both, the prefix for itself, whose state may be kept for the next time.

        The log-probabilities are all up to the same constant.
        """

    def explore(
        self, paths: Sequence[Sequence[int]], choices: Sequence[int], wanted: Sequence[Sequence[int]] | None = None
    ) -> list[Scores]:
        """Continue what was started in several ways, and go back.

        For each path the log-probabilities of the `choices` after each of its tokens, (tokens, choices), all of a row
        up to the same constant. `wanted` names the places of those tokens of each path after which they are asked for,
        where that is not all.
        """

    def advance(self, token: int) -> Logprobs:
        """Add one token to what was started; log-probabilities (vocabulary_size,) of the next."""

    def score(self, prefix: Sequence[int], continuation: Sequence[int]) -> float:
        """Mean log-probability of the continuation's tokens after the prefix."""

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        """`score` of one continuation after each prefix, independent of one another."""

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        """The likeliest text step by step that a GBNF grammar admits, to its end or to `max_tokens`.

        `grown` is called with the text so far after every step.
        """


@runtime_checkable
class Shareable(Protocol):
    """A model that can be used by several threads of control."""

    def shared(self, count: int) -> AbstractContextManager[Sequence[Model]]:
        """Models that give the same figures, `count` or fewer, for one thread of control each; itself among them."""


class LlamaModel:
    """A GGUF file run in this process. One context, one thread of control."""

    def __init__(self, engine: Engine, path: Path, context_tokens: int, threads: int, branching: bool = False) -> None:
        self.name = path.name
        self.path = path
        self.context_tokens = context_tokens
        self.threads = threads
        self.vocabulary_size = engine.vocabulary_size
        self.chat_template = engine.metadata("tokenizer.chat_template")
        begin, add_begin = engine.first_token()
        self.begin_token = begin if add_begin and begin >= 0 else None
        self.begin_text = engine.token_text(begin)
        self.end_text = engine.token_text(engine.last_token())
        self._engine = engine
        self._pieces: dict[int, bytes] = {}
        self._branching = branching
        self._kept: Recent[tuple[int, ...], bytes] = Recent(_MOST_KEPT)
        self._started: list[int] = []

    @classmethod
    def open(
        cls,
        path: Path,
        context_tokens: int = 2048,
        threads: int | None = None,
        lora: Path | None = None,
        branching: bool = False,
    ) -> "LlamaModel":
        """Load weights, with a LoRA adapter over them if one is named; with `branching` it can `explore`.

        `context_tokens` is cut to what the model was trained for. Raises `ModelError` for a file that is missing, not
        in GGUF form, incomplete, or of a model that does not write text, and for an adapter that does not fit.
        """
        threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
        native = load(path, context_tokens, threads, lora, MOST_BRANCHES if branching else 0)
        return cls(Engine(native), path, native.context_tokens, threads, branching)

    @contextmanager
    def shared(self, count: int) -> Iterator[list["LlamaModel"]]:
        """This model and others over the same weights, `count` in all, for as many threads of control at once.

        They divide the threads that this one has, and share the states of prefixes, of which each brings room for as
        many. All give the same figures. There are fewer where there is no room for more. The others give their memory
        back when nobody uses them any more.
        """
        threads = max(1, self.threads // count)
        branches = MOST_BRANCHES if self._branching else 0
        models = [self]
        with suppress(ModelError):  # no room for another context
            for _ in range(count - 1):
                engine = self._engine.beside(self.path, threads, branches)
                model = LlamaModel(engine, self.path, self.context_tokens, threads, self._branching)
                model._kept = self._kept
                models.append(model)
        self._engine.use_threads(max(1, self.threads // len(models)))
        self._kept.make_room(_MOST_KEPT * len(models))
        try:
            yield models
        finally:
            self._engine.use_threads(self.threads)
            self._kept.make_room(_MOST_KEPT)

    def close(self) -> None:
        """Give the memory back; the model cannot be used afterwards."""
        self._engine.close()

    def forget(self) -> None:
        """Keep no prefix any longer: the next start after each is as slow as the first. Figures do not change."""
        self._kept.clear()

    @cached_property
    def digest(self) -> str:
        """See `Model`."""
        return file_digest(self.path)

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """See `Model`."""
        return self._engine.end_tokens()

    @cached_property
    def _markup(self) -> re.Pattern[str]:
        """Finds what the tokeniser recognises even with control tokens off and what looks like markup (`<think>`)."""
        marked = [text for text in self._engine.added_tokens() if len(text) > 1 and text[0] == "<" and text[-1] == ">"]
        return re.compile("|".join(map(re.escape, sorted(marked, key=len, reverse=True))) or r"(?!)")

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """See `Model`."""
        if special:
            return self._engine.tokenize(text.encode(), special=True)
        # A cut after the "<" keeps the tokeniser from seeing the token as one.
        found = self._markup.finditer(text) if "<" in text else iter(())
        cuts = [0, *(match.start() + 1 for match in found), len(text)]
        pieces = (text[begin:end] for begin, end in pairwise(cuts))
        return [token for piece in pieces for token in self._engine.tokenize(piece.encode(), special=False)]

    def piece(self, token: int) -> bytes:
        """See `Model`."""
        if token not in self._pieces:
            self._pieces[token] = self._engine.piece(token)
        return self._pieces[token]

    def start(self, tokens: Sequence[int]) -> Logprobs:
        """See `Model`. Raises `ContextError` for more tokens than the context holds."""
        return self._evaluate_anew(tokens, outputs=1)[0]

    def start_after(self, prefix: Sequence[int], tokens: Sequence[int]) -> Scores:
        """See `Model`.

        A kept state is the very bytes that evaluating the prefix gave: figures do not depend on whether it was kept.
        """
        if not prefix or not tokens:
            raise ValueError("nothing to evaluate")
        self._check_room(len(prefix) + len(tokens))
        known = tuple(prefix)
        state = self._kept.get(known)
        if state is None:
            self._engine.clear()
            self._engine.evaluate(known, 0, outputs=0)
            self._kept.keep(known, self._engine.state())
        else:
            self._engine.restore(state)
        self._started = [*known, *tokens]
        return self._engine.evaluate(tokens, len(known), outputs=1)[0]

    def explore(
        self, paths: Sequence[Sequence[int]], choices: Sequence[int], wanted: Sequence[Sequence[int]] | None = None
    ) -> list[Scores]:
        """See `Model`; for one that was opened for branching."""
        columns, begin = np.asarray(choices, dtype=np.int64), len(self._started)
        asked = iter(wanted if wanted is not None else [range(len(path)) for path in paths])
        rows: list[Scores] = []
        for group in _groups(paths):
            self._check_room(begin + sum(map(len, group)))
            rows += self._engine.explore(group, begin, columns, list(islice(asked, len(group))))
        return rows

    def advance(self, token: int) -> Logprobs:
        """See `Model`. Raises `ContextError` where the context is full."""
        if not self._started:
            raise ValueError("advance before start")
        self._check_room(len(self._started) + 1)
        row = self._engine.evaluate([token], len(self._started), outputs=1)[0]
        self._started.append(token)
        return log_softmax(row)

    def score(self, prefix: Sequence[int], continuation: Sequence[int]) -> float:
        """See `Model`. Raises `ContextError` for more tokens than the context holds; neither part may be empty."""
        if not prefix or not continuation:
            raise ValueError("a score needs a prefix and a continuation")
        rows = self._evaluate_anew([*prefix, *continuation[:-1]], outputs=len(continuation))
        self._started = []
        return float(np.mean([row[token] for row, token in zip(rows, continuation, strict=True)], dtype=np.float64))

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        """See `Model`; a loop, because the figures of a shared batch would depend on one another."""
        return [self.score(prefix, continuation) for prefix in prefixes]

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        """See `Model`.

        Raises `ContextError` where the prompt and `max_tokens` together exceed the context, `ValueError` for a grammar
        that is none.
        """
        self._check_room(len(tokens) + max_tokens)
        automaton, written, total = self._engine.grammar(grammar), b"", 0.0
        logprobs = self.start(tokens)
        for count in range(max_tokens):
            token = automaton.best(logprobs)
            if token is None or token in self.end_tokens:
                return Completion(written.decode("utf-8", "ignore"), total, count)
            total += float(logprobs[token])
            written += self.piece(token)
            if grown is not None:
                grown(written.decode("utf-8", "ignore"))
            automaton.accept(token)
            logprobs = self.advance(token)
        return Completion(written.decode("utf-8", "ignore"), total, max_tokens)

    def _evaluate_anew(self, tokens: Sequence[int], outputs: int) -> list[Logprobs]:
        if not tokens:
            raise ValueError("nothing to evaluate")
        self._check_room(len(tokens))
        self._engine.clear()
        self._started = list(tokens)
        return [log_softmax(row) for row in self._engine.evaluate(self._started, 0, outputs)]

    def _check_room(self, count: int) -> None:
        if count > self.context_tokens:
            raise ContextError(
                f"a prompt of {count} tokens",
                f"at most the {self.context_tokens} of {self.name}",
                "shorten the question, or name a model with a larger context",
            )


def _groups(paths: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """The paths in order, in groups that can be evaluated at once.

    >>> [len(group) for group in _groups([[1]] * 20)]
    [16, 4]
    """
    groups: list[list[Sequence[int]]] = []
    for path in paths:
        full = groups and (len(groups[-1]) == MOST_BRANCHES or sum(map(len, [*groups[-1], path])) > BATCH_TOKENS)
        if not groups or full:
            groups.append([])
        groups[-1].append(path)
    return groups
