"""Fits the sentence ranker and the confidence to public questions with gold answers, and writes `qa/ranker.json`.

    python -m qa.training.fit_ranker --train squad_es_train.json --held-out xquad_es_dev.json

Both files are in SQuAD format and hold the same articles in the same order. The paragraphs of an article, of both, are
one corpus, because that is the use: a folder about one subject, where a question without an answer still finds its
names everywhere. The figures printed are on the held-out questions, which are never fitted. What is measured elsewhere
(`likelihood_weight`, `second_ratio`, `threshold`) is kept as it stands in the file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from index.dense import DenseIndex
from index.embedder import Embedder, open_embedder
from index.lexical import LexicalIndex
from index.search import search
from index.types import Passage
from qa import confidence
from qa.expectation import kind_of
from qa.ranking import FEATURES, Candidate, Ranker, Wanted, candidates, wanted_of

Floats = NDArray[np.float64]
_RANKER = Path(__file__).parent.parent / "ranker.json"
_TOP_K = 5
_L2 = 1e-3


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the number of its paragraph in the article, and the spans of its answers, none if it has none."""

    text: str
    paragraph: int
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question found: candidates in retrieval order, whether each holds a gold answer, what was asked about."""

    question: Question
    wanted: Wanted
    found: tuple[Candidate, ...]
    right: tuple[bool, ...]

    @property
    def matrix(self) -> Floats:
        """Features, shape (candidates, features)."""
        return np.array([each.features for each in self.found])


def load_squad(path: Path) -> list[list[tuple[str, list[Any]]]]:
    """For each article of a SQuAD file its paragraphs, each with its questions as they stand in the file."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [[(paragraph["context"], paragraph["qas"]) for paragraph in article["paragraphs"]] for article in articles]


def questions_of(paragraphs: Sequence[tuple[str, list[Any]]], first: int) -> list[Question]:
    """The questions of an article's paragraphs, which are numbered on from `first`."""
    found = []
    for number, (_, asked) in enumerate(paragraphs, first):
        for each in asked:
            spans = {(a["answer_start"], a["answer_start"] + len(a["text"])) for a in each.get("answers", ())}
            answers = () if each.get("is_impossible") else tuple(sorted(spans))
            found.append(Question(each["question"], number, answers))
    return found


class Corpus:
    """The paragraphs of one article, searchable with and without any one of them."""

    def __init__(self, paragraphs: Sequence[str], embedder: Embedder) -> None:
        self.passages = [Passage(str(n), str(n), 0, len(text), text) for n, text in enumerate(paragraphs)]
        self.embedder = embedder
        self.vectors = embedder.encode(paragraphs)

    def read(self, questions: Sequence[Question]) -> list[tuple[Reading, Reading]]:
        """Each question read twice: over the whole article, and over what is left without its own paragraph."""
        vectors = self.embedder.encode([question.text for question in questions])
        read = []
        for question, vector in zip(questions, vectors, strict=True):
            whole = self._reading(question, vector, self._without(None))
            read.append((whole, self._reading(question, vector, self._without(question.paragraph))))
        return read

    @lru_cache(maxsize=2)  # noqa: B019  # an article is read and forgotten; questions come paragraph by paragraph
    def _without(self, paragraph: int | None) -> tuple[list[Passage], LexicalIndex, DenseIndex]:
        kept = [number for number in range(len(self.passages)) if number != paragraph]
        passages = [self.passages[number] for number in kept]
        lexical = LexicalIndex.build([passage.text for passage in passages])
        return passages, lexical, DenseIndex.build(self.vectors[kept])

    def _reading(
        self, question: Question, vector: NDArray[np.float32], held: tuple[list[Passage], LexicalIndex, DenseIndex]
    ) -> Reading:
        passages, lexical, dense = held
        found = tuple(
            candidates(question.text, search(question.text, vector, passages, lexical, dense, _TOP_K), lexical)
        )
        right = tuple(
            each.passage.id == str(question.paragraph)
            and any(each.start <= start and end <= each.end + 1 for start, end in question.answers)
            for each in found
        )
        return Reading(question, wanted_of(question.text, lexical), found, right)


def fit_weights(readings: Sequence[Reading]) -> Floats:
    """Weights (features,) that make the right sentences likely under a softmax over the candidates."""
    from scipy.optimize import minimize

    data = [(reading.matrix, np.array(reading.right)) for reading in readings if any(reading.right)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = _L2 * float(weights @ weights) / 2, _L2 * weights
        for matrix, right in data:
            scores = matrix @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            held = chances[right].sum()
            total -= float(np.log(held)) / len(data)
            gradient = gradient + matrix.T @ (chances - np.where(right, chances / held, 0)) / len(data)
        return total, gradient

    fitted: Floats = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x
    return fitted


def confidence_data(pairs: Sequence[tuple[Reading, Reading]], ranker: Ranker) -> tuple[Floats, Floats]:
    """Confidence features (readings, features) and whether the best sentence is right (readings,).

    A question whose paragraph was taken away has no right sentence: the near misses of real use.
    """
    rows, labels = [], []
    for reading in (each for pair in pairs for each in pair if each.found):
        ranked = ranker.order(reading.found)
        rows.append(confidence.features(reading.wanted, kind_of(reading.question.text), ranked))
        right = {(each.passage.id, each.start) for each, ok in zip(reading.found, reading.right, strict=True) if ok}
        labels.append(float((ranked[0].passage.id, ranked[0].start) in right))
    return np.array(rows), np.array(labels)


def fit_logistic(rows: Floats, labels: Floats) -> Floats:
    """Weights (features,) of a logistic regression without a further constant."""
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = rows @ weights
        chances = 1 / (1 + np.exp(-scores))
        total = float(np.mean(np.logaddexp(0, scores) - labels * scores)) + _L2 * float(weights @ weights) / 2
        return total, rows.T @ (chances - labels) / len(labels) + _L2 * weights

    fitted: Floats = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    return fitted


def area_under_curve(scores: Floats, labels: Floats) -> float:
    """Chance that a right reading scores above a wrong one (AUROC, by ranks)."""
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    positive = labels > 0
    held = positive.sum()
    return float((order[positive].sum() - held * (held + 1) / 2) / (held * (len(labels) - held)))


def main(
    train: Annotated[Path, typer.Option(help="SQuAD file to fit on.")],
    held_out: Annotated[Path, typer.Option(help="SQuAD file to report on, the same articles in the same order.")],
    write: Annotated[bool, typer.Option(help="Write ranker.json.")] = True,
) -> None:
    """Fit the ranker and the confidence, print their figures, write ranker.json."""
    embedder = open_embedder()
    fitted_on: list[tuple[Reading, Reading]] = []
    reported_on: list[tuple[Reading, Reading]] = []
    for held, kept in zip(load_squad(held_out), load_squad(train), strict=True):
        corpus = Corpus([text for text, _ in (*held, *kept)], embedder)
        reported_on.extend(corpus.read(questions_of(held, 0)))
        fitted_on.extend(corpus.read(questions_of(kept, len(held))))
    values: dict[str, Any] = json.loads(_RANKER.read_text(encoding="utf-8"))
    values["weights"] = dict(zip(FEATURES, fit_weights([pair[0] for pair in fitted_on]).round(3).tolist(), strict=True))
    ranker = Ranker(tuple(values["weights"].values()), 0.0, 0.0, (), 0.0)
    weights = fit_logistic(*confidence_data(fitted_on, ranker)).round(3)
    values["confidence_weights"] = dict(zip(confidence.FEATURES, weights.tolist(), strict=True))
    report(reported_on, ranker, weights)
    if write:
        _RANKER.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def report(pairs: Sequence[tuple[Reading, Reading]], ranker: Ranker, weights: Floats) -> None:
    """Prints the share of questions whose answer is in the best sentences, and the AUROC of the confidence."""
    ranks = [_rank_of_right(reading, ranker) for reading, _ in pairs]
    rows, labels = confidence_data(pairs, ranker)
    for best in (1, 2, 3, 5):
        print(f"answer in the best {best}: {np.mean([rank < best for rank in ranks]):.3f} of {len(ranks)}")
    print(f"AUROC of the confidence, right against wrong: {area_under_curve(rows @ weights, labels):.3f}")
    for name, column in zip(confidence.FEATURES, rows.T, strict=True):
        print(f"  {name} alone: {area_under_curve(column, labels):.3f}")


def _rank_of_right(reading: Reading, ranker: Ranker) -> int:
    scores = reading.matrix @ np.array(ranker.weights)
    order = np.argsort(-scores, kind="stable")
    return next((place for place, number in enumerate(order) if reading.right[number]), len(order))


if __name__ == "__main__":
    typer.run(main)
