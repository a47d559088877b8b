"""Measures of a whole set, worked out by hand on six rows."""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.measures import (
    GOOD,
    QUESTION_MEASURES,
    RETRIEVAL_MEASURES,
    SET_FUNCTIONS,
    SET_MEASURES,
    Columns,
    answers,
    columns_of,
    risk_curve,
    set_figure,
    set_gain,
)
from eval.types import Figure, Row
from tests.rows import row

SIX = (
    row("q1", "right", 0.9),
    row("q2", "wrong", 0.6),
    row("q3", "refused", 0.2),
    row("q4", "invented", 0.7),
    row("q5", "rightly_refused", 0.1),
    row("q6", "failed"),
)
OUTCOMES = ("right", "wrong", "refused", "invented", "rightly_refused", "failed")
ROWS = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.sampled_from((None, 0.0, 0.3, 0.8, 1.0))), max_size=8).map(
    lambda drawn: [row(f"q{number}", outcome, sure) for number, (outcome, sure) in enumerate(drawn)]
)


def value(measure: str, rows: Sequence[Row]) -> float | None:
    return SET_FUNCTIONS[measure](columns_of(rows))


def test_columns() -> None:
    columns = columns_of(SIX)
    # A failure names no confidence and answers nothing.
    assert columns.confidence.tolist() == [0.9, 0.6, 0.2, 0.7, 0.1, 0.0]
    assert columns.answerable.tolist() == [True, True, True, False, False, True]
    assert columns.answered.tolist() == [True, True, False, True, False, False]
    assert columns.good.tolist() == [True, False, False, False, True, False]


def test_without_a_confidence_an_answer_is_meant_and_a_refusal_too() -> None:
    rows = [row("q1", "wrong"), row("q2", "refused"), row("q3", "failed")]
    for each in rows[:2]:
        assert isinstance(each.record, dict)
        each.record["confidence"] = None
    assert columns_of(rows).confidence.tolist() == [1.0, 0.0, 0.0]
    # None is not the same as none at all: an answer may be given with the confidence 0.
    assert columns_of([row("q1", "wrong", 0.0)]).confidence.tolist() == [0.0]


def test_auroc() -> None:
    # Answerable have 0.9, 0.6, 0.2 and 0, the others 0.7 and 0.1. 0.9 is higher than both, 0.6 and 0.2 than one of
    # the two, 0 than none: 4 of 8 pairs.
    assert value("auroc", SIX) == 0.5
    # Only answerable ones, or only others: there is nothing to tell apart.
    assert value("auroc", [SIX[0], SIX[1]]) is value("auroc", [SIX[3], SIX[4]]) is value("auroc", []) is None


def test_answers_come_first_by_confidence_and_then_refusals() -> None:
    # q1 right, q4 invented, q2 wrong; then, not answered, q3 wrongly refused, q5 rightly, q6 failed.
    assert risk_curve(columns_of(SIX)) == [
        (pytest.approx(1 / 6), 0.0),
        (pytest.approx(2 / 6), pytest.approx(1 / 2)),
        (pytest.approx(3 / 6), pytest.approx(2 / 3)),
        (pytest.approx(4 / 6), pytest.approx(3 / 4)),
        (pytest.approx(5 / 6), pytest.approx(3 / 5)),
        (1.0, pytest.approx(4 / 6)),
    ]
    # (0 + 1/2 + 2/3 + 3/4 + 3/5 + 2/3) / 6 = 3.18333 / 6
    assert value("aurc", SIX) == pytest.approx(0.530556, abs=1e-6)


def test_an_unsure_answer_still_comes_before_a_sure_refusal() -> None:
    # Answered with 0.1, refused with 0.9: by confidence alone the other one would be first.
    rows = [row("q1", "refused", 0.9), row("q2", "right", 0.1)]
    assert risk_curve(columns_of(rows)) == [(0.5, 0.0), (1.0, 0.5)]
    rows = [row("q1", "rightly_refused", 0.9), row("q2", "wrong", 0.1)]
    assert risk_curve(columns_of(rows)) == [(0.5, 1.0), (1.0, 0.5)]


def test_calibration_is_that_of_the_answers() -> None:
    # q1 right with 0.9, q4 invented with 0.7, q2 wrong with 0.6, each in a bin of its own: (0.1 + 0.7 + 0.6) / 3
    confidences, rights = answers(columns_of(SIX))
    assert (confidences.tolist(), rights.tolist()) == ([0.9, 0.6, 0.7], [True, False, False])
    assert value("calibration_error", SIX) == pytest.approx(1.4 / 3)
    # (0.01 + 0.49 + 0.36) / 3
    assert value("brier", SIX) == pytest.approx(0.86 / 3)
    # Whatever was refused has no part in it.
    assert value("brier", [SIX[0], replace(SIX[2], record={**SIX[2].record, "confidence": 1.0})]) == pytest.approx(0.01)
    assert value("calibration_error", [SIX[2], SIX[5]]) is value("brier", [SIX[2], SIX[5]]) is None


def test_of_nothing_there_are_no_figures() -> None:
    columns = columns_of([])
    assert [function(columns) for function in SET_FUNCTIONS.values()] == [None] * 4
    assert risk_curve(columns) == []
    assert {set_figure(name, columns) for name in SET_MEASURES} == {Figure(0.0, 0.0, 0.0, 0)}
    assert {set_gain(name, columns, columns) for name in SET_MEASURES} == {Figure(0.0, 0.0, 0.0, 0)}


def test_of_failures_alone_only_the_risk_has_a_figure() -> None:
    columns = columns_of([row("q1", "failed"), row("q2", "failed")])
    assert {name: set_figure(name, columns) for name in SET_MEASURES} == {
        "auroc": Figure(0.0, 0.0, 0.0, 0),
        "aurc": Figure(1.0, 1.0, 1.0, 2),
        "calibration_error": Figure(0.0, 0.0, 0.0, 0),
        "brier": Figure(0.0, 0.0, 0.0, 0),
    }
    assert columns_of([row("q1", "failed", type="near_miss")]).good.tolist() == [False]


def test_a_figure_holds_its_value_between_its_bounds() -> None:
    columns = columns_of(SIX)
    for measure in SET_MEASURES:
        figure = set_figure(measure, columns)
        assert figure.value == pytest.approx(value(measure, SIX))
        # The six differ, so other questions might have given more, or less; `n` counts all six.
        assert 0 <= figure.low < figure.value < figure.high <= 1
        assert figure.n == 6


def test_some_of_the_questions_repeats_included() -> None:
    some = columns_of(SIX).at(np.array([4, 0, 0]))
    assert some.confidence.tolist() == [0.1, 0.9, 0.9]
    assert some.good.tolist() == [True] * 3
    assert some.answerable.tolist() == some.answered.tolist() == [False, True, True]


# --- Gains ---

SURE = (row("q1", "right", 0.9), row("q2", "wrong", 0.2), row("q3", "invented", 0.1), row("q4", "right", 0.8)) * 3
UNSURE = (row("q1", "right", 0.2), row("q2", "wrong", 0.9), row("q3", "invented", 0.8), row("q4", "right", 0.1)) * 3


@pytest.mark.parametrize("measure", list(SET_MEASURES))
def test_a_gain_is_positive_where_it_is_better(measure: str) -> None:
    # The right answers were surer than the others, and are less sure now: worse by every measure.
    before, after = columns_of(SURE), columns_of(UNSURE)
    old, new = value(measure, SURE), value(measure, UNSURE)
    assert old is not None and new is not None
    lost, gained = set_gain(measure, before, after), set_gain(measure, after, before)
    assert lost.value == pytest.approx(-abs(new - old))
    assert lost.high < 0
    assert (gained.value, gained.low, gained.high) == pytest.approx((-lost.value, -lost.high, -lost.low))
    assert lost.n == gained.n == 12


def test_gains_by_hand() -> None:
    # Answers: 0.9, 0.8 right and 0.2, 0.1 wrong -> (0.01 + 0.04 + 0.04 + 0.01) / 4 = 0.025, and then 0.2, 0.1 right
    # and 0.9, 0.8 wrong -> (0.64 + 0.81 + 0.81 + 0.64) / 4 = 0.725.
    assert set_gain("brier", columns_of(SURE), columns_of(UNSURE)).value == pytest.approx(0.025 - 0.725)
    # Answerable 0.9, 0.2, 0.8 against 0.1: 1; then 0.2, 0.9, 0.1 against 0.8: 1/3.
    assert set_gain("auroc", columns_of(SURE), columns_of(UNSURE)).value == pytest.approx(1 / 3 - 1)


def test_a_gain_needs_a_value_before_and_after() -> None:
    answered, refused = columns_of([row("q1", "right", 0.9)]), columns_of([row("q1", "refused", 0.9)])
    assert set_gain("brier", answered, refused).n == set_gain("brier", refused, answered).n == 0
    assert set_gain("brier", answered, answered).n == 1


@settings(max_examples=6)
@given(ROWS)
def test_nothing_is_gained_on_oneself(rows: list[Row]) -> None:
    columns = columns_of(rows)
    for measure in SET_MEASURES:
        gain = set_gain(measure, columns, columns)
        # No minus before the zero either.
        assert f"{gain.value} {gain.low} {gain.high}" == "0.0 0.0 0.0"


@given(ROWS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], random: random.Random) -> None:
    shuffled = random.sample(rows, len(rows))
    for measure in SET_MEASURES:
        found = value(measure, rows)
        assert found == value(measure, shuffled) or found == pytest.approx(value(measure, shuffled))
        assert found is None or 0 <= found <= 1 + 1e-9


@given(ROWS)
def test_everything_is_covered_in_the_end(rows: list[Row]) -> None:
    curve = risk_curve(columns_of(rows))
    assert len(curve) == len(rows)
    if rows:
        # All of them: the share that is not good.
        coverage, risk = curve[-1]
        assert coverage == 1
        assert risk == pytest.approx(sum(each.outcome not in GOOD for each in rows) / len(rows))


def test_every_measure_has_one_name_and_one_title() -> None:
    names = [*QUESTION_MEASURES, *RETRIEVAL_MEASURES, *SET_MEASURES]
    measures = [*QUESTION_MEASURES.values(), *RETRIEVAL_MEASURES.values(), *SET_MEASURES.values()]
    assert len(set(names)) == len(names) == len({measure.title for measure in measures})
    assert SET_FUNCTIONS.keys() == SET_MEASURES.keys()
    lower = {name for name, measure in zip(names, measures, strict=True) if not measure.higher_is_better}
    assert lower == {"uncited", "over_refused", "aurc", "calibration_error", "brier"}


def test_columns_are_arrays_of_their_kinds_even_without_rows() -> None:
    columns = columns_of([])
    assert isinstance(columns, Columns)
    kinds = [column.dtype for column in (columns.confidence, columns.answerable, columns.answered, columns.good)]
    assert kinds == [np.dtype(float), np.dtype(bool), np.dtype(bool), np.dtype(bool)]
