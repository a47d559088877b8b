"""Figures of the reading corpus on passages whose figures are known."""

from dataclasses import replace

import pytest

from qa.training.figures import asked_of, distributions, imbalances, shares_found_first, table
from qa.training.passages import KINDS, Passage, Question, Span

TEXT = "La alcaldesa Ruth Quispe abrió la posta. Hay veinte camas nuevas."
FIRST, SECOND = Span(TEXT[:40], 0), Span(TEXT[41:], 41)
NEAR_WORDS = Question("t-01-1", "who", "¿Quién abrió la posta?", "Who opened it?", (Span("Ruth Quispe", 13),))
FAR = Question("t-01-2", "how_many", "¿Con cuántos lechos cuenta el sanatorio?", "How many?", (Span("veinte", 45),))
EMPTY = Question("t-01-3", "who", "¿Quién?", "Who?", (Span("Ruth Quispe", 13),))
YES = Question("t-01-4", "yes_no", "¿Hay camas?", "Are there beds?", (SECOND,), None, "yes", True)
NEAR_MISS = Question("t-01-5", "when", "¿Cuándo abrió la posta?", "When did it open?", (), FIRST)
PASSAGE = Passage("t-01", "t", "brief", "Perú", "La posta", TEXT, (NEAR_WORDS, FAR, EMPTY, YES, NEAR_MISS))


def test_far_is_what_shares_at_most_one_term_of_several() -> None:
    far = {it.question.id: it.is_far for it in asked_of([PASSAGE])}
    assert far == {"t-01-1": False, "t-01-2": True, "t-01-3": False, "t-01-4": False, "t-01-5": False}


def test_terms_are_compared_with_the_passage_and_with_the_sentence() -> None:
    asked = replace(FAR, question="¿Cuántas camas hay en la posta?")
    (found,) = asked_of([replace(PASSAGE, questions=(asked,))])
    assert found.terms == found.in_passage == {"cam", "post"}
    assert found.in_sentence == {"cam"}


def test_the_table_counts() -> None:
    figures = dict(table([PASSAGE]))
    assert figures["passages"] == "1"
    assert figures["questions with an answer"] == "4" and figures["near misses"] == "1"
    assert figures["words of a passage"] == "11"
    assert figures["words of an answer"] == "median 2, 10 to 90 %: 1 to 3, most 4"
    assert figures["yes/no questions that the passage affirms"] == "1 of 1 (100 %)"
    assert figures["answerable that share hardly a content word"] == "1 of 4 (25 %)"
    assert figures["answerable as people type"] == "1 of 4 (25 %)"
    assert figures["near misses as people type"] == "0 of 1 (0 %)"
    assert figures["terms also in the tempting sentence, mean"] == "1.00"


def test_distributions_count_every_kind_and_the_first_words() -> None:
    counts = distributions([PASSAGE])
    assert list(counts["kind"]) == KINDS
    assert counts["kind"]["who"] == 2 and counts["kind"]["why"] == 0
    assert counts["kind of near miss"] == {"when": 1}
    assert counts["first word"] == {"quien": 2, "con": 1, "hay": 1, "cuando": 1}
    assert counts["country"] == {"Perú": 1}


def test_what_is_out_of_balance_is_said() -> None:
    uneven = imbalances([PASSAGE])
    assert "near misses that share hardly a content word: 0 %, wanted 25 to 50 %" in uneven
    assert "near misses of kind when: 100 %, wanted 4 to 20 %" in uneven
    assert "of kind why: 0 %, wanted 5 to 16 %" in uneven


def test_how_often_the_own_passage_is_found_first() -> None:
    other = Passage("u-01", "u", "brief", "Chile", "El sanatorio", "El sanatorio cuenta con lechos.", ())
    assert [value for _, value in shares_found_first([other, PASSAGE], asked_of([PASSAGE])[:-1])] == [
        "2 of 3 (67 %)",
        "0 of 1 (0 %)",
    ]


@pytest.mark.parametrize("passages", [[], [replace(PASSAGE, questions=())]])
def test_nothing_to_count_is_no_error(passages: list[Passage]) -> None:
    assert dict(table(passages))["questions with an answer"] == "0"
    assert imbalances(passages)
