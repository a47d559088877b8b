"""A search on a large corpus, over the bare libraries that rank by words and by vectors."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.ground import Ground
from eval.bench.pairs import Pairs, alternated, drawn, seconds_of
from eval.bench.rows import Row, ratio_row
from index.generation import StoredIndex
from index.search import search
from index.spanish import stopwords

_QUESTIONS, _TOP = 200, 5
_MOST_TIMES = 1.3

Vector = NDArray[np.float32]
Search = Callable[[str, Vector], object]


def searching(ground: Ground) -> list[Row]:
    """The search for a question whose vector is given, over bm25s and FAISS one after the other."""
    stored = ground.stored
    count = min(ground.runs(_QUESTIONS), len(ground.questions) - 1)
    first, *texts = [each.question for each in drawn(ground.questions, count + 1)]
    vectors = ground.embedder.encode_many([first, *texts])
    ours, bare = (
        partial(_searched, stored),
        bare_search([each.text for each in stored.passages], stored.dense.vectors()),
    )
    pairs = measured(ours, bare, [first, *texts], vectors)
    titles = ("index.search", "bm25s and faiss")
    details = {"questions": len(texts), "passages": len(stored.passages), "top": _TOP}
    return [ratio_row("search", _MOST_TIMES, titles, pairs, details=details)]


def _searched(stored: StoredIndex, question: str, vector: Vector) -> object:
    return search(question, vector, stored.passages, stored.lexical, stored.dense, _TOP)


def measured(ours: Search, bare: Search, questions: Sequence[str], vectors: Vector) -> Pairs:
    """Each question once on either side. The first warms both up and does not count.

    No question is searched before it is timed: what a side remembers of a question would look like speed.
    """
    ours(questions[0], vectors[0]), bare(questions[0], vectors[0])
    pairs = Pairs()
    for question, vector in zip(questions[1:], vectors[1:], strict=True):
        one, other = (partial(seconds_of, partial(side, question, vector)) for side in (ours, bare))
        pairs += alternated(one, other, 1, len(pairs.ours))
    return pairs


def bare_search(texts: Sequence[str], vectors: Vector) -> Search:
    """The libraries as their manuals use them: the same stemmer, the same words left out, both best fives."""
    import bm25s
    import faiss
    from bm25s.stopwords import STOPWORDS_SPANISH
    from Stemmer import Stemmer

    left_out = sorted({*STOPWORDS_SPANISH, *stopwords()})
    cut: Callable[[list[str]], Any] = partial(
        bm25s.tokenize, stopwords=left_out, stemmer=Stemmer("spanish"), show_progress=False
    )
    scorer = bm25s.BM25(method="lucene")
    scorer.index(cut(list(texts)), show_progress=False)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)

    def searched(question: str, vector: Vector) -> object:
        words = scorer.retrieve(cut([question]), k=_TOP, show_progress=False)
        return words, flat.search(vector.reshape(1, -1), _TOP)

    return searched
