"""What a record is worth beside its gold answer: every outcome, nothing dropped."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judging import judge, outcome_of
from eval.measures import QUESTION_MEASURES
from eval.types import Evidence, Question
from tests.rows import (
    COST,
    OPENED,
    TEXTS,
    WON,
    citation,
    evidence,
    failure,
    place,
    question,
    record,
    refusal,
    row,
    unanswerable,
)

ROOT = Path(__file__).resolve().parent.parent
PASSAGE = {**place(COST), "score": 1.0, "origin": "lexical"}
ELSEWHERE = {**place(WON), "score": 0.5, "origin": "dense"}
DUE = ("right", "right_or_quoted", "groups_met", "exact", "f1", "first_on_evidence", "span_recall", "span_precision")
ANSWERS = st.sampled_from([f"{COST} [1]", f"{OPENED} [2]", "Ocho.", "No consta: ¿y eso? · Vino. [9]", "", "[1]"])
CITATIONS = st.lists(
    st.builds(
        lambda quote, marker, shift: citation(
            quote, marker, start=place(quote)["start"] + shift, end=place(quote)["end"] + shift
        ),
        st.sampled_from([COST, OPENED, WON]),
        st.integers(1, 3),
        st.sampled_from([0, 0, 1]),
    ),
    max_size=3,
)


def scores(asked: Question, said: dict[str, Any]) -> dict[str, float]:
    return dict(judge(asked, said, TEXTS).scores)


def worst(measure: str) -> float:
    return 0.0 if QUESTION_MEASURES[measure].higher_is_better else 1.0


# --- What became of a question ---


@pytest.mark.parametrize(
    ("asked", "said", "expected"),
    [
        (question(), record("Costó 8 euros."), "right"),
        (question(), record("Costó nueve euros."), "wrong"),
        (question(), record(""), "wrong"),
        # One group of two is met.
        (question(answers=(("ocho",), ("Lima",))), record("Costó ocho euros."), "wrong"),
        (question(), refusal(), "refused"),
        # The words of a refusal do not count, even if they held the fact.
        (question(), refusal("No consta que costara ocho euros."), "refused"),
        (question(), failure(), "failed"),
        (unanswerable(), record("Costó ocho euros."), "invented"),
        (unanswerable(), refusal(), "rightly_refused"),
        (unanswerable(), failure(), "failed"),
    ],
)
def test_outcomes(asked: Question, said: dict[str, Any], expected: str) -> None:
    assert outcome_of(asked, said) == judge(asked, said, TEXTS).outcome == expected


def test_a_row_keeps_the_question_and_the_record_as_they_are() -> None:
    asked, said = question(), record()
    judged = judge(asked, said, TEXTS)
    assert (judged.question, judged.record) == (asked, said)


# --- Scores of an answer ---


def test_a_right_answer_has_every_score() -> None:
    said = record(f"{COST} [1]", citation(COST), passages=[ELSEWHERE, PASSAGE])
    # Said: costo 8 euros; gold: 8 euros. Precision 2/3, recall 1: F1 is 2 * 2 / (3 + 2) = 4/5.
    # The evidence is the sentence that is cited, in the second passage.
    assert scores(question(), said) == {
        "correct": 1,
        "right": 1,
        "right_or_quoted": 1,
        "groups_met": 1,
        "exact": 0,
        "f1": pytest.approx(0.8),
        "first_on_evidence": 1,
        "span_recall": 1,
        "span_precision": 1,
        "file_recall": 1,
        "found@1": 0,
        "found@5": 1,
        "over_refused": 0,
        "valid": 1,
        "uncited": 0,
    }


def test_half_an_answer() -> None:
    asked = question(answers=(("ocho euros",), ("Quito",)), evidence=(evidence(COST), evidence(WON)))
    # The answer says Quito, the quotation behind it also ocho euros; both places are needed and one is cited whole,
    # after a citation beside it. Characters cited: 35 + 32, of which 32 are gold; gold has 17 + 32.
    said = record("Ganó Quito. [1][2]", citation(OPENED), citation(WON, 2))
    assert (len(OPENED), len(COST), len(WON)) == (35, 17, 32)
    found = scores(asked, said)
    assert (found["correct"], found["right"], found["right_or_quoted"], found["groups_met"]) == (0, 0, 0, 0.5)
    assert found["first_on_evidence"] == 0
    assert found["span_recall"] == pytest.approx(32 / 49)
    assert found["span_precision"] == pytest.approx(32 / 67)
    # Of the gold files a.txt and b.txt both are cited.
    assert found["file_recall"] == 1
    # With the other half quoted the fact is there, though not in the answer.
    quoted = scores(asked, record("Ganó Quito. [1]", citation(WON), citation(COST, 2)))
    assert (quoted["right"], quoted["right_or_quoted"], quoted["first_on_evidence"]) == (0, 1, 1)


def test_the_gold_answer_alone_is_exact() -> None:
    found = scores(question(), record("Ocho euros. [1]", citation(COST)))
    assert (found["exact"], found["f1"]) == (1, 1)


def test_one_of_two_places_that_state_the_fact_is_enough() -> None:
    again = Evidence("b.txt", 0, 9, "ocho euros")
    said = record(f"{COST} [1]", citation(COST), passages=[PASSAGE])
    found = scores(question(evidence=(evidence(COST), again)), said)
    assert (found["span_recall"], found["file_recall"], found["found@1"]) == (1, 1, 1)


def test_evidence_in_the_sixth_passage_is_not_found_in_five() -> None:
    found = scores(question(), record(passages=[ELSEWHERE] * 5 + [PASSAGE]))
    assert (found["found@1"], found["found@5"]) == (0, 0)
    found = scores(question(), record(passages=[ELSEWHERE] * 4 + [PASSAGE]))
    assert (found["found@1"], found["found@5"]) == (0, 1)


def test_without_gold_evidence_there_are_no_scores_of_it() -> None:
    found = scores(question(evidence=()), record(f"{COST} [1]", citation(COST), passages=[PASSAGE]))
    assert set(found) == {
        "correct", "right", "right_or_quoted", "groups_met", "exact", "f1", "over_refused", "valid", "uncited"
    }  # fmt: skip


def test_an_overview_is_not_searched_for() -> None:
    said = record(f"{COST} [1]", citation(COST))
    searched, overview = scores(question(), said), scores(question(type="overview"), said)
    assert searched.keys() - overview.keys() == {"found@1", "found@5"}
    assert {name: searched[name] for name in overview} == overview
    assert row("q1", "right", type="overview").scores.keys() == row("q1", "failed", type="overview").scores.keys()


# --- Refusals, inventions, failures ---


def test_a_refusal_scores_nothing_where_an_answer_was_due_and_what_was_found_counts() -> None:
    found = scores(question(), refusal(passages=[PASSAGE]))
    assert found == {
        **dict.fromkeys(("correct", *DUE, "file_recall"), 0),
        "over_refused": 1,
        "found@1": 1,
        "found@5": 1,
    }


def test_a_right_refusal() -> None:
    # Nothing was stated, so there is nothing to be valid.
    assert scores(unanswerable(), refusal(passages=[PASSAGE])) == {"correct": 1, "refused": 1}


def test_an_invented_answer_is_judged_by_its_citations_alone() -> None:
    said = record(f"{WON} [1] · {COST} [2]", citation(WON), citation(COST, 2, start=0))
    # Of two citations one stands; the sentence with the other one has no valid one.
    assert scores(unanswerable(), said) == {"correct": 0, "refused": 0, "valid": 0.5, "uncited": 0.5}


def test_a_failure_has_the_worst_value_of_whatever_a_right_answer_is_measured_by() -> None:
    right, failed = row("q1", "right").scores, row("q1", "failed").scores
    assert set(right) == set(failed)
    assert failed == {measure: worst(measure) for measure in right}


def test_a_failure_of_an_unanswerable_question_has_the_worst_value_as_well() -> None:
    measures = row("q1", "rightly_refused").scores.keys() | row("q1", "invented").scores.keys()
    assert row("q1", "failed", type="near_miss").scores == {measure: worst(measure) for measure in measures}


def test_a_refusal_has_the_worst_value_but_for_what_was_found_and_what_was_not_stated() -> None:
    refused, right = row("q1", "refused").scores, row("q1", "right").scores
    assert right.keys() - refused.keys() == {"valid", "uncited"}
    found = {"found@1", "found@5"}
    assert {name: value for name, value in refused.items() if name not in found} == {
        name: worst(name) for name in refused.keys() - found
    }


@given(ANSWERS, CITATIONS, st.booleans())
def test_nothing_is_worth_less_than_a_failure(
    answer: str, citations: list[dict[str, Any]], is_answerable: bool
) -> None:
    asked = question() if is_answerable else unanswerable()
    failed = scores(asked, failure())
    for said in (record(answer, *citations, passages=[PASSAGE]), refusal()):
        found = scores(asked, said)
        assert found.keys() <= failed.keys() <= QUESTION_MEASURES.keys()
        for measure, value in found.items():
            assert 0 <= value <= 1 + 1e-9
            better = value - failed[measure] if QUESTION_MEASURES[measure].higher_is_better else failed[measure] - value
            assert better >= 0, measure


@given(ANSWERS, CITATIONS)
def test_an_answer_lacks_no_score_unless_it_states_nothing(answer: str, citations: list[dict[str, Any]]) -> None:
    found = scores(question(), record(answer, *citations))
    missing = scores(question(), failure()).keys() - found.keys()
    assert missing == ({"uncited"} if answer in ("", "[1]") else set())


# --- Citations ---


@pytest.mark.parametrize(
    "changes",
    [
        {"start": place(COST)["start"] + 1, "end": place(COST)["end"] + 1},
        {"start": place(COST)["start"] - 1, "end": place(COST)["end"] - 1},
        {"quote": COST.replace("ó", "o")},
        {"file": "b.txt"},
        {"file": "c.txt"},
        {"start": len(TEXTS["a.txt"]), "end": len(TEXTS["a.txt"]) + len(COST)},
        # The same characters counted from the end, and no characters at all, would stand.
        {"start": place(COST)["start"] - len(TEXTS["a.txt"]), "end": place(COST)["end"] - len(TEXTS["a.txt"])},
        {"start": 5, "end": 5, "quote": ""},
        {"start": 9, "end": 5, "quote": ""},
    ],
)
def test_a_citation_that_does_not_stand_is_invalid_and_proves_nothing(changes: dict[str, Any]) -> None:
    found = scores(question(), record(f"{COST} [1]", citation(COST, **changes)))
    assert (found["valid"], found["uncited"]) == (0, 1)
    beside = scores(question(), record(f"{COST} [1] · {OPENED} [2]", citation(COST, **changes), citation(OPENED, 2)))
    assert (beside["valid"], beside["uncited"]) == (0.5, 0.5)


def test_an_answer_without_citations_has_no_valid_ones() -> None:
    found = scores(question(), record(COST))
    assert (found["valid"], found["uncited"], found["first_on_evidence"], found["span_precision"]) == (0, 1, 0, 0)


def test_the_offsets_are_those_of_the_text_that_is_given() -> None:
    asked, said = question(), record(f"{COST} [1]", citation(COST))
    moved = {**TEXTS, "a.txt": "\ufeff" + TEXTS["a.txt"]}
    assert judge(asked, said, TEXTS).scores["valid"] == 1
    assert judge(asked, said, moved).scores["valid"] == judge(asked, said, {}).scores["valid"] == 0


# --- The format ---


def test_the_record_of_the_readme_is_one_that_can_be_judged() -> None:
    """`qa ask --json` as it is documented, against the articles it was made from."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    documented = json.loads(readme.partition("## Formats")[2].partition("```json")[2].partition("```")[0])
    assert documented.keys() | {"tokens"} == record().keys()
    assert documented["citations"][0].keys() == citation(COST).keys()
    cited = documented["citations"][0]
    gold = Evidence(cited["file"], cited["start"], cited["end"], cited["quote"])
    asked = question(question=documented["question"], answers=(("Vladivostok",),), evidence=(gold,))
    text = (ROOT / "seeds" / cited["file"]).read_text(encoding="utf-8")
    judged = judge(asked, documented, {cited["file"]: text})
    assert judged.outcome == "right"
    good = ("correct", "right", "first_on_evidence", "span_recall", "span_precision", "file_recall", "found@1", "valid")
    assert {name: judged.scores[name] for name in good} == dict.fromkeys(good, 1.0)
    assert judged.scores["uncited"] == 0
    # One character further it is another text.
    shifted = {**documented, "citations": [{**cited, "start": cited["start"] + 1, "end": cited["end"] + 1}]}
    assert judge(asked, shifted, {cited["file"]: text}).scores["valid"] == 0
    assert judge(replace(asked, answerable=False), documented, {}).outcome == "invented"
