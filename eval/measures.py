"""Which measures there are, what they are called, which way is better.

A measure of a question is a value in a row's `scores`; a measure of a whole set is a function of its rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from eval import metrics
from eval.intervals import interval_of
from eval.types import Figure, Row

GOOD = ("right", "rightly_refused")
"""The outcomes that a user would wish for."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure of the report is called, and which way is better."""

    title: str
    higher_is_better: bool = True


QUESTION_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "correct": Measure("right answer, or rightly refused"),
        "right": Measure("right fact in the answer"),
        "right_or_quoted": Measure("right fact in answer or quotation"),
        "groups_met": Measure("parts of the fact in the answer"),
        "exact": Measure("exact match"),
        "f1": Measure("token F1"),
        "first_on_evidence": Measure("first citation on gold evidence"),
        "span_recall": Measure("gold evidence that is cited"),
        "span_precision": Measure("cited text that is gold evidence"),
        "file_recall": Measure("gold files that are cited"),
        "valid": Measure("valid citations"),
        "uncited": Measure("statements without a valid citation", higher_is_better=False),
        "refused": Measure("unanswerable and refused"),
        "over_refused": Measure("answerable but not answered", higher_is_better=False),
        "found@1": Measure("evidence in the first passage"),
        "found@5": Measure("evidence in five passages"),
    }
)
RETRIEVAL_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "recall@1": Measure("recall@1"),
        "recall@5": Measure("recall@5"),
        "recall@10": Measure("recall@10"),
        "mrr": Measure("mean reciprocal rank"),
        "ndcg@10": Measure("nDCG@10"),
    }
)
SET_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "auroc": Measure("AUROC of the confidence, answerable or not"),
        "aurc": Measure("area under the risk-coverage curve", higher_is_better=False),
        "calibration_error": Measure("calibration error", higher_is_better=False),
        "brier": Measure("Brier score", higher_is_better=False),
    }
)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the measures of a whole set are made from: four arrays of shape (questions,).

    `confidence` lies between 0 and 1; `answered` says that something other than "no consta" or an error came out,
    `good` that it was the right answer, or the right refusal.
    """

    confidence: NDArray[np.float64]
    answerable: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    good: NDArray[np.bool_]

    def at(self, places: NDArray[np.intp]) -> "Columns":
        """The columns of some of the questions, repeats included."""
        return Columns(self.confidence[places], self.answerable[places], self.answered[places], self.good[places])


def columns_of(rows: Sequence[Row]) -> Columns:
    """The columns of rows."""
    return Columns(
        np.array([_confidence(row) for row in rows], dtype=float),
        np.array([row.question.answerable for row in rows], dtype=bool),
        np.array([_is_answered(row) for row in rows], dtype=bool),
        np.array([row.outcome in GOOD for row in rows], dtype=bool),
    )


def _confidence(row: Row) -> float:
    """The confidence of a record. Where it names none, an answer is meant, and a refusal too."""
    given = row.record.get("confidence")
    return float(_is_answered(row) if given is None else given)


def _is_answered(row: Row) -> bool:
    return row.outcome not in ("refused", "rightly_refused", "failed")


def auroc(columns: Columns) -> float | None:
    """How well the confidence tells questions with an answer in the articles from those without."""
    return metrics.auroc(columns.confidence, columns.answerable)


def risk_curve(columns: Columns) -> list[tuple[float, float]]:
    """Coverage and risk, the surest answers first and after them what was refused, which is wrong if wrongly so."""
    return metrics.risk_coverage(columns.confidence + columns.answered, ~columns.good)


def aurc(columns: Columns) -> float | None:
    """The mean risk over all coverages."""
    return metrics.area_under_risk(risk_curve(columns))


def answers(columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence and rightness of what was answered."""
    return columns.confidence[columns.answered], columns.good[columns.answered]


def calibration_error(columns: Columns) -> float | None:
    """Mean distance of confidence and share of right answers, over bins of answers of like confidence."""
    return metrics.calibration_error(*answers(columns))


def brier(columns: Columns) -> float | None:
    """Mean squared distance of confidence and rightness over the answers."""
    return metrics.brier(*answers(columns))


SET_FUNCTIONS: Mapping[str, Callable[[Columns], float | None]] = MappingProxyType(
    {"auroc": auroc, "aurc": aurc, "calibration_error": calibration_error, "brier": brier}
)


def set_figure(measure: str, columns: Columns) -> Figure:
    """A measure of the set with its interval; n = 0 where it is undefined."""
    function = SET_FUNCTIONS[measure]
    return interval_of(lambda places: function(columns.at(places)), np.arange(len(columns.good)))


def set_gain(measure: str, before: Columns, after: Columns) -> Figure:
    """How much better a measure of the set is than before, over the same questions in the same order."""
    function, sign = SET_FUNCTIONS[measure], 1 if SET_MEASURES[measure].higher_is_better else -1

    def gain(places: NDArray[np.intp]) -> float | None:
        old, new = function(before.at(places)), function(after.at(places))
        return None if old is None or new is None else sign * new - sign * old

    return interval_of(gain, np.arange(len(before.good)))
