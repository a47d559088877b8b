"""What each side of the search finds for a question: BM25 alone, vectors alone, and both fused as in use."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from eval import metrics
from eval.metrics import Place
from eval.types import Evidence, Question
from index.generation import StoredIndex
from index.search import search
from index.types import Passage
from qa.answer import Assistant

ORIGINS = ("lexical", "dense", "fused")
DEPTH = 10
"""How many passages of a ranking are looked at."""

Ranking = tuple[Place, ...]


def rankings(assistant: Assistant, question: str) -> dict[str, Ranking]:
    """The first `DEPTH` passages of each ranking, as places in files. Ties are settled by the passages' order."""
    index = assistant.index()
    vector = assistant.embedder.encode([question])[0]
    by_words, by_meaning = index.lexical.scores(question), index.dense.scores(vector)
    fused = search(question, vector, index.passages, index.lexical, index.dense, DEPTH)
    passages = {
        # A passage without a score shares no word with the question: it was not found.
        "lexical": _best(index, np.where(by_words > 0, by_words, -np.inf)),
        "dense": _best(index, by_meaning),
        "fused": [hit.passage for hit in fused],
    }
    return {origin: tuple(_places(index, found)) for origin, found in passages.items()}


def _best(index: StoredIndex, scores: NDArray[np.float32]) -> list[Passage]:
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [index.passages[int(position)] for position in order if np.isfinite(scores[position])]


def _places(index: StoredIndex, passages: Iterable[Passage]) -> Iterator[Place]:
    documents = index.by_id
    for passage in passages:
        document = documents[passage.document_id]
        yield document.file, *document.place(passage.start, passage.end)


def relevant(assistant: Assistant, evidence: Sequence[Evidence]) -> int:
    """How many passages of the index hold some of the evidence."""
    index = assistant.index()
    return sum(metrics.touches(place, evidence) for place in _places(index, index.passages))


def ranking_scores(assistant: Assistant, question: Question, asked: str) -> dict[str, float]:
    """The retrieval measures of one answerable question, by «origin.measure»; `asked` is what was searched for."""
    sets = metrics.sufficient_sets(question.answers, [each.quote for each in question.evidence])
    total = relevant(assistant, question.evidence)
    scores: dict[str, float] = {}
    for origin, ranking in rankings(assistant, asked).items():
        flags = [metrics.touches(place, question.evidence) for place in ranking]
        for k in (1, 5, DEPTH):
            scores[f"{origin}.recall@{k}"] = metrics.recall_at(ranking, question.evidence, sets, k)
        scores[f"{origin}.mrr"] = metrics.reciprocal_rank(ranking, question.evidence)
        scores[f"{origin}.ndcg@{DEPTH}"] = metrics.ndcg_at(flags, total, DEPTH)
    return scores
