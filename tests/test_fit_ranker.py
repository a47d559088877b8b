"""The pure parts of the fitting, on data small enough to know the answer."""

import numpy as np
import pytest

from index.types import Passage
from qa.ranking import FEATURES, Candidate, Wanted
from qa.training.fit_ranker import Question, Reading, area_under_curve, fit_logistic, fit_weights, questions_of


def reading(right_first: bool) -> Reading:
    """Two candidates that differ in their first feature only."""
    rows = [tuple(float(name == FEATURES[0] and high) for name in FEATURES) for high in (True, False)]
    found = tuple(Candidate(Passage("p", "d", 0, 1, "x"), n, n + 1, "x", row) for n, row in enumerate(rows))
    return Reading(Question("¿?", 0, ()), Wanted({}, {}, frozenset()), found, (right_first, not right_first))


def test_a_feature_of_the_right_sentences_gets_a_positive_weight_and_the_others_none() -> None:
    weights = fit_weights([reading(True), reading(True), reading(False)])
    # two right against one: the softmax of w and 0 must come near 2/3, so w near ln 2
    assert weights[0] == pytest.approx(np.log(2), abs=0.01)
    assert weights[1:] == pytest.approx(np.zeros(len(FEATURES) - 1))


def test_logistic_regression_finds_the_odds() -> None:
    rows, labels = np.ones((4, 1)), np.array([1.0, 1.0, 1.0, 0.0])
    assert fit_logistic(rows, labels)[0] == pytest.approx(np.log(3), abs=0.02)


def test_area_under_curve_counts_pairs_in_the_right_order() -> None:
    # right: 3 and 1; wrong: 2 and 0. Pairs in order: (3,2), (3,0), (1,0), three of four
    assert area_under_curve(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])) == 0.75


def test_questions_keep_their_paragraph_and_their_answers() -> None:
    asked = [
        {"question": "¿a?", "answers": [{"answer_start": 2, "text": "xyz"}, {"answer_start": 2, "text": "xyz"}]},
        {"question": "¿b?", "answers": [{"answer_start": 0, "text": "no"}], "is_impossible": True},
    ]
    assert questions_of([("texto", asked)], 7) == [Question("¿a?", 7, ((2, 5),)), Question("¿b?", 7, ())]
