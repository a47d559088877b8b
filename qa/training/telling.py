"""How far the wording of a question alone tells that it is a near miss: what a reader could learn instead of reading.

The question-only baseline of Gururangan et al. 2018 (https://aclanthology.org/N18-2017): words and pairs of words,
weighed by tf-idf, in a logistic regression that is fitted on four fifths of the passages and tried on the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics import auroc
from qa.training.passages import Passage, Question

_FOLDS = 5
_RAREST_QUESTIONS = 3  # words in fewer questions say nothing about others
_WORDS = r"\w+|\?|¿"


@dataclass(frozen=True, slots=True)
class Told:
    """A question, and how much its wording speaks for a near miss: log-odds, above 0 where it does."""

    question: Question
    log_odds: float


def told_by_wording(passages: Sequence[Passage]) -> list[Told]:
    """Every question, judged by a regression that saw no question of its passage. Needs five passages or more."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    questions = [(question, passage.id) for passage in passages for question in passage.questions]
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=_RAREST_QUESTIONS, token_pattern=_WORDS)
    features = words.fit_transform([question.question for question, _ in questions])
    near = np.array([question.is_near_miss for question, _ in questions])
    log_odds = np.zeros(len(questions))
    for fitted, tried in GroupKFold(_FOLDS).split(features, near, [passage for _, passage in questions]):
        regression = LogisticRegression(max_iter=2_000, class_weight="balanced").fit(features[fitted], near[fitted])
        log_odds[tried] = regression.decision_function(features[tried])
    return [Told(question, float(odds)) for (question, _), odds in zip(questions, log_odds, strict=True)]


def auroc_of_wording(passages: Sequence[Passage]) -> float:
    """How well wording alone tells near misses from the others: 0.5 not at all, 1 wholly.

    Raises `ValueError` where there are only near misses, or none.
    """
    told = told_by_wording(passages)
    value = auroc([each.log_odds for each in told], [each.question.is_near_miss for each in told])
    if value is None:
        raise ValueError("only one sort of questions")
    return value
