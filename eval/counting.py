"""A reading model that counts what it evaluates: the same figures out, and how many tokens they took."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.model import Completion, Logprobs, Model, Scores


@dataclass(slots=True)
class Tokens:
    """Tokens evaluated at once as part of a prompt, and one by one while decoding."""

    prompt: int = 0
    decoded: int = 0


class CountingModel:
    """Stands before another `Model`. `taken` gives what was counted since it was last called."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tokens = Tokens()
        self.name: str = model.name
        self.path: Path = model.path
        self.context_tokens: int = model.context_tokens
        self.threads: int = model.threads
        self.vocabulary_size: int = model.vocabulary_size
        self.begin_token: int | None = model.begin_token
        self.begin_text: str = model.begin_text
        self.end_text: str = model.end_text
        self.chat_template: str | None = model.chat_template

    def taken(self) -> Tokens:
        """What was counted since the last call, or since the beginning."""
        counted, self._tokens = self._tokens, Tokens()
        return counted

    @property
    def digest(self) -> str:
        """See `Model`."""
        return self._model.digest

    @property
    def end_tokens(self) -> frozenset[int]:
        """See `Model`."""
        return self._model.end_tokens

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """See `Model`; tokenising evaluates nothing."""
        return self._model.tokenize(text, special)

    def piece(self, token: int) -> bytes:
        """See `Model`."""
        return self._model.piece(token)

    def start(self, tokens: Sequence[int]) -> Logprobs:
        """See `Model`."""
        self._tokens.prompt += len(tokens)
        return self._model.start(tokens)

    def start_after(self, prefix: Sequence[int], tokens: Sequence[int]) -> Scores:
        """See `Model`. A prefix counts whether it was kept or not: the count must not depend on earlier questions."""
        self._tokens.prompt += len(prefix) + len(tokens)
        return self._model.start_after(prefix, tokens)

    def explore(
        self, paths: Sequence[Sequence[int]], choices: Sequence[int], wanted: Sequence[Sequence[int]] | None = None
    ) -> list[Scores]:
        """See `Model`."""
        self._tokens.decoded += sum(map(len, paths))
        return self._model.explore(paths, choices, wanted)

    def advance(self, token: int) -> Logprobs:
        """See `Model`."""
        self._tokens.decoded += 1
        return self._model.advance(token)

    def score(self, prefix: Sequence[int], continuation: Sequence[int]) -> float:
        """See `Model`. The last token is not evaluated: nothing follows it."""
        self._tokens.prompt += len(prefix) + len(continuation) - 1
        return self._model.score(prefix, continuation)

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        """See `Model`."""
        self._tokens.prompt += sum(len(prefix) + len(continuation) - 1 for prefix in prefixes)
        return self._model.score_many(prefixes, continuation)

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        """See `Model`."""
        completion = self._model.complete(tokens, grammar, max_tokens, grown)
        self._tokens.prompt += len(tokens)
        self._tokens.decoded += completion.tokens
        return completion
