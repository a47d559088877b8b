"""A model without weights: its log-probabilities are whatever a test says, its vocabulary is bytes and some words."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import numpy as np

from qa.model import Completion, Logprobs, Scores

END = 256
CONTROL = 257  # <|im_end|>; control tokens have no bytes
WORDS = (b" Pyong", b"yang", b" No", b"No", b" consta", b" Kim", b"Kim", b" la", b"\xc3\xb1a", b" \xe2\x82")
BEGIN, NO_ANSWER = 258 + len(WORDS), 259 + len(WORDS)
_PIECES = [*(bytes([value]) for value in range(256)), b"", b"", *WORDS, b"", b""]
_CONTROLS = {b"<|im_start|>": BEGIN, b"<|im_end|>": CONTROL, b"<|endoftext|>": NO_ANSWER}

Oracle = Callable[[tuple[int, ...]], Logprobs]


def normalise(scores: Sequence[float]) -> Logprobs:
    """Scores as log-probabilities (vocabulary_size,)."""
    row = np.asarray(scores, dtype=np.float32)
    return np.asarray(row - np.float32(np.logaddexp.reduce(row)))


def random_oracle(seed: int, scale: float = 3.0) -> Oracle:
    """Log-probabilities that depend on the seed and on every token before, and on nothing else.

    With a greater scale fewer tokens are likely.
    """

    def oracle(tokens: tuple[int, ...]) -> Logprobs:
        scores = np.random.default_rng([seed, *tokens]).normal(scale=scale, size=len(_PIECES))
        return normalise([float(score) for score in scores])

    return oracle


def scripted_oracle(script: Sequence[int], certainty: float = 8.0) -> Oracle:
    """After the last turn's end prefers one token after another, then to end the turn, whatever the turns say."""
    said = [*script, CONTROL]

    def oracle(tokens: tuple[int, ...]) -> Logprobs:
        scores = np.zeros(len(_PIECES))
        step = tokens[::-1].index(CONTROL)
        scores[said[step] if step < len(said) else CONTROL] = certainty
        return normalise([float(score) for score in scores])

    return oracle


class FakeModel:
    """Says what its oracle says; `completions` are handed out one for each call of `complete`."""

    def __init__(
        self,
        oracle: Oracle | None = None,
        completions: Sequence[str] = (),
        context_tokens: int = 100_000,
        chat_template: str | None = None,
        threads: int = 1,
    ) -> None:
        self.name = "fake.gguf"
        self.path = Path("fake.gguf")
        self.digest = "0" * 64
        self.context_tokens = context_tokens
        self.threads = threads
        self.vocabulary_size = len(_PIECES)
        self.end_tokens = frozenset({END})
        self.begin_token: int | None = None
        self.begin_text = ""
        self.end_text = ""
        self.chat_template = chat_template
        self.prompts: list[tuple[int, ...]] = []
        self.explored: list[tuple[int, ...]] = []
        self._oracle = oracle or random_oracle(0)
        self._completions = deque(completions)
        self._tokens: tuple[int, ...] = ()

    @contextmanager
    def shared(self, count: int) -> Iterator[list["FakeModel"]]:
        """Itself and others that say the same."""
        yield [self, *(copy(self) for _ in range(count - 1))]

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """The longest word of the vocabulary at each place, else one byte."""
        data, tokens = text.encode(), list[int]()
        while data:
            sign = next((sign for sign in _CONTROLS if special and data.startswith(sign)), None)
            if sign is not None:
                tokens, data = [*tokens, _CONTROLS[sign]], data.removeprefix(sign)
                continue
            word = max((word for word in WORDS if data.startswith(word)), key=len, default=data[:1])
            tokens.append(_PIECES.index(word))
            data = data[len(word) :]
        return tokens

    def piece(self, token: int) -> bytes:
        return _PIECES[token]

    def start(self, tokens: Sequence[int]) -> Logprobs:
        self.prompts.append(tuple(tokens))
        self._tokens = tuple(tokens)
        return self._oracle(self._tokens)

    def start_after(self, prefix: Sequence[int], tokens: Sequence[int]) -> Logprobs:
        if not prefix or not tokens:
            raise ValueError("nothing to evaluate")
        return self.start((*prefix, *tokens))

    def explore(
        self, paths: Sequence[Sequence[int]], choices: Sequence[int], wanted: Sequence[Sequence[int]] | None = None
    ) -> list[Scores]:
        self.explored += map(tuple, paths)
        asked = wanted if wanted is not None else [range(len(path)) for path in paths]
        return [
            np.array([self._oracle((*self._tokens, *path[: step + 1]))[list(choices)] for step in steps])
            for path, steps in zip(paths, asked, strict=True)
        ]

    def advance(self, token: int) -> Logprobs:
        self._tokens = (*self._tokens, token)
        return self._oracle(self._tokens)

    def score(self, prefix: Sequence[int], continuation: Sequence[int]) -> float:
        before = tuple(prefix)
        rows = [self._oracle((*before, *continuation[:step])) for step in range(len(continuation))]
        return float(np.mean([row[token] for row, token in zip(rows, continuation, strict=True)]))

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        return [self.score(prefix, continuation) for prefix in prefixes]

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        self.prompts.append(tuple(tokens))
        text = self._completions.popleft()
        if grown is not None:
            for length in range(1, len(text) + 1):
                grown(text[:length])
        count = len(self.tokenize(text))
        return Completion(text, -0.1 * count, count)
