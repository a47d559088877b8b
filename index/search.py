"""A question -> the passages most likely to answer it, best first.

BM25 and vector similarity are fused; the same text in several files is shown once; text around an article (teasers of
other stories) gives way to the article's own unless it matches far better; what only repeats the question counts for
nothing.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.echo import share_of_its_own
from index.fusion import ENGLISH_DENSE_WEIGHT, SPANISH_DENSE_WEIGHT, fuse
from index.spanish import is_english
from index.types import Hit, Origin, Passage

# A teaser must match twice as well as a passage of an article to stand before it.
_BOILERPLATE_FACTOR = 0.5
_SORTED_FIRST = 50


class Scored(Protocol):
    """One side of the search: a score for every passage, in passage order."""

    def scores(self, question: str) -> NDArray[np.float32]:
        """Shape (passages,); 0 where nothing is shared."""
        ...


class VectorScored(Protocol):
    """The same for a question's vector."""

    def scores(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (passages,)."""
        ...


def search(
    question: str,
    vector: NDArray[np.float32],
    passages: Sequence[Passage],
    lexical: Scored,
    dense: VectorScored,
    top_k: int,
) -> list[Hit]:
    """The `top_k` best passages for a question and its vector, shape (dimension,); fewer if there are fewer.

    The order is total: equal scores are settled by the passages' order.
    """
    by_words, by_meaning = lexical.scores(question), dense.scores(vector)
    weight = ENGLISH_DENSE_WEIGHT if is_english(question) else SPANISH_DENSE_WEIGHT
    scores = fuse(by_words, by_meaning, weight)
    hits: list[Hit] = []
    seen: set[str] = set()
    for position, score in _reconsidered(question, passages, scores, by_words):
        passage = passages[position]
        if passage.text in seen:
            continue
        seen.add(passage.text)
        held = by_words[position] > 0 and _is_among_best(by_words, position, top_k)
        origin = _origin(held, _is_among_best(by_meaning, position, top_k))
        hits.append(Hit(passage, round(score, 6), len(hits) + 1, origin))
        if len(hits) == top_k:
            break
    return hits


def _reconsidered(
    question: str, passages: Sequence[Passage], scores: NDArray[np.float32], by_words: NDArray[np.float32]
) -> Iterator[tuple[int, float]]:
    """Positions with their scores, best first, each without what the question repeated in the passage accounts for.

    Boilerplate is marked down, all but what holds the question's words far better than any article does. A passage can
    only lose by either: what scores at least as much as the next one that was not looked at is in its place.
    """
    best_article: float | None = None
    waiting: list[tuple[float, int]] = []
    for position in _descending(scores):
        score, passage = scores[position], passages[position]
        while waiting and waiting[0] < (-float(score), position):
            best, place = heapq.heappop(waiting)
            yield place, -best
        if passage.boilerplate:
            if best_article is None:
                best_article = _best_of_articles(passages, by_words)
            if by_words[position] * _BOILERPLATE_FACTOR <= best_article:
                # By the size of the score: a factor alone would raise what scores less than nothing.
                score -= np.float32(1 - _BOILERPLATE_FACTOR) * abs(score)
        left = float(score) - (1 - share_of_its_own(question, passage.text)) * abs(float(score))
        heapq.heappush(waiting, (-left, position))
    while waiting:
        best, place = heapq.heappop(waiting)
        yield place, -best


def _best_of_articles(passages: Sequence[Passage], by_words: NDArray[np.float32]) -> float:
    """The highest score of a passage that is no boilerplate, at least 0."""
    own = (float(by_words[position]) for position in _descending(by_words) if not passages[position].boilerplate)
    return max(0.0, next(own, 0.0))


def _is_among_best(scores: NDArray[np.float32], position: int, count: int) -> bool:
    """Whether fewer than so many are better, or as good and come before."""
    score = scores[position]
    better = int(np.count_nonzero(scores > score))
    return better < count and better + int(np.count_nonzero(scores[:position] == score)) < count


def _descending(scores: NDArray[np.float32]) -> Iterator[int]:
    """Positions from the highest score on, equal ones in their order; the first few come without sorting all."""
    if len(scores) <= _SORTED_FIRST:
        yield from np.argsort(-scores, kind="stable").tolist()
        return
    least = np.partition(scores, -_SORTED_FIRST)[-_SORTED_FIRST]
    for chosen in (np.greater_equal, np.less):  # the second half is seldom asked for
        positions = np.flatnonzero(chosen(scores, least))
        yield from positions[np.argsort(-scores[positions], kind="stable")].tolist()


def _origin(by_words: bool, by_meaning: bool) -> Origin:
    # A passage that neither ranking holds alone was lifted by the sum of both.
    if by_words == by_meaning:
        return "lexical+dense"
    return "lexical" if by_words else "dense"
