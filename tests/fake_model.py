"""A model without weights: its log-probabilities are whatever a test says, its vocabulary is bytes and some words."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from qa.model import Completion, Logprobs

END = 256
CONTROL = 257  # <|im_end|>, which has no bytes
WORDS = (b" Pyong", b"yang", b" No", b"No", b" consta", b" Kim", b"Kim", b" la", b"\xc3\xb1a", b" \xe2\x82")
_PIECES = [*(bytes([value]) for value in range(256)), b"", b"", *WORDS]

Oracle = Callable[[tuple[int, ...]], Logprobs]


def normalise(scores: Sequence[float]) -> Logprobs:
    """Scores as log-probabilities (vocabulary_size,)."""
    row = np.asarray(scores, dtype=np.float32)
    return np.asarray(row - np.float32(np.logaddexp.reduce(row)))


def random_oracle(seed: int) -> Oracle:
    """Log-probabilities that depend on the seed and on every token before, and on nothing else."""

    def oracle(tokens: tuple[int, ...]) -> Logprobs:
        scores = np.random.default_rng([seed, *tokens]).normal(scale=3.0, size=len(_PIECES))
        return normalise([float(score) for score in scores])

    return oracle


def scripted_oracle(prompt_length: int, token_texts: Sequence[bytes], certainty: float = 8.0) -> Oracle:
    """Prefers one token after another, then the end, whatever the prompt says."""
    script = [*(_PIECES.index(text) for text in token_texts), END]

    def oracle(tokens: tuple[int, ...]) -> Logprobs:
        scores = np.zeros(len(_PIECES))
        step = len(tokens) - prompt_length
        scores[script[step] if 0 <= step < len(script) else END] = certainty
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
    ) -> None:
        self.name = "fake.gguf"
        self.path = Path("fake.gguf")
        self.digest = "0" * 64
        self.context_tokens = context_tokens
        self.threads = 1
        self.vocabulary_size = len(_PIECES)
        self.end_tokens = frozenset({END})
        self.begin_token: int | None = None
        self.begin_text = ""
        self.end_text = ""
        self.chat_template = chat_template
        self.prompts: list[tuple[int, ...]] = []
        self._oracle = oracle or random_oracle(0)
        self._completions = deque(completions)
        self._tokens: tuple[int, ...] = ()

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """The longest word of the vocabulary at each place, else one byte."""
        data, tokens = text.encode(), list[int]()
        while data:
            if special and data.startswith(b"<|im_end|>"):
                tokens, data = [*tokens, CONTROL], data.removeprefix(b"<|im_end|>")
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

    def advance(self, token: int) -> Logprobs:
        self._tokens = (*self._tokens, token)
        return self._oracle(self._tokens)

    def rewind(self, length: int) -> None:
        self._tokens = self._tokens[:length]

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
