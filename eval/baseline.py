"""Two runs over the same questions, compared question by question.

Differences are oriented so that more is better. A measure got worse where the whole paired 95 % interval of its
difference lies below zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.intervals import paired_difference
from eval.measures import (
    GOOD,
    QUESTION_MEASURES,
    RETRIEVAL_MEASURES,
    SET_FUNCTIONS,
    SET_MEASURES,
    Measure,
    columns_of,
    set_gain,
)
from eval.rankings import ORIGINS
from eval.types import Figure, Question, Row
from qa.errors import QuestionsError

Pair = tuple[Row, Row]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a measure moved from an earlier run to a later one, over the questions that both have."""

    measure: str
    title: str
    before: float
    after: float
    gain: Figure

    @property
    def verdict(self) -> str:
        """`worse` or `better` where the whole interval says so, else nothing."""
        if self.gain.high < 0:
            return "worse"
        return "better" if self.gain.low > 0 else ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A question with another outcome than before."""

    id: str
    before: str
    after: str

    @property
    def better(self) -> bool:
        """Whether it is right now, and was not before."""
        return self.after in GOOD


@dataclass(frozen=True, slots=True)
class Comparison:
    """A later run beside an earlier one. `unpaired` counts the questions that only one of them has in that form."""

    differences: tuple[Difference, ...]
    changed: tuple[Changed, ...]
    paired: int
    unpaired: int

    @property
    def worse(self) -> tuple[Difference, ...]:
        """The measures that got worse."""
        return tuple(each for each in self.differences if each.verdict == "worse")


def compare(before: Sequence[Row], after: Sequence[Row]) -> Comparison:
    """Pairs the rows of two runs whose questions are the same, gold answers included; `QuestionsError` if none are."""
    require_common(before, (row.question for row in after))
    earlier = {row.question.id: row for row in before}
    pairs = [
        (earlier[row.question.id], row)
        for row in after
        if row.question.id in earlier and earlier[row.question.id].question == row.question
    ]
    changed = tuple(Changed(new.question.id, old.outcome, new.outcome) for old, new in pairs if _differ(old, new))
    differences = (*_question_differences(pairs), *_set_differences(pairs))
    return Comparison(differences, changed, len(pairs), len(before) + len(after) - 2 * len(pairs))


def require_common(before: Sequence[Row], questions: Iterable[Question]) -> None:
    """`QuestionsError` unless an earlier run has one of the questions: comparing nothing would look like no loss."""
    earlier = {row.question.id: row.question for row in before}
    if not any(earlier.get(question.id) == question for question in questions):
        found = f"none of the questions among the {len(earlier)} of the earlier run"
        raise QuestionsError(found, "a report on the same questions", "name one, or the same --questions and --split")


def _differ(old: Row, new: Row) -> bool:
    """Whether one is good and the other is not; between two kinds of wrong nothing is gained or lost."""
    return (old.outcome in GOOD) != (new.outcome in GOOD)


def _question_differences(pairs: Sequence[Pair]) -> list[Difference]:
    named: dict[str, Measure] = dict(QUESTION_MEASURES)
    for origin in ORIGINS:
        named |= {f"{origin}.{name}": measure for name, measure in RETRIEVAL_MEASURES.items()}
    found = []
    for name, measure in named.items():
        both = [(old.scores, new.scores) for old, new in pairs if name in old.scores and name in new.scores]
        values = [(old[name], new[name]) for old, new in both]
        if values:
            before, after = zip(*values, strict=True)
            gain = paired_difference(*((before, after) if measure.higher_is_better else (after, before)))
            title = f"{name.partition('.')[0]} {measure.title}" if "." in name else measure.title
            found.append(Difference(name, title, _mean(before), _mean(after), gain))
    return found


def _set_differences(pairs: Sequence[Pair]) -> list[Difference]:
    before, after = columns_of([old for old, _ in pairs]), columns_of([new for _, new in pairs])
    found = []
    for name, measure in SET_MEASURES.items():
        old, new = SET_FUNCTIONS[name](before), SET_FUNCTIONS[name](after)
        if old is not None and new is not None:
            gain = set_gain(name, before, after)
            found.append(Difference(name, measure.title, old, new, gain))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def outcome_changes(comparison: Comparison) -> list[dict[str, Any]]:
    """The changed questions as a report's page shows them."""
    return [{"id": each.id, "before": each.before, "after": each.after} for each in comparison.changed]


def differences(comparison: Comparison) -> list[dict[str, Any]]:
    """The measures of both runs as a report holds them; `verdict` is `worse`, `better` or empty."""
    return [{**asdict(each), "verdict": each.verdict} for each in comparison.differences]


def timings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Median and 95th percentile of seconds a question in two reports: shown, never judged."""
    old, new = before["cost"]["seconds"]["total"], after["cost"]["seconds"]["total"]
    return [(f"seconds {name}", old[name], new[name]) for name in ("p50", "p95") if None not in (old[name], new[name])]
