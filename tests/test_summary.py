"""The figures of a report, worked out by hand on a few rows, and what must hold of any rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import summary
from eval.measures import SET_MEASURES
from eval.types import SPLITS, Row
from tests.rows import failure, row

SIX = (
    row("q1", "right", 0.9, type="person", split="dev"),
    row("q2", "wrong", 0.6, type="person", split="dev"),
    row("q3", "refused", 0.2, type="place", split="test"),
    row("q4", "invented", 0.7, type="near_miss", split="test"),
    row("q5", "rightly_refused", 0.1, type="near_miss", split="test"),
    row("q6", "failed", type="place", split="dev"),
)
FAILED = (row("q1", "failed"), row("q2", "failed", type="near_miss", split="dev"))
KINDS = st.tuples(
    st.sampled_from(("right", "wrong", "refused", "failed")), st.sampled_from(("person", "place", "number"))
) | st.tuples(st.sampled_from(("invented", "rightly_refused", "failed")), st.sampled_from(("near_miss", "off_topic")))
ROWS = st.lists(st.tuples(KINDS, st.sampled_from(("dev", "test", "mine"))), max_size=7).map(
    lambda drawn: [
        row(f"q{number}", outcome, type=kind, split=split) for number, ((outcome, kind), split) in enumerate(drawn)
    ]
)


def values(figures: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """Value and number of each figure."""
    return {name: (figure["value"], figure["n"]) for name, figure in figures.items()}


def total(groups: Iterable[dict[str, Any]]) -> int:
    return sum(group["correct"]["n"] for group in groups)


# --- Figures ---


def test_figures_by_hand() -> None:
    # Answerable are q1, q2, q3 and q6, of which q1 is right and q3 refused, q6 failed; of q4 and q5 one is refused.
    # Something was stated by q1, q2, q4, and q6 has nothing valid.
    assert values(summary.figures(SIX)) == {
        "correct": (0.3333, 6),
        "right": (0.25, 4),
        "right_or_quoted": (0.25, 4),
        "groups_met": (0.25, 4),
        "exact": (0.0, 4),
        # 4/5 for «Costó ocho euros», nothing for the others: 0.8 / 4
        "f1": (0.2, 4),
        "first_on_evidence": (0.25, 4),
        "span_recall": (0.25, 4),
        "span_precision": (0.25, 4),
        # The wrong sentence stands in the right article: 2 of 4
        "file_recall": (0.5, 4),
        "valid": (0.75, 4),
        "uncited": (0.25, 4),
        "refused": (0.5, 2),
        "over_refused": (0.5, 4),
        "found@1": (0.0, 4),
        "found@5": (0.0, 4),
    }


def test_an_interval_holds_its_mean() -> None:
    figures = summary.figures(SIX)
    # Two values, one of each: resamples of them are anything from none to all.
    assert figures["refused"] == {"value": 0.5, "low": 0.0, "high": 1.0, "n": 2}
    # Nothing differs.
    assert figures["exact"] == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 4}
    for name, figure in figures.items():
        assert figure["low"] <= figure["value"] <= figure["high"], name
        assert (figure["low"] < figure["value"] < figure["high"]) == (name not in ("exact", "found@1", "found@5"))


def test_the_figures_of_the_set() -> None:
    figures = summary.set_figures(SIX)
    # As worked out in tests/test_measures.py, to four places; 1.4 / 3 and 0.86 / 3 of the three answers.
    expected = {"auroc": (0.5, 6), "aurc": (0.5306, 6), "calibration_error": (0.4667, 6), "brier": (0.2867, 6)}
    assert values(figures) == expected
    assert summary.all_figures(SIX) == summary.figures(SIX) | figures


def test_what_applies_to_no_question_is_left_out() -> None:
    assert set(summary.figures(SIX[3:5])) == {"correct", "refused", "valid", "uncited"}
    # All are answerable: there is nothing to tell apart.
    assert set(summary.set_figures(SIX[:3])) == {"aurc", "calibration_error", "brier"}


# --- Parts ---


def test_types_in_the_order_in_which_they_occur() -> None:
    types = summary.by_type(SIX)
    assert list(types) == ["person", "place", "near_miss"]
    assert types["person"] == summary.figures(SIX[:2])
    assert values(types["place"])["over_refused"] == (1.0, 2)
    assert values(types["near_miss"])["refused"] == (0.5, 2)


def test_splits() -> None:
    splits = summary.by_split(SIX)
    assert list(splits) == list(SPLITS) == ["dev", "test"]
    assert values(splits["dev"])["right"] == (0.3333, 3)
    assert values(splits["test"])["auroc"] == (0.5, 3)
    assert list(summary.by_split(SIX[2:5])) == ["test"]


def test_a_split_of_ones_own_is_not_dropped() -> None:
    mine = [row("m1", "right", split="mine"), *SIX]
    assert list(summary.by_split(mine)) == ["dev", "test", "mine"]
    assert values(summary.by_split(mine)["mine"])["correct"] == (1.0, 1)


@settings(max_examples=5)
@given(ROWS)
def test_splits_part_the_rows(rows: list[Row]) -> None:
    splits = summary.by_split(rows)
    assert total(splits.values()) == len(rows)
    assert set(splits) == {each.question.split for each in rows}


@given(ROWS)
def test_types_part_the_rows_and_make_up_the_mean(rows: list[Row]) -> None:
    types = summary.by_type(rows)
    assert total(types.values()) == len(rows)
    for name, figure in summary.figures(rows).items():
        parts = [part[name] for part in types.values() if name in part]
        assert sum(part["n"] for part in parts) == figure["n"]
        weighted = sum(part["value"] * part["n"] for part in parts) / figure["n"]
        # Both sides are rounded to four places.
        assert weighted == pytest.approx(figure["value"], abs=2e-4)


# --- Retrieval ---


def ranked(identity: str, **found: float) -> Row:
    made = row(identity, "right")
    return replace(made, scores={**made.scores, **{name.replace("_", "."): value for name, value in found.items()}})


def test_rankings_have_their_own_figures() -> None:
    rows = [ranked("q1", lexical_mrr=1.0, fused_mrr=0.5), ranked("q2", lexical_mrr=0.5, fused_mrr=0.5), SIX[4]]
    found = summary.retrieval(rows)
    # Nothing is known of the dense ranking; the unanswerable question has none.
    assert list(found) == ["lexical", "fused"]
    assert values(found["lexical"]) == {"mrr": (0.75, 2)}
    assert found["fused"] == {"mrr": {"value": 0.5, "low": 0.5, "high": 0.5, "n": 2}}
    assert summary.retrieval(SIX) == {}
    assert "lexical.mrr" not in summary.figures(rows)


# --- Forms ---

PLAIN = (row("p1", "right"), row("p2", "wrong"), row("p3", "right"))


def test_forms_beside_the_plain_wording_of_the_same() -> None:
    rows = [
        *PLAIN,
        row("t1", "wrong", form="typo", plain=("p1",)),
        row("t2", "right", form="typo", plain=("p2",)),
        row("t3", "right", form="typo", plain=("p3",)),
        row("e1", "refused", form="english", plain=("p1",)),
    ]
    found = summary.forms(rows)
    assert list(found) == ["typo", "english", "all"]
    # Typed: 2 of 3 right; plain p1, p2, p3: 2 of 3; the differences are -1, 1, 0.
    assert (found["typo"]["right"], found["typo"]["plain"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (found["typo"]["difference"]["value"], found["typo"]["difference"]["n"]) == (0.0, 3)
    assert found["typo"]["difference"]["low"] < 0 < found["typo"]["difference"]["high"]
    assert found["english"] == {
        "right": 0.0,
        "plain": 1.0,
        "difference": {"value": -1.0, "low": -1.0, "high": -1.0, "n": 1},
    }
    # Together 2 of 4 against 3 of 4, as p1 counts for both that ask it: (-1 + 1 + 0 - 1) / 4
    assert (found["all"]["right"], found["all"]["plain"]) == (0.5, 0.75)
    assert (found["all"]["difference"]["value"], found["all"]["difference"]["n"]) == (-0.25, 4)


@pytest.mark.parametrize(("plain", "expected"), [(("p1", "p3"), 1.0), (("p1", "p2"), 0.0), (("p2", "p2"), 0.0)])
def test_a_double_question_is_right_in_plain_words_only_if_both_are(plain: tuple[str, ...], expected: float) -> None:
    found = summary.forms([*PLAIN, row("d1", "right", form="double", plain=plain)])
    assert (found["double"]["right"], found["double"]["plain"]) == (1.0, expected)
    assert found["double"]["difference"]["value"] == 1 - expected


def test_a_form_without_its_plain_wording_cannot_be_compared() -> None:
    rows = [*PLAIN, row("t1", "right", form="typo", plain=("gone",)), row("d1", "right", plain=("p1", "gone"))]
    assert summary.forms(rows) == summary.forms(PLAIN) == summary.forms([]) == {}


def test_a_rewording_that_names_no_form_goes_by_its_type() -> None:
    found = summary.forms([*PLAIN, row("t1", "wrong", type="typed", plain=("p1",))])
    assert list(found) == ["typed", "all"]
    assert (found["typed"]["right"], found["typed"]["plain"]) == (0.0, 1.0)


def test_a_plain_question_that_failed_counts_as_not_right() -> None:
    found = summary.forms([row("p1", "failed"), row("t1", "right", form="typo", plain=("p1",))])
    assert (found["typo"]["right"], found["typo"]["plain"]) == (1.0, 0.0)


# --- Confidence ---


def test_the_risk_coverage_curve_to_four_places() -> None:
    # tests/test_measures.py: risks 0, 1/2, 2/3, 3/4, 3/5, 4/6
    assert summary.curve(SIX) == [
        [0.1667, 0.0], [0.3333, 0.5], [0.5, 0.6667], [0.6667, 0.75], [0.8333, 0.6], [1.0, 0.6667]
    ]  # fmt: skip


def test_answers_in_bins() -> None:
    # Three answers in ten bins: each has one to itself, the least sure first.
    assert summary.calibration_table(SIX) == [
        {"confidence": 0.6, "right": 0.0, "n": 1},
        {"confidence": 0.7, "right": 0.0, "n": 1},
        {"confidence": 0.9, "right": 1.0, "n": 1},
    ]


# --- Cost ---


def timed(identity: str, total: float, prompt: int, decoded: int) -> Row:
    made = row(identity, "right")
    seconds = {"search": 0.1, "read": total - 0.1, "total": total}
    return replace(made, record={**made.record, "seconds": seconds, "tokens": {"prompt": prompt, "decoded": decoded}})


def test_cost() -> None:
    rows = [timed("q1", 1.1, 100, 0), timed("q2", 0.1, 300, 4), timed("q3", 2.1, 200, 8), row("q4", "failed")]
    cost = summary.cost(rows)
    # Of three sorted values the median is the second; 95 % of the way is 0.9 of the step from the second to the third:
    # 1.1 + 0.9 * 1, 1 + 0.9, 200 + 0.9 * 100, 4 + 0.9 * 4. The failed question took nothing that was measured.
    assert cost["seconds"]["total"] == {"p50": pytest.approx(1.1), "p95": pytest.approx(2.0)}
    assert cost["seconds"]["read"] == {"p50": pytest.approx(1.0), "p95": pytest.approx(1.9)}
    assert cost["seconds"]["search"] == {"p50": pytest.approx(0.1), "p95": pytest.approx(0.1)}
    assert cost["prompt_tokens"] == {"p50": 200.0, "p95": pytest.approx(290.0), "sum": 600.0}
    assert cost["decoded_tokens"] == {"p50": 4.0, "p95": pytest.approx(7.6), "sum": 12.0}


# --- Nothing, and nothing but failures ---


def test_of_no_questions_there_are_no_figures() -> None:
    parts: Sequence[Any] = [summary.all_figures([]), summary.by_split([]), summary.by_type([]), summary.retrieval([])]
    assert parts == [{}, {}, {}, {}]
    assert (summary.curve([]), summary.calibration_table([])) == ([], [])
    nothing = {"p50": None, "p95": None}
    assert summary.cost([]) == {
        "seconds": {"search": nothing, "read": nothing, "total": nothing},
        "prompt_tokens": {**nothing, "sum": 0},
        "decoded_tokens": {**nothing, "sum": 0},
    }


def test_failures_are_counted_with_the_worst_values() -> None:
    assert [each.record for each in FAILED] == [failure("q1"), failure("q2")]
    figures = summary.all_figures(FAILED)
    answerable = {name: (0.0, 1) for name in figures if name not in SET_MEASURES}
    assert values(figures) == answerable | {
        "correct": (0.0, 2),
        "valid": (0.0, 2),
        "uncited": (1.0, 2),
        "over_refused": (1.0, 1),
        "refused": (0.0, 1),
        # Both are equally sure, which is no better than chance; both are wrong.
        "auroc": (0.5, 2),
        "aurc": (1.0, 2),
    }
    assert total(summary.by_type(FAILED).values()) == total(summary.by_split(FAILED).values()) == 2
    assert summary.curve(FAILED) == [[0.5, 1.0], [1.0, 1.0]]
    assert summary.calibration_table(FAILED) == []
    assert summary.cost(FAILED) == summary.cost([])
