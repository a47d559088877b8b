"""The copying reader's decoder: a prompt and passages enter; the likeliest run of the passages' own words leaves.

The model chooses, step by step, among the tokens that continue a run of bytes of some passage; a run begins and ends at
word boundaries. Saying that there is no answer is a branch of its own, weighed by its whole likelihood: were it decided
by its first token, a passage that contains the word «No» would turn every refusal into that word.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from index.types import Passage
from qa.model import Logprobs, Model

NO_ANSWER = "No consta."
_LONGEST_PIECE_BYTES = 32  # a longer token is spelled by shorter ones
_FIGURE = re.compile(r"\d[.,:]\d")
_Place = tuple[int, int]  # (index of a passage, offset in its UTF-8 bytes)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of a run: code points `start` to `end` of the passage's document."""

    passage: Passage
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """Words that stand in the passages, with every place where they do; overlapping passages give one place once.

    `logprob` is the natural log-probability of the run's tokens and of ending after them.
    """

    text: str
    occurrences: tuple[Occurrence, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Copied:
    """The run, or `None` where the passages have no words, and the log-probability of saying that there is none."""

    run: CopiedRun | None
    no_answer_logprob: float

    @property
    def answered(self) -> bool:
        """Whether the run is likelier than the no-answer sequence."""
        return self.run is not None and self.run.logprob > self.no_answer_logprob


def copy_answer(
    model: Model,
    prompt_tokens: Sequence[int],
    passages: Sequence[Passage],
    no_answer: str = NO_ANSWER,
    max_tokens: int = 40,
) -> Copied:
    """Decode greedily what the passages hold, and weigh it against the no-answer sequence.

    Raises `ContextError` where the model's context is full before the run ends.
    """
    first = model.start(prompt_tokens)
    no_answer_logprob = _sequence_logprob(model, first, model.tokenize(no_answer))
    model.rewind(len(prompt_tokens))
    texts = [_Text(passage) for passage in passages]
    return Copied(_decode_run(model, first, texts, max_tokens), no_answer_logprob)


class _Text:
    """A passage as bytes, with the byte offsets where words may begin and end."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.data = passage.text.encode()
        # offsets[i] is the byte offset of code point i
        self.offsets = [0]
        for character in passage.text:
            self.offsets.append(self.offsets[-1] + len(character.encode()))
        boundaries = [i for i in range(len(passage.text) + 1) if is_word_boundary(passage.text, i)]
        self.begins = {self.offsets[i] for i in boundaries if not passage.text[i : i + 1].isspace()} - {len(self.data)}
        self.ends = {self.offsets[i] for i in boundaries if i and not passage.text[i - 1].isspace()}
        self._points = {offset: point for point, offset in enumerate(self.offsets)}

    def occurrence(self, begin: int, end: int) -> Occurrence:
        """A run of bytes as code points of the document."""
        start = self.passage.start
        return Occurrence(self.passage, start + self._points[begin], start + self._points[end])


def is_word_boundary(text: str, index: int) -> bool:
    """Whether no word and no figure («1.500», «3,5», «14:30») runs across `index`.

    An accent written as its own code point belongs to the letter before it.

    >>> [i for i in range(5) if is_word_boundary("a la", i)]
    [0, 1, 2, 4]
    """
    if index <= 0 or index >= len(text):
        return True
    if _in_word(text[index - 1]) and _in_word(text[index]):
        return False
    return not (_FIGURE.match(text, index - 1) or (index > 1 and _FIGURE.match(text, index - 2)))


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _sequence_logprob(model: Model, logprobs: Logprobs, tokens: Sequence[int]) -> float:
    total = 0.0
    for token in tokens:
        total += float(logprobs[token])
        logprobs = model.advance(token)
    return total + _end_logprob(model, logprobs)


def _end_logprob(model: Model, logprobs: Logprobs) -> float:
    return max((float(logprobs[token]) for token in model.end_tokens), default=-math.inf)


@dataclass(slots=True)
class _Run:
    """Bytes decoded so far, the places just after them, and the last stage at which the run could have ended."""

    data: bytes
    places: list[_Place]
    logprob: float = 0.0
    ended: "tuple[bytes, list[_Place], float] | None" = None

    def may_end(self, texts: Sequence[_Text]) -> list[_Place]:
        return [(index, offset) for index, offset in self.places if offset in texts[index].ends] if self.data else []

    def note_end(self, places: list[_Place], end_logprob: float) -> None:
        self.ended = (self.data, places, self.logprob + end_logprob)

    def extend(self, piece: bytes, logprob: float, texts: Sequence[_Text]) -> None:
        self.places = [(i, o + len(piece)) for i, o in self.places if texts[i].data.startswith(piece, o)]
        self.data += piece
        self.logprob += logprob


def _decode_run(model: Model, logprobs: Logprobs, texts: Sequence[_Text], max_tokens: int) -> CopiedRun | None:
    """Follow the likeliest token that stays in the passages until ending is likelier still.

    At `max_tokens`, and where a passage's end leaves nothing else, the run goes back to where it last could end.
    """
    run = _Run(b"", [(index, begin) for index, text in enumerate(texts) for begin in sorted(text.begins)])
    for _ in range(max_tokens):
        token = _best_token(model, logprobs, _continuations(run.places, texts), is_first=not run.data)
        ends, end_logprob = run.may_end(texts), _end_logprob(model, logprobs)
        if ends:
            run.note_end(ends, end_logprob)
        if token is None or (ends and end_logprob >= logprobs[token]):
            break
        piece = model.piece(token)
        run.extend(piece if run.data else piece.lstrip(b" "), float(logprobs[token]), texts)
        logprobs = model.advance(token)
    else:
        if ends := run.may_end(texts):
            run.note_end(ends, _end_logprob(model, logprobs))
    return _locate(run, texts)


def _continuations(places: Iterable[_Place], texts: Sequence[_Text]) -> set[bytes]:
    """All bytes that a token may stand for and still run along some passage."""
    return {
        texts[index].data[offset : offset + length]
        for index, offset in places
        for length in range(1, min(_LONGEST_PIECE_BYTES, len(texts[index].data) - offset) + 1)
    }


def _best_token(model: Model, logprobs: Logprobs, continuations: set[bytes], is_first: bool) -> int | None:
    """The likeliest token that continues; the space that a first token brings along is not part of the run."""
    if not continuations:
        return None
    for token in _from_likeliest(logprobs):
        piece = model.piece(token)
        if (piece.lstrip(b" ") if is_first else piece) in continuations:
            return token
    return None


def _from_likeliest(logprobs: Logprobs) -> Iterator[int]:
    yield int(logprobs.argmax())  # mostly the one; sorting takes longer
    yield from np.argsort(-logprobs, kind="stable").tolist()


def _locate(run: _Run, texts: Sequence[_Text]) -> CopiedRun | None:
    if run.ended is None:
        return None
    data, places, logprob = run.ended
    found = [texts[index].occurrence(end - len(data), end) for index, end in places]
    by_span = {(place.passage.document_id, place.start, place.end): place for place in reversed(found)}
    return CopiedRun(data.decode(), tuple(reversed(by_span.values())), logprob)
