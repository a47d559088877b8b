"""The second part of the reading corpus, plain questions on agency news: sound, split by passage, nothing twice."""

import re
from functools import cache

import pytest

from eval.question_set import read_question_set
from index.spanish import fold
from qa.training.card import CARD
from qa.training.corpus import split
from qa.training.faults import (
    ACCEPTED_WORDS,
    WIRE_WORDS,
    accepted_words,
    duplicates,
    faults_of,
    has_dictionary,
    misspellings,
)
from qa.training.figures import asked_of
from qa.training.passages import KINDS, WIRE_TRAIN, WIRE_VALIDATION, Passage, read_passages, to_line
from qa.training.second_reader import NO_ANSWER, answers_of, readings
from tests.test_reading_corpus import NOT_TOLD


@cache
def wire() -> tuple[Passage, ...]:
    return read_passages([WIRE_TRAIN, WIRE_VALIDATION])


def test_no_passage_or_question_has_a_fault() -> None:
    assert not [fault for passage in wire() for fault in faults_of(passage)]


def test_nothing_is_there_twice_in_either_part() -> None:
    assert not list(duplicates([*read_passages(), *wire()]))


@pytest.mark.skipif(not has_dictionary(), reason="needs hunspell with its Spanish dictionary")
def test_spelling() -> None:
    assert not list(misspellings(wire(), accepted_words()))


def test_accepted_words_are_sorted_and_used_and_not_in_the_other_list() -> None:
    words = WIRE_WORDS.read_text("utf-8").split()
    assert words == sorted(set(words) - accepted_words(ACCEPTED_WORDS))
    texts = {word for it in wire() for word in re.findall(r"\w+", f"{it.title} {it.text}")}
    asked = {word for it in wire() for q in it.questions for word in re.findall(r"\w+", q.question)}
    assert not [word for word in words if word not in texts | asked]


def test_each_passage_has_two_near_misses_and_ten_answers_of_seven_kinds() -> None:
    for passage in wire():
        near = [question for question in passage.questions if question.is_near_miss]
        assert (len(passage.questions), len(near)) == (12, 2), passage.id
        assert len({question.kind for question in passage.questions}) >= 7, passage.id


def test_every_kind_is_asked_for_and_yes_is_as_frequent_as_no() -> None:
    asked = [question for passage in wire() for question in passage.questions if not question.is_near_miss]
    for kind in KINDS:
        assert sum(question.kind == kind for question in asked) >= 0.04 * len(asked), kind
    verdicts = [question.yes_no for question in asked if question.yes_no]
    assert verdicts.count("yes") / len(verdicts) == pytest.approx(0.5, abs=0.07)


def test_near_misses_share_as_many_words_with_their_passage() -> None:
    """Or a reader could tell them by that."""
    shares = {
        near: [len(it.in_passage) / len(it.terms) for it in asked_of(wire()) if it.question.is_near_miss == near]
        for near in (True, False)
    }
    means = {near: sum(values) / len(values) for near, values in shares.items()}
    assert means[True] == pytest.approx(means[False], abs=0.12)


def test_training_and_validation_are_split_by_passage() -> None:
    training, validation = read_passages([WIRE_TRAIN]), read_passages([WIRE_VALIDATION])
    assert not {it.id for it in training} & {it.id for it in validation}
    assert ({it.id for it in training}, {it.id for it in validation}) == tuple(
        {it.id for it in part} for part in split(wire())
    )


def test_a_line_is_written_as_it_was_read() -> None:
    lines = [line for path in (WIRE_TRAIN, WIRE_VALIDATION) for line in path.read_text("utf-8").split("\n") if line]
    assert [to_line(passage) for passage in wire()] == lines


def test_nothing_of_the_five_articles_is_in_it() -> None:
    """Neither their events nor the questions that measure the program."""
    assert not [it.id for it in wire() if NOT_TOLD.search(fold(it.text))]
    measured = {fold(question.question) for question in read_question_set(None)}
    assert not [q.id for it in wire() for q in it.questions if fold(q.question) in measured]


def test_a_second_reader_agrees() -> None:
    """One who saw neither answers nor near misses; the data card names the figure."""
    read = readings(wire(), answers_of(WIRE_TRAIN.with_name("second_reader.txt").read_text("utf-8")))
    assert len(read) == 300
    agreement = sum(it.agreement for it in read) / len(read)
    assert f"at an F1 of {agreement:.2f}" in " ".join(CARD.read_text("utf-8").split())
    assert any(it.said != NO_ANSWER and it.agreement < 1 for it in read), "a reader who saw the answers?"
