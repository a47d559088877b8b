"""How often the right paragraph is found, on a SQuAD-format file: BM25, vectors, and both fused as in use.

    python -m eval.retrieval xquad_es_dev.json --distractors squad_es_train.json [--questions-en questions_en.json]

All paragraphs of both files are the pool. `questions-en` is a JSON object of English questions by id. Recall@k is the
share of questions whose own paragraph is among the k best; ties count against.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from index.embedder import Embedder, open_embedder
from index.fusion import ENGLISH_DENSE_WEIGHT, SPANISH_DENSE_WEIGHT, fuse
from index.lexical import LexicalIndex
from index.spanish import is_english

Floats = NDArray[np.float32]


def paragraphs_of(path: Path) -> list[dict[str, Any]]:
    """The paragraphs of a SQuAD file with their questions, as they stand in it."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def recall(scores: Floats, gold: NDArray[np.int64], k: int) -> float:
    """Share of rows whose gold column is among the k highest; scores (questions, paragraphs), gold (questions,).

    >>> recall(np.float32([[3, 1, 2], [1, 2, 3]]), np.array([0, 1]), 1)
    0.5
    """
    own = scores[np.arange(len(gold)), gold]
    ahead = (scores > own[:, None]).sum(axis=1) + (scores == own[:, None]).sum(axis=1) - 1
    return float((ahead < k).mean())


def main(
    data: Annotated[Path, typer.Argument(help="SQuAD file with the questions.")],
    distractors: Annotated[Path | None, typer.Option(help="SQuAD file with more paragraphs.")] = None,
    questions_en: Annotated[Path | None, typer.Option(help="English questions by id.")] = None,
) -> None:
    """Print recall@1 and recall@5 for each ranking."""
    asked = paragraphs_of(data)
    pool = [each["context"] for each in (*asked, *(paragraphs_of(distractors) if distractors else ()))]
    questions = [(number, each) for number, paragraph in enumerate(asked) for each in paragraph["qas"]]
    gold = np.array([number for number, _ in questions])
    embedder, lexical = open_embedder(), LexicalIndex.build(pool)
    vectors = embed_by_length(embedder, pool)
    print(f"{len(questions)} questions, {len(pool)} paragraphs")
    report("Spanish", [each["question"] for _, each in questions], gold, lexical, vectors, embedder)
    if questions_en:
        translated = json.loads(questions_en.read_text(encoding="utf-8"))
        report("English", [translated[each["id"]] for _, each in questions], gold, lexical, vectors, embedder)


def embed_by_length(embedder: Embedder, texts: list[str]) -> Floats:
    """Vectors (texts, dimension) in the order of the texts, encoded shortest first so that batches need no padding."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    vectors = np.empty((len(texts), embedder.dimension), dtype=np.float32)
    vectors[order] = embedder.encode([texts[number] for number in order])
    return vectors


def report(
    language: str,
    questions: list[str],
    gold: NDArray[np.int64],
    lexical: LexicalIndex,
    vectors: Floats,
    embedder: Embedder,
) -> None:
    """Prints one line a ranking."""
    by_words = np.stack([lexical.scores(question) for question in questions])
    by_meaning = embedder.encode(questions) @ vectors.T
    weights = [ENGLISH_DENSE_WEIGHT if is_english(question) else SPANISH_DENSE_WEIGHT for question in questions]
    fused = np.stack([fuse(*each) for each in zip(by_words, by_meaning, weights, strict=True)])
    for name, scores in (("lexical", by_words), ("dense", by_meaning), ("fused", fused)):
        print(f"{language} {name}: recall@1 {recall(scores, gold, 1):.3f}, recall@5 {recall(scores, gold, 5):.3f}")


if __name__ == "__main__":
    typer.run(main)
