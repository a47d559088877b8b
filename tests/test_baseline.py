"""A run beside an earlier one: what is paired, when something got worse, what is only shown."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.baseline import (
    Changed,
    Comparison,
    Difference,
    compare,
    outcome_changes,
    require_common,
    timings,
)
from eval.judging import judge
from eval.measures import QUESTION_MEASURES, SET_MEASURES
from eval.report import row_record, rows_of
from eval.types import Figure, Row
from qa.errors import QuestionsError
from tests.rows import COST, OPENED, TEXTS, citation, evidence, question, record, row

ANSWERABLE = ("right", "wrong", "refused", "failed")
OTHERS = ("invented", "rightly_refused", "failed")
# A question is answerable in both runs, or in neither.
OUTCOMES = st.tuples(st.just("number"), st.sampled_from(ANSWERABLE), st.sampled_from(ANSWERABLE)) | st.tuples(
    st.just("near_miss"), st.sampled_from(OTHERS), st.sampled_from(OTHERS)
)
RUNS = st.lists(st.tuples(OUTCOMES, st.sampled_from((0.1, 0.5, 0.9))), min_size=1, max_size=8).map(
    lambda drawn: tuple(
        [
            row(f"q{number}", outcomes[side], sure if outcomes[side] != "failed" else None, type=kind)
            for number, ((kind, *outcomes), sure) in enumerate(drawn)
        ]
        for side in (0, 1)
    )
)


def rows(*outcomes: str, confidence: float | None = None, **changes: Any) -> list[Row]:
    return [row(f"q{number}", outcome, confidence, **changes) for number, outcome in enumerate(outcomes, 1)]


def scored(measure: str, *values: float) -> list[Row]:
    """Rows with one score each, and equal in all else."""
    return [
        replace(each, scores={measure: value}) for each, value in zip(rows(*["refused"] * 10), values, strict=False)
    ]


def difference(comparison: Comparison, measure: str) -> Difference:
    (found,) = (each for each in comparison.differences if each.measure == measure)
    return found


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {each.measure: each.verdict for each in comparison.differences if each.verdict}


# --- Pairs ---


def test_questions_are_paired_by_their_ids() -> None:
    before, after = rows("right", "wrong", "refused"), rows("right", "right", "right")
    compared = compare(before, after[::-1])
    assert (compared.paired, compared.unpaired) == (3, 0)
    # 1, 0, 0 -> 1, 1, 1
    correct = difference(compared, "correct")
    assert (correct.before, correct.after, correct.gain.value) == pytest.approx((1 / 3, 1.0, 2 / 3))
    assert correct.title == "right answer, or rightly refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "¿Qué costó?"},
        {"answers": (("9 euros", "ocho euros"),)},
        {"evidence": (evidence(OPENED),)},
        {"evidence": ()},
        {"history": ("¿Quién abrió el puente?",)},
        {"split": "dev"},
    ],
)
def test_a_question_with_other_words_or_another_gold_answer_is_another_one(changes: dict[str, Any]) -> None:
    before = rows("right", "wrong")
    after = [before[0], replace(before[1], question=question("q2", **changes))]
    compared = compare(before, after)
    # The first is in both; the second is one that only the earlier run has, and one that only the later has.
    assert (compared.paired, compared.unpaired) == (1, 2)
    assert difference(compared, "correct").gain.n == 1


def test_questions_that_one_run_lacks_are_counted() -> None:
    before, after = rows("right", "wrong", "refused"), rows("right")
    assert (compare(before, after).paired, compare(before, after).unpaired) == (1, 2)
    assert (compare(after, before).paired, compare(after, before).unpaired) == (1, 2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], rows("right")),
        (rows("right"), []),
        ([], []),
        (rows("right"), rows("right", split="dev")),
        (rows("right", "wrong"), [row("other", "right")]),
    ],
)
def test_comparing_nothing_is_a_fault(before: Sequence[Row], after: Sequence[Row]) -> None:
    with pytest.raises(QuestionsError) as caught:
        compare(before, after)
    assert str(caught.value) == (
        f"none of the questions among the {len(before)} of the earlier run; "
        "expected a report on the same questions; name one, or the same --questions and --split"
    )


def test_questions_in_common_can_be_asked_for_before_a_run() -> None:
    before = rows("right", "wrong")
    require_common(before, [question("other"), before[1].question])
    with pytest.raises(QuestionsError, match="among the 2 of the earlier run"):
        require_common(before, [question("other"), replace(before[1].question, lang="en")])


# --- Better and worse ---


def test_a_mean_that_fell_is_not_worse_while_it_may_be_chance() -> None:
    # Two of ten are lost: a resample has none of them with a chance of 0.8^10 = 0.107, more than 0.025, so the upper
    # end of the interval is 0. Four of ten: 0.6^10 = 0.006, and it lies below.
    two = compare(scored("right", *[1] * 10), scored("right", *[1] * 8, 0, 0))
    four = compare(scored("right", *[1] * 10), scored("right", *[1] * 6, 0, 0, 0, 0))
    assert difference(two, "right").gain.value == pytest.approx(-0.2)
    assert (difference(two, "right").gain.high, difference(two, "right").verdict, two.worse) == (0.0, "", ())
    assert difference(four, "right").gain.high < 0
    assert four.worse == (difference(four, "right"),)


def test_each_measure_has_its_own_direction() -> None:
    high = {measure: 0.9 if known.higher_is_better else 0.2 for measure, known in QUESTION_MEASURES.items()}
    low = {measure: 0.2 if known.higher_is_better else 0.9 for measure, known in QUESTION_MEASURES.items()}
    good, bad = ([replace(each, scores=scores) for each in rows(*["refused"] * 5)] for scores in (high, low))
    worse, better = compare(good, bad), compare(bad, good)
    for measure in QUESTION_MEASURES:
        lost, gained = difference(worse, measure), difference(better, measure)
        # Before and after are as measured, the gain is turned so that more is better.
        assert (lost.before, lost.after, lost.gain.value) == pytest.approx((high[measure], low[measure], -0.7))
        assert (gained.before, gained.after, gained.gain.value) == pytest.approx((low[measure], high[measure], 0.7))
    assert verdicts(worse) == dict.fromkeys(QUESTION_MEASURES, "worse")
    assert verdicts(better) == dict.fromkeys(QUESTION_MEASURES, "better")


def test_refusing_what_was_answered_is_worse() -> None:
    compared = compare(rows(*["right"] * 6), rows(*["refused"] * 6))
    found = difference(compared, "over_refused")
    assert (found.before, found.after, found.gain) == (0.0, 1.0, Figure(-1.0, -1.0, -1.0, 6))
    assert {"correct", "right", "over_refused"} <= {each.measure for each in compared.worse}
    # Of a refusal it is not known how well it would have been cited.
    assert not {"valid", "uncited"} & {each.measure for each in compared.differences}


def test_losing_valid_citations_is_worse() -> None:
    asked = [question(f"q{number}") for number in range(6)]
    cited = [judge(each, record(f"{COST} [1]", citation(COST)), TEXTS) for each in asked]
    shifted = [judge(each, record(f"{COST} [1]", citation(COST, start=0)), TEXTS) for each in asked]
    compared = compare(cited, shifted)
    assert (difference(compared, "uncited").before, difference(compared, "uncited").after) == (0.0, 1.0)
    assert difference(compared, "uncited").gain.value == difference(compared, "valid").gain.value == -1
    assert {"uncited", "valid"} <= {each.measure for each in compared.worse}
    assert difference(compared, "right").verdict == ""


def confident(right: float, wrong: float) -> list[Row]:
    """Twelve answers, every second one right, with these confidences."""
    return [
        row(f"q{number}", "wrong" if number % 2 else "right", wrong if number % 2 else right) for number in range(12)
    ]


def test_another_confidence_alone_is_judged_too() -> None:
    compared = compare(confident(0.9, 0.1), confident(0.1, 0.9))
    # Brier: 0.01 before, 0.81 after. Calibration: five bins of one and two of two in ten; each is 0.1 off, then 0.9.
    # Both were sorted perfectly, and are the wrong way round now.
    assert difference(compared, "brier").before == pytest.approx(0.01)
    assert difference(compared, "brier").gain.value == pytest.approx(-0.8)
    assert difference(compared, "calibration_error").gain.value == pytest.approx(-0.8)
    assert verdicts(compared) == dict.fromkeys(("aurc", "calibration_error", "brier"), "worse")
    assert verdicts(compare(confident(0.1, 0.9), confident(0.9, 0.1))) == dict.fromkeys(
        ("aurc", "calibration_error", "brier"), "better"
    )


def test_telling_the_answerable_apart_is_judged() -> None:
    def run(sure: float, unsure: float) -> list[Row]:
        return [
            row(f"q{number}", "invented" if number % 2 else "right", unsure if number % 2 else sure)
            for number in range(12)
        ]

    found = difference(compare(run(0.9, 0.1), run(0.1, 0.9)), "auroc")
    assert (found.before, found.after, found.verdict) == (1.0, 0.0, "worse")
    assert found.gain == Figure(-1.0, -1.0, -1.0, 12)


def test_a_measure_of_the_set_that_one_run_lacks_is_not_compared() -> None:
    # Without an answer there is no calibration.
    compared = compare(rows("right", "right"), rows("refused", "refused"))
    assert {each.measure for each in compared.differences} & SET_MEASURES.keys() == {"aurc"}


def test_rankings_are_compared_under_their_names() -> None:
    compared = compare(scored("fused.recall@1", *[1] * 5), scored("fused.recall@1", *[0] * 5))
    found = difference(compared, "fused.recall@1")
    assert (found.title, found.verdict) == ("fused recall@1", "worse")


@settings(max_examples=4)
@given(RUNS)
def test_nothing_is_worse_or_better_than_itself(runs: tuple[list[Row], list[Row]]) -> None:
    before, _ = runs
    # Also where the earlier run was written down and read back.
    read = rows_of({"rows": json.loads(json.dumps([row_record(each) for each in before]))})
    for compared in (compare(before, before), compare(read, before), compare(before, read)):
        assert (verdicts(compared), compared.changed, compared.unpaired) == ({}, (), 0)
        assert all(each.before == each.after and each.gain.value == 0 for each in compared.differences)


def test_thirds_are_not_worse_than_themselves_on_paper() -> None:
    # Rounded to four places, 2/3 would be 0.00003 more each time than what is measured again.
    before = scored("f1", *[2 / 3] * 5)
    read = rows_of({"rows": json.loads(json.dumps([row_record(each) for each in before]))})
    assert verdicts(compare(read, before)) == verdicts(compare(before, read)) == {}


@settings(max_examples=4)
@given(RUNS)
def test_the_other_way_round_better_is_worse(runs: tuple[list[Row], list[Row]]) -> None:
    there, back = compare(*runs), compare(*runs[::-1])
    other = {"": "", "better": "worse", "worse": "better"}
    assert verdicts(back) == {measure: other[verdict] for measure, verdict in verdicts(there).items()}
    assert {(each.id, each.before, each.after) for each in back.changed} == {
        (each.id, each.after, each.before) for each in there.changed
    }
    for one, two in zip(there.differences, back.differences, strict=True):
        assert two.measure == one.measure
        assert two.gain.value == pytest.approx(-one.gain.value)


# --- Questions with another outcome ---


def test_changed_outcomes() -> None:
    before = [*rows("right", "wrong", "wrong", "failed", "right"), row("n1", "invented"), row("n2", "rightly_refused")]
    after = [*rows("wrong", "right", "refused", "right", "right"), row("n1", "rightly_refused"), row("n2", "invented")]
    compared = compare(before, after)
    # From one kind of wrong to another nothing was lost or gained.
    assert compared.changed == (
        Changed("q1", "right", "wrong"),
        Changed("q2", "wrong", "right"),
        Changed("q4", "failed", "right"),
        Changed("n1", "invented", "rightly_refused"),
        Changed("n2", "rightly_refused", "invented"),
    )
    assert [each.better for each in compared.changed] == [False, True, True, True, False]
    assert outcome_changes(compared)[:2] == [
        {"id": "q1", "before": "right", "after": "wrong"},
        {"id": "q2", "before": "wrong", "after": "right"},
    ]


# --- Time ---


def timed(p50: float | None, p95: float | None) -> dict[str, Any]:
    return {"cost": {"seconds": {"total": {"p50": p50, "p95": p95}}}}


def test_timings_are_shown() -> None:
    assert timings(timed(0.1, 2.0), timed(0.2, 9.0)) == [("seconds p50", 0.1, 0.2), ("seconds p95", 2.0, 9.0)]
    # No time at all is one as well; where nothing was answered there is none.
    assert timings(timed(0.0, 0.0), timed(0.2, None)) == [("seconds p50", 0.0, 0.2)]
    assert timings(timed(None, None), timed(0.2, 9.0)) == []


def test_timings_are_never_judged() -> None:
    before = rows(*["right"] * 6)
    slower = [
        replace(each, record={**each.record, "seconds": {"search": 9.0, "read": 99.0, "total": 108.0}})
        for each in before
    ]
    compared = compare(before, slower)
    assert verdicts(compared) == {}
    assert not [each for each in compared.differences if "second" in each.title]
