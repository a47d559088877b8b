"""Fits the sentence ranker and the confidence to public questions with gold answers, and writes `qa/ranker.json`.

    python -m qa.training.fit_ranker --train squad_es_train.json --held-out xquad_es_dev.json

Both files are in SQuAD format; all their paragraphs together are the pool that is searched. The figures printed are on
the held-out questions, which are never fitted. What is measured elsewhere (`likelihood_weight`, `second_ratio`,
`threshold`) is kept as it stands in the file.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from index.dense import DenseIndex
from index.embedder import open_embedder
from index.lexical import LexicalIndex
from index.search import search
from index.types import Hit, Passage
from qa import confidence
from qa.ranking import FEATURES, Candidate, Ranker, candidates, kind_of, wanted_of

Floats = NDArray[np.float64]
_RANKER = Path(__file__).parent.parent / "ranker.json"
_TOP_K = 5
_L2 = 1e-3


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its paragraph's number in the pool, and the spans of its answers there: none if it has no answer."""

    text: str
    paragraph: int
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The candidates for a question, in retrieval order, and for each whether it holds a gold answer."""

    question: Question
    found: tuple[Candidate, ...]
    right: tuple[bool, ...]

    @property
    def matrix(self) -> Floats:
        """Features, shape (candidates, features)."""
        return np.array([each.features for each in self.found])


def load_squad(path: Path, first_paragraph: int) -> tuple[list[str], list[Question]]:
    """Paragraphs and questions of a SQuAD file; paragraphs are numbered on from `first_paragraph`."""
    paragraphs: list[str] = []
    questions: list[Question] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                spans = {(a["answer_start"], a["answer_start"] + len(a["text"])) for a in asked.get("answers", ())}
                answers = () if asked.get("is_impossible") else tuple(sorted(spans))
                questions.append(Question(asked["question"], first_paragraph + len(paragraphs), answers))
            paragraphs.append(paragraph["context"])
    return paragraphs, questions


class Pool:
    """All paragraphs, searchable."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self.passages = [Passage(str(n), str(n), 0, len(text), text) for n, text in enumerate(paragraphs)]
        self.embedder = open_embedder()
        self.lexical = LexicalIndex.build(paragraphs)
        by_length = sorted(range(len(paragraphs)), key=lambda n: len(paragraphs[n]))
        vectors = np.empty((len(paragraphs), self.embedder.dimension), dtype=np.float32)
        vectors[by_length] = self.embedder.encode([paragraphs[n] for n in by_length])
        self.dense = DenseIndex.build(vectors)

    def read(self, questions: Sequence[Question]) -> Iterator[tuple[Reading, Reading]]:
        """Each question read twice: over the whole pool, and over what is left without its own paragraph."""
        vectors = self.embedder.encode([question.text for question in questions])
        for question, vector in zip(questions, vectors, strict=True):
            hits = search(question.text, vector, self.passages, self.lexical, self.dense, _TOP_K + 1)
            others = [hit for hit in hits if hit.passage.id != str(question.paragraph)]
            yield self._reading(question, hits[:_TOP_K]), self._reading(question, others[:_TOP_K])

    def _reading(self, question: Question, hits: Sequence[Hit]) -> Reading:
        found = tuple(candidates(question.text, hits, self.lexical))
        right = tuple(
            each.passage.id == str(question.paragraph)
            and any(each.start <= start and end <= each.end + 1 for start, end in question.answers)
            for each in found
        )
        return Reading(question, found, right)


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


def confidence_data(pairs: Sequence[tuple[Reading, Reading]], ranker: Ranker, pool: Pool) -> tuple[Floats, Floats]:
    """Confidence features (readings, features) and whether the best sentence is right (readings,).

    A question whose paragraph was taken away has no right sentence: the near misses of real use.
    """
    rows, labels = [], []
    for reading in (each for pair in pairs for each in pair if each.found):
        ranked = ranker.order(reading.found)
        wanted = wanted_of(reading.question.text, pool.lexical)
        rows.append(confidence.features(wanted, kind_of(reading.question.text), ranked, pool.lexical))
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
    held_out: Annotated[Path, typer.Option(help="SQuAD file to report on.")],
    questions: Annotated[int, typer.Option(help="How many questions to fit on.")] = 2500,
    seed: Annotated[int, typer.Option(help="Which questions.")] = 1,
) -> None:
    """Fit the ranker and the confidence, print their figures, write ranker.json."""
    held_paragraphs, held_questions = load_squad(held_out, 0)
    paragraphs, asked = load_squad(train, len(held_paragraphs))
    random.Random(seed).shuffle(asked)
    pool = Pool([*held_paragraphs, *paragraphs])
    fitted_on, reported_on = list(pool.read(asked[:questions])), list(pool.read(held_questions))
    values: dict[str, Any] = json.loads(_RANKER.read_text(encoding="utf-8"))
    values["weights"] = dict(zip(FEATURES, fit_weights([pair[0] for pair in fitted_on]).round(3).tolist(), strict=True))
    ranker = Ranker(tuple(values["weights"].values()), 0.0, 0.0, (), 0.0)
    weights = fit_logistic(*confidence_data(fitted_on, ranker, pool)).round(3)
    values["confidence_weights"] = dict(zip(confidence.FEATURES, weights.tolist(), strict=True))
    report(reported_on, ranker, weights, pool)
    _RANKER.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def report(pairs: Sequence[tuple[Reading, Reading]], ranker: Ranker, weights: Floats, pool: Pool) -> None:
    """Prints the share of questions whose answer is in the best sentence, and the AUROC of the confidence."""
    ranks = [_rank_of_right(reading, ranker) for reading, _ in pairs]
    rows, labels = confidence_data(pairs, ranker, pool)
    for best in (1, 2, 3, 5):
        print(f"answer in the best {best}: {np.mean([rank < best for rank in ranks]):.3f} of {len(ranks)}")
    print(f"AUROC of the confidence, right against wrong: {area_under_curve(rows @ weights, labels):.3f}")


def _rank_of_right(reading: Reading, ranker: Ranker) -> int:
    scores = reading.matrix @ np.array(ranker.weights)
    order = np.argsort(-scores, kind="stable")
    return next((place for place, number in enumerate(order) if reading.right[number]), len(order))


if __name__ == "__main__":
    typer.run(main)
