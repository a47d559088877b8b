"""Recall by hand."""

import numpy as np

from eval.retrieval import recall


def test_recall_counts_the_gold_paragraph_among_the_best() -> None:
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]], dtype=np.float32)
    gold = np.array([2, 0])  # second best of its row, third best of its row
    assert [recall(scores, gold, k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]


def test_ties_count_against() -> None:
    assert recall(np.zeros((1, 3), dtype=np.float32), np.array([0]), 2) == 0.0
